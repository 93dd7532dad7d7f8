//! Whom to ask for records that DNS itself tells.

use std::net::{IpAddr, SocketAddr};

/// Where name servers listen.
pub(crate) const DNS_PORT: u16 = 53;
/// The environment variable that names the server to ask.
pub const SERVER_VARIABLE: &str = "GIGADB_DNS_SERVER";

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsSettings {
    /// The one server to ask, instead of the zones' authoritative servers.
    pub server: Option<SocketAddr>,
    /// The resolver that finds zones and their servers, instead of the system's.
    pub resolver: Option<SocketAddr>,
    /// The port of authoritative servers.
    pub port: u16,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            server: None,
            resolver: None,
            port: DNS_PORT,
        }
    }
}

impl DnsSettings {
    /// The server that [`SERVER_VARIABLE`] names, if it does; an error is a clause about its text.
    pub fn from_environment(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let text = env(SERVER_VARIABLE).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let address = text.parse::<IpAddr>();
        let server = text
            .parse()
            .or_else(|_| address.map(|address| SocketAddr::new(address, DNS_PORT)))
            .map_err(|_| format!("`{text}` is no address with a port, such as `192.0.2.53:53`"))?;
        Ok(Self {
            server: Some(server),
            ..Self::default()
        })
    }

    /// Who is asked, in words.
    pub fn source(&self) -> String {
        match self.server {
            Some(server) => format!("the server {server}"),
            None => "the zones' authoritative servers".to_owned(),
        }
    }
}
