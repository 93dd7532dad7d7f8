//! A running simulator as tests hold it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::dns::{self, DnsFault, DnsQuery, Edge};
use crate::faults::Fault;
use crate::log::{Commit, LoggedRequest};
use crate::pipeline::Shared;
use crate::server::{self, Command, Listener};
use crate::sites::Origins;
use crate::tls;
use crate::world::World;

/// How to listen. The default is plain HTTP on a free port of 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the plain listener; 0 takes a free one.
    pub port: u16,
    /// Whether to listen for HTTPS as well, on a free port, with a throw-away authority.
    pub https: bool,
    /// How long every call takes, half before it is handled and half after.
    pub latency: Duration,
    /// Whether to answer DNS queries too, over UDP and TCP, at one free port of 127.0.0.1 and 127.0.0.2.
    pub dns: bool,
    /// Where proxied records lead to.
    pub edge: Edge,
    /// Whether to keep the world as each write left it; switch off for very large worlds.
    pub keep_history: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            https: false,
            dns: false,
            edge: Edge::Cloudflare,
            latency: Duration::ZERO,
            keep_history: true,
        }
    }
}

/// Base URLs as clients are configured with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Urls {
    /// Ends in `/client/v4`.
    pub cloudflare: String,
    /// Ends in `/api/v4`.
    pub gitlab: String,
    /// Endpoint for EC2 and STS, without a path.
    pub aws: String,
    /// Ends in `/_simulator`.
    pub control: String,
}

impl Urls {
    fn at(scheme: &str, address: SocketAddr) -> Self {
        let base = format!("{scheme}://{address}");
        Self {
            cloudflare: format!("{base}/client/v4"),
            gitlab: format!("{base}/api/v4"),
            control: format!("{base}/_simulator"),
            aws: base,
        }
    }
}

/// A running simulator; it ends, and cuts its connections, when dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: State,
    urls: Urls,
    https: Option<Https>,
    dns: Vec<SocketAddr>,
    commands: mpsc::UnboundedSender<Command>,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// The state, which has nothing to say for itself in `Debug`.
struct State(Arc<Shared>);

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

#[derive(Debug)]
struct Https {
    urls: Urls,
    pem: String,
    file: PathBuf,
    /// Removes the file when dropped.
    _folder: TempDir,
}

