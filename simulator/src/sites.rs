//! HTTPS sites as the machines behind Elastic IPs present them: one loopback address a machine, one
//! port for all of them, certificates of an authority of their own.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use gigadb_simulator::sites::{Site, Sites};
//!
//! # fn example() -> std::io::Result<()> {
//! let (well, lost) = (Ipv4Addr::new(127, 0, 113, 10), Ipv4Addr::new(127, 51, 100, 10));
//! let sites = Sites::start()?;
//! sites.set(well, Site::of(&["example.org"]))?;
//! sites.set(lost, Site::of(&["example.org"]).ending_in(-3))?;
//! // ... probe sites.port() at these addresses, trusting sites.ca_file() ...
//! # Ok(())
//! # }
//! ```

mod certificates;
mod serve;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;

use self::certificates::Authority;

/// Tells where the machine behind a name is, if there is one.
pub type Origins = Arc<dyn Fn(&str) -> Option<Ipv4Addr> + Send + Sync>;

/// What one machine presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    names: Vec<String>,
    ends_in_days: i64,
    trusted: bool,
    status: u16,
    body: String,
    silence: Option<Silence>,
}

/// Where a site stops answering, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It accepts connections, and shakes no hands.
    Handshake,
    /// It shakes hands, and answers no request.
    Answer,
    /// It closes connections as soon as it has accepted them.
    Closing,
}

impl Site {
    /// A site that is well: a trusted certificate for these names that ends in 90 days, and 200.
    pub fn of(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ends_in_days: 90,
            trusted: true,
            status: 200,
            body: "<h1>A simulated site</h1>\n".to_owned(),
            silence: None,
        }
    }

    /// Its certificate ends this many whole days, and some hours, from now; before now if negative.
    #[must_use]
    pub fn ending_in(mut self, days: i64) -> Self {
        self.ends_in_days = days;
        self
    }

    /// Its certificate is of an authority that nobody trusts.
    #[must_use]
    pub fn untrusted(mut self) -> Self {
        self.trusted = false;
        self
    }

    /// It answers with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// It answers with this text.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// It does not answer.
    #[must_use]
    pub fn silent(mut self, silence: Silence) -> Self {
        self.silence = Some(silence);
        self
    }
}

/// One request that a site answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The machine.
    pub address: Ipv4Addr,
    /// The name in SNI.
    pub sni: Option<String>,
    /// The `Host` header.
    pub host: Option<String>,
    /// Path and query.
    pub path: String,
}

/// Running sites; they end when dropped. An address without a site refuses connections.
#[derive(Debug)]
pub struct Sites {
    trusted: Authority,
    stranger: Authority,
    ca_file: PathBuf,
    /// Removes the file when dropped.
    _folder: TempDir,
    places: Mutex<Places>,
    machines: Machines,
    asked: Arc<Mutex<Vec<Asked>>>,
    runtime: Option<Runtime>,
}

/// The sites of all machines, for edges. Locked for a moment only: nobody waits with it.
type Machines = Arc<Mutex<BTreeMap<Ipv4Addr, Site>>>;

#[derive(Debug, Default)]
struct Places {
    /// 0 until the first site listens.
    port: u16,
    open: BTreeMap<Ipv4Addr, Place>,
}

#[derive(Debug)]
struct Place {
    close: CancellationToken,
    /// Hung up once nothing listens any more.
    closed: mpsc::Receiver<()>,
}

impl Sites {
    /// Starts without a site, at a free port.
    pub fn start() -> io::Result<Self> {
        Self::start_at(0)
    }

    /// Starts without a site; all of them will be at this port, 0 being a free one.
    pub fn start_at(port: u16) -> io::Result<Self> {
        let trusted = Authority::new("gigadb-simulator sites")?;
        let folder = tempfile::Builder::new().prefix("gigadb-sites-").tempdir()?;
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, trusted.pem())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sites")
            .enable_all()
            .build()?;
        Ok(Self {
            trusted,
            stranger: Authority::new("gigadb-simulator stranger")?,
            ca_file,
            _folder: folder,
            places: Mutex::new(Places {
                port,
                open: BTreeMap::new(),
            }),
            machines: Arc::default(),
            asked: Arc::default(),
            runtime: Some(runtime),
        })
    }

    /// Puts a site at a loopback address, instead of the one that was there.
    pub fn set(&self, address: Ipv4Addr, site: Site) -> io::Result<()> {
        self.listen(address, site.clone(), None)?;
        self.machines().insert(address, site);
        Ok(())
    }

    /// Puts an edge at a loopback address, which answers for these names what the machine answers
    /// that `origins` names, as Cloudflare's proxy does; where that does not answer, with
    /// Cloudflare's own status.
    pub fn set_edge(&self, address: Ipv4Addr, names: &[&str], origins: Origins) -> io::Result<()> {
        let origins = serve::Passes {
            origins,
            machines: Arc::clone(&self.machines),
        };
        self.listen(address, Site::of(names), Some(origins))
    }

    fn listen(
        &self,
        address: Ipv4Addr,
        site: Site,
        passes: Option<serve::Passes>,
    ) -> io::Result<()> {
        let authority = if site.trusted {
            &self.trusted
        } else {
            &self.stranger
        };
        let acceptor = authority.acceptor(&site.names, site.ends_in_days)?;
        let mut places = self.places();
        places.refuse(address);
        let socket = places.listen(address)?;
        socket.set_nonblocking(true)?;
        let close = CancellationToken::new();
        let (closing, closed) = mpsc::channel();
        let place = Place {
            close: close.clone(),
            closed,
        };
        places.open.insert(address, place);
        let served = serve::Served {
            address,
            site,
            acceptor,
            passes,
            asked: Arc::clone(&self.asked),
        };
        self.handle()?.spawn(async move {
            if let Ok(socket) = tokio::net::TcpListener::from_std(socket) {
                serve::accept(socket, served, close).await;
            }
            drop::<mpsc::Sender<()>>(closing);
        });
        Ok(())
    }

    /// Takes the site of an address away: from here on connections are refused.
    pub fn refuse(&self, address: Ipv4Addr) {
        self.machines().remove(&address);
        self.places().refuse(address);
    }

    /// Returns the port of all sites; 0 before the first.
    pub fn port(&self) -> u16 {
        self.places().port
    }

    /// Returns the file with the authority's certificate.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Returns a certificate of the trusted authority in PEM, as a deployment stores it.
    pub fn certificate_pem(&self, names: &[&str], ends_in_days: i64) -> io::Result<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.trusted.certificate_pem(&names, ends_in_days)
    }

    /// Returns the requests that were answered, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets the requests.
    pub fn clear_asked(&self) {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<Ipv4Addr, Site>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self) -> io::Result<&Handle> {
        self.runtime
            .as_ref()
            .map(Runtime::handle)
            .ok_or_else(|| io::Error::other("the sites have ended"))
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        // Not by dropping it, which is forbidden where a test is asynchronous itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Places {
    fn refuse(&mut self, address: Ipv4Addr) {
        if let Some(place) = self.open.remove(&address) {
            place.close.cancel();
            let _ = place.closed.recv();
        }
    }

    /// Listens at the port of all sites; the first one chooses it.
    fn listen(&mut self, address: Ipv4Addr) -> io::Result<TcpListener> {
        let socket = TcpListener::bind((address, self.port))?;
        self.port = socket.local_addr()?.port();
        Ok(socket)
    }
}
