//! From the first listener to the last connection: signals, shutdown, orphans.

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::handshake::{self, Environment};
use super::listener::Listener;
use super::server::{self, Open};
use super::{ServeError, tls, write_line};
use crate::service::Service;

/// How long calls in flight may take to end once core has said goodbye: it kills after two seconds.
const DRAIN: Duration = Duration::from_secs(1);
/// How often to look whether core is still there.
const ORPHAN_CHECK: Duration = Duration::from_secs(1);
/// How long calls in flight may take to wind up once core is gone. With the checks it makes less than ten seconds.
const ORPHAN_GRACE: Duration = Duration::from_secs(6);

/// Serves until core, a signal or core's death ends it.
pub(super) fn run(
    service: &Service,
    environment: &Environment,
    address: &str,
    debug: bool,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(
            std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4)),
        )
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(service, environment, address, debug));
    // Drops what is left, the socket among it; a handler that blocks must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

async fn serve(
    service: &Service,
    environment: &Environment,
    address: &str,
    debug: bool,
) -> Result<(), ServeError> {
    // Ctrl-C reaches the whole process group, and dying of it would lose what is being created. So before the handshake:
    let interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    let terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let tls = match environment.get("PLUGIN_CLIENT_CERT") {
        Some(pem) if !debug => Some(tls::mutual(pem)?),
        _ => None,
    };
    let listener = Arc::new(Listener::bind(environment, tls.is_some()).await?);
    let endpoint = listener.endpoint();
    let shutdown = CancellationToken::new();
    let open = Open::default();
    let acceptor = tls
        .as_ref()
        .map(|tls| TlsAcceptor::from(Arc::clone(&tls.config)));
    let mut server = tokio::spawn(server::serve(
        Arc::clone(&listener),
        acceptor,
        service.clone(),
        open.clone(),
        shutdown.clone(),
    ));
    let parent = rustix::process::getppid();
    let line = if debug {
        let assignment = handshake::reattach(&endpoint, address);
        format!(
            "Serving until Ctrl-C. In the shell that runs Terraform or OpenTofu:\n\n    export {assignment}\n"
        )
    } else {
        handshake::line(
            &endpoint,
            tls.as_ref().map(|tls| tls.certificate.as_ref()),
            environment,
        )
    };
    write_line(std::io::stdout(), &line).map_err(ServeError::Handshake)?;

    tokio::select! {
        ended = &mut server => return ended.unwrap_or(Ok(())),
        () = shutdown.cancelled() => {}
        () = interrupted(interrupt), if debug => {}
        () = terminated(terminate) => {
            tracing::info!("SIGTERM: finishing the calls in flight");
            service.wind_up(Duration::MAX).await;
        }
        () = orphaned(parent, &open), if !debug => {
            tracing::warn!("core is gone: ending");
            service.wind_up(ORPHAN_GRACE).await;
        }
    }
    shutdown.cancel();
    match tokio::time::timeout(DRAIN, server).await {
        Ok(ended) => ended.unwrap_or(Ok(())),
        Err(_) => Ok(()),
    }
}

async fn interrupted(mut interrupt: Signal) {
    interrupt.recv().await;
}

async fn terminated(mut terminate: Signal) {
    terminate.recv().await;
}

/// Returns once core is certainly gone: no connection is left, and the process that started this one, or the reader
/// of its stdout, has disappeared.
async fn orphaned(parent: Option<rustix::process::Pid>, open: &Open) {
    let mut check = tokio::time::interval(ORPHAN_CHECK);
    loop {
        check.tick().await;
        let abandoned = rustix::process::getppid() != parent || stdout_hung_up();
        if abandoned && open.count() == 0 {
            return;
        }
    }
}

/// Returns whether nobody reads stdout any more. Core keeps draining it as long as it lives.
fn stdout_hung_up() -> bool {
    let stdout = std::io::stdout();
    let mut descriptor = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut descriptor, Some(&now)).is_ok()
        && descriptor[0]
            .revents()
            .intersects(PollFlags::ERR | PollFlags::HUP)
}
