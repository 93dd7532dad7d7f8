//! One site's connections.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{Asked, Machines, Origins, Silence, Site};

/// What a listener serves.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) address: Ipv4Addr,
    pub(super) site: Site,
    pub(super) acceptor: TlsAcceptor,
    /// Set where this is an edge, and the site another machine's.
    pub(super) passes: Option<Passes>,
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
}

/// What an edge knows of the machines behind it.
#[derive(Clone)]
pub(super) struct Passes {
    pub(super) origins: Origins,
    pub(super) machines: Machines,
}

/// What Cloudflare answers where the machine refuses the connection, and where it stays silent:
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>.
const DOWN: u16 = 521;
const TIMED_OUT: u16 = 522;

impl Passes {
    /// The machine behind a name, and what it answers.
    fn site(&self, host: &str) -> (Option<Ipv4Addr>, Site) {
        let name = host.split(':').next().unwrap_or_default();
        let origin = (self.origins)(&name.to_ascii_lowercase());
        let machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        let site = origin.and_then(|origin| machines.get(&origin));
        let site = match site {
            Some(site) if site.silence.is_none() => site.clone(),
            Some(_) => Site::of(&[]).status(TIMED_OUT),
            None => Site::of(&[]).status(DOWN),
        };
        (origin, site)
    }
}

/// Accepts until closed, which also cuts what is open.
pub(super) async fn accept(socket: TcpListener, served: Served, close: CancellationToken) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = close.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        while conversations.try_join_next().is_some() {}
        if let Ok((stream, _)) = accepted {
            conversations.spawn(converse(stream, served.clone()));
        }
    }
}

async fn converse(stream: TcpStream, served: Served) {
    match served.site.silence {
        Some(Silence::Closing) => return,
        Some(Silence::Handshake) => std::future::pending().await,
        Some(Silence::Answer) | None => {}
    }
    let Ok(stream) = served.acceptor.accept(stream).await else {
        return;
    };
    let sni = stream.get_ref().1.server_name().map(str::to_owned);
    let served = &served;
    let service = service_fn(move |request: Request<Incoming>| {
        let sni = sni.clone();
        async move { Ok::<_, Infallible>(answer(&request, sni, served).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: &Request<Incoming>,
    sni: Option<String>,
    served: &Served,
) -> Response<Full<Bytes>> {
    if served.site.silence == Some(Silence::Answer) {
        std::future::pending::<()>().await;
    }
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| Some(host.to_str().ok()?.to_owned()));
    let passed = served.passes.as_ref().map(|passes| {
        let (origin, site) = passes.site(host.as_deref().unwrap_or_default());
        (origin.unwrap_or(served.address), site)
    });
    let (address, site) = passed.unwrap_or_else(|| (served.address, served.site.clone()));
    served
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Asked {
            address,
            sni,
            host,
            path: request
                .uri()
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
        });
    let mut response = Response::new(Full::new(Bytes::from(site.body)));
    if let Ok(status) = site.status.try_into() {
        *response.status_mut() = status;
    }
    response
}
