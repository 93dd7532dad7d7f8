//! Ports that stand for the usual ones, where a world on one machine cannot have those.

use std::collections::BTreeSet;

use gigadb_engine::topology::Protocol;

use crate::{failure::Failure, surroundings};

/// The environment variable that names them, as the topology writes protocols.
const PORTS_VARIABLE: &str = "GIGADB_PORTS";

/// What is asked in place of protocols at their usual ports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports(Vec<Protocol>);

impl Ports {
    /// Those that the environment names.
    pub(crate) fn set() -> Result<Self, Failure> {
        let text = surroundings::variable(PORTS_VARIABLE).unwrap_or_default();
        Self::parse(&text).map_err(|word| {
            Failure::usage(
                format!("{PORTS_VARIABLE} cannot be used: `{word}` is no protocol with a port."),
                PORTS_VARIABLE,
                "Write it as in `https:8443,ssh:2222`, or unset it to ask the usual ports.",
            )
        })
    }

    /// An error is the word that is none.
    fn parse(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let ports = words.map(|word| match word.parse() {
            Ok(one @ (Protocol::Https(_) | Protocol::Ssh(_) | Protocol::Ftp(_))) => Ok(one),
            _ => Err(word.to_owned()),
        });
        Ok(Self(ports.collect::<Result<_, _>>()?))
    }

    /// These protocols at the ports that are asked. A port that the topology names stays.
    pub(crate) fn of(&self, protocols: BTreeSet<Protocol>) -> BTreeSet<Protocol> {
        let at = |one: Protocol| {
            let mut named = self.0.iter().copied();
            named.find(|named| stands_for(*named, one)).unwrap_or(one)
        };
        protocols.into_iter().map(at).collect()
    }
}

/// Whether that is the same protocol, which the topology leaves at its usual port.
fn stands_for(named: Protocol, asked: Protocol) -> bool {
    matches!(
        (named, asked),
        (Protocol::Https(_), Protocol::HTTPS)
            | (Protocol::Ssh(_), Protocol::Ssh(22))
            | (Protocol::Ftp(_), Protocol::Ftp(21))
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gigadb_engine::topology::Protocol::{Ftp, Https, Ssh, Tcp};

    use super::Ports;

    #[test]
    fn only_usual_ports_are_replaced() {
        let ports = Ports::parse("https:8443, ssh:2222").unwrap();
        let asked = BTreeSet::from([Https(443), Https(9443), Ssh(22), Ftp(21), Tcp(443)]);
        let there = [Https(8443), Https(9443), Ssh(2222), Ftp(21), Tcp(443)];
        assert_eq!(ports.of(asked), BTreeSet::from(there));
        assert_eq!(Ports::parse(""), Ok(Ports::default()));
    }

    #[test]
    fn what_is_no_protocol_with_a_port_is_named() {
        for word in ["8443", "http:80", "tcp:5432", "ssh:0", "https=8443"] {
            let why = Ports::parse(&format!("ftp:2121,{word}"));
            assert_eq!(why, Err(word.to_owned()));
        }
    }
}
