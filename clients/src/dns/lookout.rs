//! Who is asked again and again where names lead: their zones' servers, and resolvers.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::StreamExt as _;
use gigadb_engine::{
    name::Hostname,
    watch::{Event, Said, Who},
    world::RecordType,
};
use tokio::time::Instant;

use super::{AT_A_TIME, Dns, LONGEST, Server, ask::Recursion, compare};
use crate::settings::{DnsSettings, dns::DNS_PORT};

/// How long one round of questions takes at most.
const ROUND: Duration = Duration::from_secs(5);

/// The servers of some names, and resolvers.
#[derive(Debug)]
pub struct Lookout {
    names: BTreeMap<Hostname, Vec<Server>>,
    resolvers: Vec<Server>,
}

impl Lookout {
    /// Finds the servers of `hostnames`; an error is a clause.
    pub async fn find(
        settings: DnsSettings,
        hostnames: &BTreeSet<&Hostname>,
        resolvers: &[SocketAddr],
    ) -> Result<Self, String> {
        let dns = Dns::new(settings, LONGEST);
        let deadline = Instant::now() + LONGEST;
        let finder = dns.finder()?;
        let (zones, servers) = dns.zones(&finder, hostnames, deadline).await?;
        let mut names = BTreeMap::new();
        for (zone, hostnames) in zones {
            for hostname in hostnames {
                let servers = servers.get(&zone).cloned().unwrap_or_default();
                names.insert(hostname.clone(), servers);
            }
        }
        if let Some(homeless) = hostnames.iter().find(|name| !names.contains_key(**name)) {
            return Err(format!("`{homeless}` lies in no zone that DNS knows"));
        }
        let resolvers = resolvers.iter().map(|address| Server {
            name: shown(*address),
            addresses: vec![*address],
            recursion: Recursion::Desired,
        });
        Ok(Self {
            names,
            resolvers: resolvers.collect(),
        })
    }

    /// Asks everybody once about every name.
    pub async fn ask(&self) -> Vec<Event> {
        let deadline = Instant::now() + ROUND;
        let questions: Vec<_> = self
            .names
            .iter()
            .flat_map(|(hostname, servers)| {
                let resolvers = self.resolvers.iter().map(|one| (one, false));
                let servers = servers.iter().map(|one| (one, true));
                let asked = servers.chain(resolvers);
                asked.map(move |(server, of_zone)| (hostname, server, of_zone))
            })
            .map(|(hostname, server, of_zone)| async move {
                let who = server.name.clone();
                Event::Said {
                    hostname: hostname.clone(),
                    who: if of_zone {
                        Who::Server(who)
                    } else {
                        Who::Resolver(who)
                    },
                    said: server
                        .say(hostname.as_str(), deadline)
                        .await
                        .and_then(|heard| said(&heard)),
                }
            })
            .collect();
        futures::stream::iter(questions)
            .buffered(AT_A_TIME)
            .collect()
            .await
    }

    /// The addresses that a name's servers give, and who gave none: clauses.
    pub async fn addresses(&self) -> BTreeMap<Hostname, Result<BTreeSet<IpAddr>, String>> {
        let mut found: BTreeMap<Hostname, Result<BTreeSet<IpAddr>, String>> = BTreeMap::new();
        for event in self.ask().await {
            let Event::Said {
                hostname,
                who: Who::Server(server),
                said,
            } = event
            else {
                continue;
            };
            let known = found.remove(&hostname);
            let merged = match (known, said) {
                (Some(Ok(mut known)), Ok(said)) => {
                    known.extend(said.addresses);
                    Ok(known)
                }
                (_, Ok(said)) => Ok(said.addresses),
                (Some(Ok(known)), Err(_)) => Ok(known),
                (_, Err(why)) => Err(format!("name server `{server}` {why}")),
            };
            found.insert(hostname, merged);
        }
        found
    }
}

/// A resolver by its address, and its port where that is not the usual one.
fn shown(address: SocketAddr) -> String {
    if address.port() == DNS_PORT {
        address.ip().to_string()
    } else {
        address.to_string()
    }
}

fn said(said: &compare::Said) -> Result<Said, String> {
    let mut addresses = BTreeSet::new();
    for (kind, content) in said.records.keys() {
        match content.parse() {
            Ok(address) => addresses.insert(address),
            Err(_) if *kind == RecordType::Cname => {
                return Err(format!("gives an alias (CNAME) of `{content}`"));
            }
            Err(_) => continue,
        };
    }
    let ttl = said.records.values().copied().max();
    Ok(Said {
        addresses,
        ttl: ttl.unwrap_or_default(),
    })
}
