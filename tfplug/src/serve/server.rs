//! The gRPC server over accepted connections.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::ServeError;
use super::listener::{BoxedIo, Listener};
use super::side::Side;
use crate::service::Service;
use crate::wire::health::health_server::HealthServer;
use crate::wire::plugin::grpc_broker_server::GrpcBrokerServer;
use crate::wire::plugin::grpc_controller_server::GrpcControllerServer;
use crate::wire::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::wire::tfplugin6::provider_server::ProviderServer;

/// The largest message either way; tonic's default of 4 MiB is too small for a large attribute.
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;
/// How long one client may take for its TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// Counts the connections that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<AtomicUsize>);

impl Open {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// Serves until shutdown, then until what is in flight has ended.
pub(super) async fn serve(
    listener: Arc<Listener>,
    tls: Option<TlsAcceptor>,
    service: Service,
    open: Open,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let (accepted, connections) = mpsc::channel(16);
    tokio::spawn(accept(listener, tls, open, accepted, shutdown.clone()));
    let side = Side {
        shutdown: shutdown.clone(),
    };
    let provider = ProviderServer::new(service)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .add_service(provider)
        .add_service(GrpcControllerServer::new(side.clone()))
        .add_service(GrpcBrokerServer::new(side.clone()))
        .add_service(GrpcStdioServer::new(side.clone()))
        .add_service(HealthServer::new(side))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), shutdown.cancelled_owned())
        .await
        .map_err(ServeError::Server)
}

/// Accepts connections; each proves itself in a task of its own, so that a stuck client holds nobody up.
async fn accept(
    listener: Arc<Listener>,
    tls: Option<TlsAcceptor>,
    open: Open,
    accepted: mpsc::Sender<Result<Connection, std::io::Error>>,
    shutdown: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => return,
            stream = listener.accept() => stream,
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                // Out of file descriptors, say: do not spin.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (tls, open, accepted) = (tls.clone(), open.clone(), accepted.clone());
        tokio::spawn(async move {
            let stream: BoxedIo = match tls {
                None => stream,
                Some(tls) => match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Box::pin(stream),
                    Ok(Err(error)) => return tracing::warn!(%error, "refused a client"),
                    Err(_) => {
                        return tracing::warn!(
                            "refused a client that did not finish its TLS handshake"
                        );
                    }
                },
            };
            // The server is gone if this fails, and the connection goes with it.
            let _ = accepted.send(Ok(Connection::new(stream, open))).await;
        });
    }
}

/// A connection that counts as long as it is open.
struct Connection {
    io: BoxedIo,
    open: Open,
}

impl Connection {
    fn new(io: BoxedIo, open: Open) -> Self {
        open.0.fetch_add(1, Ordering::AcqRel);
        Self { io, open }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.io.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.io.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.io.as_mut().poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.io.as_mut().poll_shutdown(context)
    }
}
