//! What the machines of the playground answer: HTTPS sites, an edge for proxied names as Cloudflare's, and the
//! greetings of SSH and FTP servers. Everything listens at loopback addresses, at the usual ports where that is allowed.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};

use gigadb_simulator::Edge;
use gigadb_simulator::sites::{Origins, Site, Sites};
use gigadb_simulator::world::{REGION_ALT, REGION_UPSTREAM, sop_address};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::{AbortHandle, JoinSet};

/// The ports that are asked where nothing else is said.
const HTTPS: u16 = 443;
const SSH: u16 = 22;
const FTP: u16 = 21;
/// How often other free ports are tried, when one is not free at every address.
const PORTS_TO_TRY: usize = 16;
const REGIONS: [&str; 2] = [REGION_UPSTREAM, REGION_ALT];
/// The names that the live and the staging site answer to, whichever role they have.
const SITES: [(&str, [&str; 4]); 2] = [
    (
        "live",
        [
            "gigadb.org",
            "portainer.gigadb.org",
            "alt-live.gigadb.host",
            "portainer.alt-live.gigadb.host",
        ],
    ),
    (
        "staging",
        [
            "staging.gigadb.org",
            "portainer.staging.gigadb.org",
            "alt-staging.gigadb.host",
            "portainer.alt-staging.gigadb.host",
        ],
    ),
];

/// Everything that listens; it ends when dropped.
pub(super) struct Machines {
    pub(super) sites: Sites,
    greeters: Vec<Greeter>,
    /// Ports that stand for the usual ones, and why.
    moved: Vec<Moved>,
}

struct Moved {
    protocol: &'static str,
    usual: u16,
    port: u16,
    why: String,
}

/// Servers that greet whoever connects, at one port of several addresses.
struct Greeter {
    port: u16,
    places: BTreeMap<Ipv4Addr, AbortHandle>,
}

impl Machines {
    /// Starts everything; an error is a clause.
    pub(super) fn start(origins: &Origins) -> Result<Self, String> {
        let mut moved = Vec::new();
        let mut note = |protocol, usual, port, why: Option<io::Error>| {
            moved.extend(why.map(|why| Moved {
                protocol,
                usual,
                port,
                why: reason(usual, &why),
            }));
        };
        let (sites, why) = usual_or_free(HTTPS, |port| sites(port, origins))?;
        note("https", HTTPS, sites.port(), why);
        let mut greeters = Vec::new();
        for (protocol, usual, greeting, endpoints) in [
            (
                "ssh",
                SSH,
                "SSH-2.0-gigadb-simulator\r\n",
                &["bastion", "files"][..],
            ),
            ("ftp", FTP, "220 A simulated file server\r\n", &["files"]),
        ] {
            let (greeter, why) =
                usual_or_free(usual, |port| Greeter::start(port, greeting, endpoints))?;
            note(protocol, usual, greeter.port, why);
            greeters.push(greeter);
        }
        Ok(Self {
            sites,
            greeters,
            moved,
        })
    }

    /// The live web machine of a region answers no more.
    pub(super) fn lose_live_site(&self, region: &str) {
        if let Some(address) = machine(region, "live", "web") {
            self.sites.refuse(address);
        }
    }

    /// Nothing of live answers any more in a region.
    pub(super) fn lose_live(&self, region: &str) {
        self.lose_live_site(region);
        for endpoint in ["bastion", "files"] {
            let address = machine(region, "live", endpoint);
            for greeter in &self.greeters {
                if let Some(place) = address.and_then(|address| greeter.places.get(&address)) {
                    place.abort();
                }
            }
        }
    }

    /// Whether the sites answer where probes ask by default.
    pub(super) fn probes_work(&self) -> bool {
        self.sites.port() == HTTPS
    }

    /// The ports that stand for the usual ones, as `GIGADB_PORTS` names them.
    pub(super) fn ports(&self) -> Option<String> {
        let moved = self.moved.iter();
        let ports: Vec<String> = moved
            .map(|one| format!("{}:{}", one.protocol, one.port))
            .collect();
        Some(ports.join(",")).filter(|ports| !ports.is_empty())
    }