impl Simulator {
    /// Starts with default [`Options`].
    ///
    /// # Panics
    ///
    /// When loopback cannot be listened on: no test could go on without it.
    #[expect(
        clippy::unused_async,
        reason = "starting is asynchronous for callers, whatever it takes"
    )]
    #[expect(clippy::expect_used, reason = "documented under Panics")]
    pub async fn start(world: World) -> Self {
        Self::start_with(world, &Options::default()).expect("loopback can be listened on")
    }

    /// Starts as the options say; an error is the operating system's about a port, a thread or a file.
    pub fn start_with(world: World, options: &Options) -> io::Result<Self> {
        let listen = |port: u16, tls| -> io::Result<Listener> {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?;
            Ok(Listener {
                socket,
                address,
                tls,
            })
        };
        let plain = listen(options.port, None)?;
        let urls = Urls::at("http", plain.address);
        let mut listeners = vec![plain];
        let mut https = None;
        if options.https {
            let (acceptor, pem) = tls::throw_away()?;
            let listener = listen(0, Some(acceptor))?;
            let folder = tempfile::Builder::new()
                .prefix("gigadb-simulator-")
                .tempdir()?;
            let file = folder.path().join("ca.pem");
            std::fs::write(&file, &pem)?;
            https = Some(Https {
                urls: Urls::at("https", listener.address),
                pem,
                file,
                _folder: folder,
            });
            listeners.push(listener);
        }

        let shared = Shared::new(world, options.latency, options.keep_history);
        shared.dns().edge = options.edge;
        let (commands, receiver) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let name_servers = if options.dns {
            dns::bind()?
        } else {
            Vec::new()
        };
        let addresses = name_servers.iter().map(|server| server.address).collect();
        let serve = {
            let serve = server::run(shared.clone(), listeners, receiver, shutdown.clone());
            let (shared, shutdown) = (shared.clone(), shutdown.clone());
            async move {
                for sockets in name_servers {
                    tokio::spawn(dns::serve(shared.clone(), sockets, shutdown.clone()));
                }
                serve.await;
            }
        };
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self {
            shared: State(shared),
            urls,
            https,
            dns: addresses,
            commands,
            shutdown,
            thread: Some(thread),
        })
    }

    /// Returns the base URLs for plain HTTP.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Returns Cloudflare's base URL, with `/client/v4`.
    pub fn cloudflare_url(&self) -> &str {
        &self.urls.cloudflare
    }

    /// Returns GitLab's base URL, with `/api/v4`.
    pub fn gitlab_url(&self) -> &str {
        &self.urls.gitlab
    }

    /// Returns the endpoint for EC2 and STS.
    pub fn aws_url(&self) -> &str {
        &self.urls.aws
    }

    /// Returns the base URLs for HTTPS, if asked for.
    pub fn https_urls(&self) -> Option<&Urls> {
        self.https.as_ref().map(|https| &https.urls)
    }

    /// Returns the throw-away authority's certificate, if HTTPS was asked for.
    pub fn ca_pem(&self) -> Option<&str> {
        self.https.as_ref().map(|https| https.pem.as_str())
    }

    /// Returns the file that holds [`Simulator::ca_pem`].
    pub fn ca_file(&self) -> Option<&Path> {
        self.https.as_ref().map(|https| https.file.as_path())
    }

    /// Returns the name servers' addresses, if asked for: one or two, of one port.
    pub fn name_servers(&self) -> &[SocketAddr] {
        &self.dns
    }

    /// Returns what tells where a name's A record leads now, as Cloudflare's proxy knows it.
    pub fn origins(&self) -> Origins {
        let shared = Arc::clone(&self.shared.0);
        Arc::new(move |name| {
            let state = shared.state();
            let mut zones = state.world.cloudflare.zones.iter();
            zones.find_map(|zone| {
                let mut records = zone.records.iter();
                let record = records.find(|one| one.kind == "A" && one.name == name)?;
                record.content.parse().ok()
            })
        })
    }

    /// Returns the queries that the name servers saw, in order of arrival.
    pub fn dns_queries(&self) -> Vec<DnsQuery> {
        self.shared.0.dns().queries.clone()
    }

    /// Adds a fault of the name servers, after those that are there; it stays until
    /// [`Simulator::clear_dns_faults`].
    pub fn dns_fault(&self, fault: DnsFault) {
        self.shared.0.dns().faults.push(fault);
    }

    /// Removes all faults of the name servers.
    pub fn clear_dns_faults(&self) {
        self.shared.0.dns().faults.clear();
    }

    /// Returns the world as it is now.
    pub fn world(&self) -> World {
        self.shared.0.state().world.clone()
    }

    /// Changes the world behind the clients' backs, between two calls; returns what the closure returns.
    pub fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.shared.0.state().world)
    }

    /// Returns the request log, in order of arrival.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.0.state().requests.clone()
    }

    /// Forgets the request log and the history; numbers go on.
    pub fn clear_requests(&self) {
        let mut state = self.shared.0.state();
        state.requests.clear();
        state.history.clear();
    }

    /// Returns the world after each committed write since the start or the last
    /// [`Simulator::clear_requests`]; edits between writes show in the next one.
    pub fn history(&self) -> Vec<Commit> {
        self.shared.0.state().history.clone()
    }

    /// Adds a fault to the script, after those that are there.
    pub fn fault(&self, fault: Fault) {
        self.shared.0.add_fault(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.0.state().script.clear();
    }

    /// Returns how many faults have not been used up (those that hit for ever count).
    pub fn pending_faults(&self) -> usize {
        self.shared.0.state().script.pending()
    }

    /// Makes every call take that long.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.0.set_latency(latency);
    }

    /// Closes the listeners and cuts open connections: from here on connections are refused.
    pub fn stop_listening(&self) -> io::Result<()> {
        self.listen(false)
    }

    /// Listens again, at the same addresses.
    pub fn listen_again(&self) -> io::Result<()> {
        self.listen(true)
    }

    fn listen(&self, open: bool) -> io::Result<()> {
        let (done, result) = std::sync::mpsc::channel();
        let gone = || io::Error::other("the simulator's thread has ended");
        self.commands
            .send(Command { open, done })
            .map_err(|_| gone())?;
        result.recv().map_err(|_| gone())?
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
