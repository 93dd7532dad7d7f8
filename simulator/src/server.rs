//! Sockets: listeners, connections, TLS, resets.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::http::{Reply, Request};
use crate::pipeline::{Outcome, Shared, respond};

/// One address that is listened on.
pub(crate) struct Listener {
    pub(crate) socket: std::net::TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Opens or closes all listeners; the sender is told once that is so.
pub(crate) struct Command {
    pub(crate) open: bool,
    pub(crate) done: std::sync::mpsc::Sender<io::Result<()>>,
}

/// Serves until shutdown. A closed listener refuses connections and cuts those that are open.
pub(crate) async fn run(
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    shutdown: CancellationToken,
) {
    let mut open = CancellationToken::new();
    let mut places = Vec::new();
    let mut accepting = Vec::new();
    for listener in listeners {
        places.push((listener.address, listener.tls.clone()));
        if let Ok(socket) = TcpListener::from_std(listener.socket) {
            accepting.push(spawn(&shared, socket, listener.tls, &open));
        }
    }
    loop {
        let command = tokio::select! {
            () = shutdown.cancelled() => break,
            command = commands.recv() => match command {
                Some(command) => command,
                None => break,
            },
        };
        let mut result = Ok(());
        open.cancel();
        for task in accepting.drain(..) {
            let _ = task.await;
        }
        if command.open {
            open = CancellationToken::new();
            for (address, tls) in &places {
                match TcpListener::bind(address).await {
                    Ok(socket) => accepting.push(spawn(&shared, socket, tls.clone(), &open)),
                    Err(error) => result = Err(error),
                }
            }
        }
        let _ = command.done.send(result);
    }
    open.cancel();
}

fn spawn(
    shared: &Arc<Shared>,
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    open: &CancellationToken,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(accept(shared.clone(), socket, tls, open.clone()))
}

async fn accept(
    shared: Arc<Shared>,
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    open: CancellationToken,
) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = open.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        while conversations.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let reset = Arc::new(AtomicBool::new(false));
        let socket = Socket {
            stream,
            reset: reset.clone(),
        };
        let (shared, tls, open) = (shared.clone(), tls.clone(), open.clone());
        conversations.spawn(async move {
            match tls {
                None => converse(shared, socket, "http", reset, open).await,
                Some(tls) => {
                    let shaken = tokio::select! {
                        () = open.cancelled() => return,
                        shaken = tls.accept(socket) => shaken,
                    };
                    if let Ok(stream) = shaken {
                        converse(shared, stream, "https", reset, open).await;
                    }
                }
            }
        });
    }
    drop(socket);
    while conversations.join_next().await.is_some() {}
}

/// Serves one connection until its end, a reset, or the end of listening.
async fn converse<S>(
    shared: Arc<Shared>,
    stream: S,
    scheme: &'static str,
    reset: Arc<AtomicBool>,
    open: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let cut = CancellationToken::new();
    let service = service_fn(|request| {
        let (shared, reset, cut) = (shared.clone(), reset.clone(), cut.clone());
        async move {
            let Ok(request) = receive(request, scheme).await else {
                return Ok::<_, Infallible>(response(Reply::text(400, "unreadable request\n")));
            };
            // A task of its own: a write that is late still commits when the client has gone.
            let answer = tokio::spawn(respond(shared, request)).await;
            match answer {
                Ok(Outcome::Reply(reply)) => Ok(response(reply)),
                Ok(Outcome::Silence) => std::future::pending().await,
                Ok(Outcome::Reset) => {
                    reset.store(true, Ordering::Release);
                    cut.cancel();
                    std::future::pending().await
                }
                Err(_) => Ok(response(Reply::text(500, "the simulator failed\n"))),
            }
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => {}
        () = cut.cancelled() => {}
        () = open.cancelled() => {}
    }
}

async fn receive(request: hyper::Request<Incoming>, scheme: &str) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let host = head.headers.get("host").and_then(|host| host.to_str().ok());
    let host = host
        .or_else(|| {
            head.uri
                .authority()
                .map(hyper::http::uri::Authority::as_str)
        })
        .unwrap_or_default();
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(raw_query.as_bytes())
            .into_owned()
            .collect(),
        raw_query,
        origin: format!("{scheme}://{host}"),
        headers: head.headers,
        body,
    })
}

fn response(reply: Reply) -> hyper::Response<Full<Bytes>> {
    let mut builder = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(*name, value);
    }
    let body = Full::new(Bytes::from(reply.body));
    // Names and values come from this crate and from addresses that hyper has already accepted.
    builder.body(body).unwrap_or_default()
}

/// A TCP stream that says "reset" instead of "end" when it is dropped after a scripted reset.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