    /// What is said of the sites, and of the greetings.
    pub(super) fn told(&self) -> (String, String) {
        let of = |protocols: &[&str]| {
            let moved = self.moved.iter();
            let moved = moved.filter(|one| protocols.contains(&one.protocol));
            let clauses: Vec<String> = moved
                .map(|one| format!("at port {} ({} {})", one.port, one.usual, one.why))
                .collect();
            clauses.join(" and ")
        };
        let sites = if self.probes_work() {
            "of all web machines, with certificates of the playground's own authority".to_owned()
        } else {
            format!(
                "of all web machines, {}; `verify` and `watch` ask there, and probes are off: \
                 `--https-check warn --https-port {}` makes them",
                of(&["https"]),
                self.sites.port()
            )
        };
        let greetings = match of(&["ssh", "ftp"]) {
            moved if moved.is_empty() => "a greeting".to_owned(),
            moved => format!("a greeting, {moved}; `verify` and `watch` ask there"),
        };
        (sites, greetings)
    }
}

/// Starts what listens at its usual port, else at a free one, with the reason; an error is a clause.
fn usual_or_free<T>(
    usual: u16,
    start: impl Fn(u16) -> io::Result<T>,
) -> Result<(T, Option<io::Error>), String> {
    let why = match start(usual) {
        Ok(started) => return Ok((started, None)),
        Err(why) => why,
    };
    let mut last = None;
    for _ in 0..PORTS_TO_TRY {
        match start(0) {
            Ok(started) => return Ok((started, Some(why))),
            Err(error) if error.kind() == ErrorKind::AddrInUse => last = Some(error),
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                return Err("this system has only one loopback address".to_owned());
            }
            Err(error) => return Err(format!("this system refused a port ({error})")),
        }
    }
    let last = last.unwrap_or(why);
    Err(format!("no port is free at every address ({last})"))
}

/// Why a usual port is not used.
fn reason(usual: u16, why: &io::Error) -> String {
    match why.kind() {
        ErrorKind::PermissionDenied => "needs root here".to_owned(),
        ErrorKind::AddrInUse if usual == HTTPS => {
            "is in use: by another playground, or by a server of this machine".to_owned()
        }
        ErrorKind::AddrInUse => "is in use".to_owned(),
        _ => format!("was refused: {why}"),
    }
}

/// The web machines' sites, and the edge before them.
fn sites(port: u16, origins: &Origins) -> io::Result<Sites> {
    let sites = Sites::start_at(port)?;
    for (environment, names) in SITES {
        for region in REGIONS {
            if let Some(address) = machine(region, environment, "web") {
                sites.set(address, Site::of(&names))?;
            }
        }
    }
    let names = SITES.map(|(_, names)| names).concat();
    for address in Edge::Loopback.addresses() {
        sites.set_edge(address, &names, origins.clone())?;
    }
    Ok(sites)
}

/// The loopback address of an environment's machine.
fn machine(region: &str, environment: &str, endpoint: &str) -> Option<Ipv4Addr> {
    let address = sop_address(region, environment, endpoint);
    let (_, rest) = address.split_once('.')?;
    format!("127.{rest}").parse().ok()
}

impl Greeter {
    /// Listens at a port of all machines of these endpoints; 0 is a free one.
    fn start(mut port: u16, greeting: &'static str, endpoints: &[&str]) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for region in REGIONS {
            let addresses = SITES.iter().flat_map(|(environment, _)| {
                let address = |endpoint: &&str| machine(region, environment, endpoint);
                endpoints.iter().filter_map(address)
            });
            for address in addresses {
                let socket = TcpListener::bind((address, port))?;
                port = socket.local_addr()?.port();
                socket.set_nonblocking(true)?;
                sockets.push((address, tokio::net::TcpListener::from_std(socket)?));
            }
        }
        let places = sockets.into_iter().map(|(address, socket)| {
            let place = tokio::spawn(greet(socket, greeting));
            (address, place.abort_handle())
        });
        let places = places.collect();
        Ok(Self { port, places })
    }
}

/// Greets one after the other, hears something, and hangs up.
async fn greet(socket: tokio::net::TcpListener, greeting: &'static str) {
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        if let Ok((mut stream, _)) = socket.accept().await {
            conversations.spawn(async move {
                // Who has gone away needs no greeting.
                let _ = stream.write_all(greeting.as_bytes()).await;
                let _ = stream.read(&mut [0; 64]).await;
            });
        }
    }
}
