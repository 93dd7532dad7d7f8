//! The process: from `main` to exit.
//!
//! Invariants: stdout carries the handshake line and nothing else; stdin is never read (it is core's own, the user's "yes");
//! nothing runs before the cookie is checked except `--version`, `--help` and `--debug`.

mod handshake;
mod lifecycle;
mod listener;
mod log;
mod panic;
mod server;
mod side;
mod tls;

use std::process::ExitCode;
use std::sync::Arc;

use crate::service::Service;
use crate::{Provider, Secrets};
use handshake::{Environment, Mode};

/// Why a plugin process could not start or go on.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("could not start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Listen(#[from] listener::BindError),
    #[error(
        "PLUGIN_CLIENT_CERT is not one PEM certificate; refusing to serve without knowing the client"
    )]
    ClientCertificate(#[source] rustls_pki_types::pem::Error),
    #[error("could not make the server's certificate")]
    ServerCertificate(#[source] rcgen::Error),
    #[error("could not set up TLS")]
    Tls(#[source] rustls::Error),
    #[error("could not install a signal handler")]
    Signal(#[source] std::io::Error),
    #[error("could not write the handshake line to stdout")]
    Handshake(#[source] std::io::Error),
    #[error("the gRPC server failed")]
    Server(#[source] tonic::transport::Error),
}

/// Serves a provider to core and returns the exit code of the process: the whole `main`.
///
/// ```no_run
/// # fn provider() -> std::sync::Arc<dyn tfplug::Provider> { unimplemented!() }
/// fn main() -> std::process::ExitCode {
///     tfplug::serve(provider())
/// }
/// ```
///
/// Started by hand it says what it is and exits with 1. `--version` and `--help` work by hand;
/// `--debug` serves until Ctrl-C and prints the `TF_REATTACH_PROVIDERS` that makes core use this process.
pub fn serve(provider: Arc<dyn Provider>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let environment = Environment::of_process();
    let code = match handshake::mode(&arguments, &environment) {
        Mode::Answer {
            text,
            to_stderr,
            code,
        } => {
            let written = if to_stderr {
                write_line(std::io::stderr(), &text(provider.as_ref()))
            } else {
                write_line(std::io::stdout(), &text(provider.as_ref()))
            };
            if written.is_err() { 1 } else { code }
        }
        Mode::Serve { debug } => run(provider, &environment, debug),
    };
    ExitCode::from(code)
}

fn run(provider: Arc<dyn Provider>, environment: &Environment, debug: bool) -> u8 {
    let secrets = Secrets::new();
    log::install(log::level(environment, provider.address()), &secrets);
    panic::install_hook(&secrets);
    let address = provider.address().to_owned();
    let service = Service::new(provider, secrets);
    match lifecycle::run(&service, environment, &address, debug) {
        Ok(()) => 0,
        Err(error) => {
            let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
                error.source()
            });
            let text = causes
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": ");
            // Nobody is left to tell if stderr is closed.
            let _ = write_line(std::io::stderr(), &format!("[ERROR] {text}"));
            1
        }
    }
}

/// Writes one line with one call, so that lines of different threads do not mix.
fn write_line(mut to: impl std::io::Write, line: &str) -> std::io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())?;
    to.flush()
}
