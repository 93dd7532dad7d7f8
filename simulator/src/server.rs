//! Sockets: listeners, connections, TLS, resets.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::http::{Reply, Request};
use crate::pipeline::{Outcome, Shared, respond};

/// How long to wait for a port that is to be kept.
const PATIENCE: Duration = Duration::from_secs(5);

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
    for listener in listeners {
        let mut place = Place {
            address: listener.address,
            tls: listener.tls,
            accepting: None,
            held: None,
        };
        if let Ok(socket) = TcpListener::from_std(listener.socket) {
            place.accept(&shared, socket, &open);
        }
        places.push(place);
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
        if !command.open {
            open.cancel();
        } else if open.is_cancelled() {
            open = CancellationToken::new();
        }
        for place in &mut places {
            let done = if command.open {
                place.open(&shared, &open)
            } else {
                place.close().await
            };
            result = result.and(done);
        }
        let _ = command.done.send(result);
    }
    open.cancel();
}

/// One address over the simulator's life.
struct Place {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    accepting: Option<JoinHandle<()>>,
    /// While closed, a socket that is bound but does not listen: connections are refused, and the port
    /// goes to nobody else.
    held: Option<TcpSocket>,
}

impl Place {
    fn accept(&mut self, shared: &Arc<Shared>, socket: TcpListener, open: &CancellationToken) {
        let accepting = accept(shared.clone(), socket, self.tls.clone(), open.clone());
        self.accepting = Some(tokio::spawn(accepting));
    }

    /// Waits for the end of accepting, which was asked for, and keeps the port. A child process that is
    /// being started may hold the old listener for a moment longer; until then the port is in use.
    async fn close(&mut self) -> io::Result<()> {
        let Some(task) = self.accepting.take() else {
            return Ok(());
        };
        let _ = task.await;
        let patience = Instant::now();
        loop {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            match socket.bind(self.address) {
                Ok(()) => {
                    self.held = Some(socket);
                    return Ok(());
                }
                Err(error) if patience.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    fn open(&mut self, shared: &Arc<Shared>, open: &CancellationToken) -> io::Result<()> {
        if let Some(socket) = self.held.take() {
            let socket = socket.listen(1024)?;
            self.accept(shared, socket, open);
        }
        Ok(())
    }
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
