//! The zones' authoritative name servers: what Cloudflare's servers would answer from its records.
//!
//! Two servers listen on one port, over UDP and TCP: `ns1` at 127.0.0.1 and, where the system has that
//! loopback address, `ns2` at 127.0.0.2. Both answer for every active zone, and for a zone of their own,
//! [`SERVERS_ZONE`], which holds their addresses. Names of other zones are refused, as by any server that
//! is authoritative only.
//!
//! What it does not do: recurse, sign, transfer zones, or change with a delay: the API's view is DNS's.

mod answer;
mod faults;
mod serve;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::{fmt, io};

use serde::{Deserialize, Serialize};

pub use faults::{DnsEffect, DnsFault};
pub(crate) use serve::serve;

/// The zone that holds the name servers' own addresses.
pub const SERVERS_ZONE: &str = "name-servers.test";

/// Addresses of the name servers, first to last.
const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];

/// How often another free port is tried, when one is not free at every address.
const PORTS_TO_TRY: usize = 16;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// One datagram each way.
    Udp,
    /// A stream, each message after its length.
    Tcp,
}

/// One query as a server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DnsQuery {
    /// Which server: 1 or 2.
    pub server: usize,
    /// UDP or TCP.
    pub transport: Transport,
    /// The name, lower case, without the trailing dot.
    pub name: String,
    /// The type, such as `A`.
    pub kind: String,
    /// Whether recursion was asked for.
    pub recursion: bool,
}

impl fmt::Display for DnsQuery {
    /// Writes `ns1 udp gigadb.org A`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        write!(
            f,
            "ns{} {transport} {} {}",
            self.server, self.name, self.kind
        )
    }
}

/// Where proxied records lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// Addresses of Cloudflare's own.
    #[default]
    Cloudflare,
    /// The same with 127 as their first number, as in
    /// [`World::on_loopback`](crate::World::on_loopback): nobody is led off this machine.
    Loopback,
}

/// What the servers remember: queries that came, and faults that are to come.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) queries: Vec<DnsQuery>,
    pub(crate) faults: Vec<DnsFault>,
    pub(crate) edge: Edge,
}

/// One server's sockets.
pub(crate) struct Sockets {
    /// Which server: 1 or 2.
    pub(crate) server: usize,
    pub(crate) address: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
}

/// Binds all servers to one port that is free at each of their addresses.
pub(crate) fn bind() -> io::Result<Vec<Sockets>> {
    let mut tried = Vec::new();
    for _ in 0..PORTS_TO_TRY {
        let first = TcpListener::bind((ADDRESSES[0], 0))?;
        let port = first.local_addr()?.port();
        match bind_at(first, port) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => tried.push(error),
        }
    }
    Err(tried
        .pop()
        .unwrap_or_else(|| io::Error::other("no port was tried")))
}

fn bind_at(first: TcpListener, port: u16) -> io::Result<Vec<Sockets>> {
    let mut sockets = vec![sockets(1, first, UdpSocket::bind((ADDRESSES[0], port))?)?];
    match TcpListener::bind((ADDRESSES[1], port)) {
        Ok(second) => {
            let udp = UdpSocket::bind((ADDRESSES[1], port))?;
            sockets.push(self::sockets(2, second, udp)?);
        }
        // Some systems have 127.0.0.1 alone: then there is one server.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
        Err(error) => return Err(error),
    }
    Ok(sockets)
}

fn sockets(server: usize, tcp: TcpListener, udp: UdpSocket) -> io::Result<Sockets> {
    tcp.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    Ok(Sockets {
        server,
        address: tcp.local_addr()?,
        udp,
        tcp,
    })
}

/// The servers' names with their addresses.
fn servers() -> impl Iterator<Item = (String, IpAddr)> {
    let numbered = ADDRESSES.into_iter().enumerate();
    numbered.map(|(index, address)| (format!("ns{}.{SERVERS_ZONE}", index + 1), address.into()))
}
