//! What an endpoint answers by: `protocols: [https, ssh, ftp, tcp:5432]`. A port stands behind a
//! protocol where it is not the usual one: `ssh:2222`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::{
    Place, Topology,
    reader::{Reader, meant},
    yaml::Node,
};
use crate::name::{EndpointName, EnvironmentName, Hostname};

/// Every protocol as it is written.
const WORDS: [&str; 4] = ["https", "ssh", "ftp", "tcp:PORT"];

/// A protocol that an endpoint answers, at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTPS, at port 443 unless the file says otherwise.
    Https(u16),
    /// SSH, at port 22 unless the file says otherwise.
    Ssh(u16),
    /// FTP, at port 21 unless the file says otherwise.
    Ftp(u16),
    /// Anything that accepts connections at this port.
    Tcp(u16),
}

impl Protocol {
    /// HTTPS at its usual port.
    pub const HTTPS: Self = Self::Https(443);

    /// The port that is asked.
    pub fn port(self) -> u16 {
        let (Self::Https(port) | Self::Ssh(port) | Self::Ftp(port) | Self::Tcp(port)) = self;
        port
    }

    fn word(self) -> (&'static str, Option<u16>) {
        match self {
            Self::Https(_) => ("https", Some(443)),
            Self::Ssh(_) => ("ssh", Some(22)),
            Self::Ftp(_) => ("ftp", Some(21)),
            Self::Tcp(_) => ("tcp", None),
        }
    }

    /// Whether Cloudflare's proxy passes it.
    /// <https://developers.cloudflare.com/dns/proxy-status/#proxied-records>
    pub fn passes_proxy(self) -> bool {
        matches!(self, Self::Https(_))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, usual) = self.word();
        let port = self.port();
        if usual == Some(port) {
            f.pad(word)
        } else {
            f.pad(&format!("{word}:{port}"))
        }
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Protocol {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (word, port) = match text.split_once(':') {
            Some((word, port)) => {
                let plain = !port.starts_with(['0', '+']);
                let port: u16 = port.parse().map_err(|_| ())?;
                (word, Some(port).filter(|_| plain).ok_or(())?)
            }
            None => {
                let usual = [Self::HTTPS, Self::Ssh(22), Self::Ftp(21)];
                let usual = usual.into_iter().find(|one| one.word().0 == text);
                return usual.ok_or(());
            }
        };
        match word {
            "https" => Ok(Self::Https(port)),
            "ssh" => Ok(Self::Ssh(port)),
            "ftp" => Ok(Self::Ftp(port)),
            "tcp" => Ok(Self::Tcp(port)),
            _ => Err(()),
        }
    }
}

impl Topology {
    /// What `endpoint` answers by in an environment with this `apex`: what the file says, else
    /// HTTPS where [`Topology::https_endpoints`] has it.
    pub fn protocols(
        &self,
        environment: &EnvironmentName,
        apex: Option<&Hostname>,
        endpoint: &EndpointName,
    ) -> BTreeSet<Protocol> {
        let said = self.endpoints.get(endpoint);
        if let Some(protocols) = said.and_then(|endpoint| endpoint.protocols.clone()) {
            return protocols;
        }
        let https = self.https_endpoints(environment, apex);
        let https = https.contains(endpoint).then_some(Protocol::HTTPS);
        https.into_iter().collect()
    }

    /// Whether the names of `endpoint` must not be proxied: it answers by something that
    /// Cloudflare's proxy does not pass.
    pub fn must_not_be_proxied(&self, endpoint: &EndpointName) -> bool {
        let said = self.endpoints.get(endpoint);
        said.and_then(|endpoint| endpoint.protocols.as_ref())
            .is_some_and(|protocols| protocols.iter().any(|one| !one.passes_proxy()))
    }

    /// The endpoints that answer SSH, whose host keys are a side's own.
    pub fn ssh_endpoints(&self) -> BTreeSet<&EndpointName> {
        let ssh = |one: &Protocol| matches!(one, Protocol::Ssh(_));
        let answers = |protocols: &BTreeSet<Protocol>| protocols.iter().any(ssh);
        self.endpoints
            .iter()
            .filter(|(_, endpoint)| endpoint.protocols.as_ref().is_some_and(answers))
            .map(|(name, _)| name)
            .collect()
    }
}

/// Reads `protocols` of an endpoint, which must not contradict its `https`.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    https: Option<bool>,
) -> Option<BTreeSet<Protocol>> {
    let items = reader.items(node, path, "a list, as in `[https, ssh, tcp:8080]`")?;
    let mut protocols = BTreeSet::new();
    let mut whole = true;
    for item in items {
        let Some(protocol) = one(reader, item, path) else {
            whole = false;
            continue;
        };
        if !protocols.insert(protocol) {
            let fault =
                format!("`{protocol}` stands in `{path}` a second time. Keep one of the two.");
            reader.fault(item.place, fault);
            whole = false;
        }
    }
    agrees(
        reader,
        node.place,
        path,
        &protocols,
        https.filter(|_| whole),
    );
    whole.then_some(protocols)
}

fn one(reader: &mut Reader, node: &Node, path: &str) -> Option<Protocol> {
    let text = reader.text(node, path)?;
    if let Ok(protocol) = text.parse() {
        return Some(protocol);
    }
    let advice = if text == "tcp" || text.contains(':') {
        "Write a protocol with a port from 1 to 65535, as in `tcp:8080`.".to_owned()
    } else {
        meant(text, &WORDS)
    };
    let text = text.escape_debug();
    reader.fault(
        node.place,
        format!("`{text}` is no protocol of `{path}`. {advice}"),
    );
    None
}

fn agrees(
    reader: &mut Reader,
    place: Place,
    path: &str,
    protocols: &BTreeSet<Protocol>,
    https: Option<bool>,
) {
    let listed = protocols
        .iter()
        .any(|one| matches!(one, Protocol::Https(_)));
    match https {
        Some(true) if !listed => reader.fault(
            place,
            format!("`{path}` has no `https`, and `https` beside it is `true`. Add `https` to the list, or remove `https: true`."),
        ),
        Some(false) if listed => reader.fault(
            place,
            format!("`{path}` has `https`, and `https` beside it is `false`. Remove one of the two."),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn a_protocol_reads_as_it_is_written() {
        for text in ["https", "ssh:2222", "ssh", "ftp", "tcp:1", "tcp:443"] {
            assert_eq!(
                text.parse::<Protocol>()
                    .map(|one| one.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        for text in [
            "http",
            "tcp",
            "tcp:",
            "tcp:0",
            "tcp:+1",
            "tcp:65536",
            "tcp:022",
            "http:80",
            "",
        ] {
            assert!(text.parse::<Protocol>().is_err(), "{text}");
        }
    }
}
