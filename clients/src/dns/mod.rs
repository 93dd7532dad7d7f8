//! Records as DNS itself tells them: for those who may read, but have no token of Cloudflare's.
//!
//! ```text
//! hostnames            -> zones           SOA, of the system's resolver
//! zones                -> servers         NS and their addresses, of the system's resolver
//! servers, hostnames   -> what each said  A and AAAA, of every server itself       ask
//! what each said       -> records, doubts                                          compare
//! ```
//!
//! Where a server is named ([`DnsSettings::server`]), it alone is asked, for zones as well.
//!
//! **Invariants.** No alias is followed: a CNAME is a record like any other, and one that no
//! hostname of a topology may have. Servers that contradict each other are told, and what each of
//! them says is kept, so that nobody can take one of them for the truth. "There is no such name"
//! and "the server failed" are never mistaken for each other. All of it takes [`LONGEST`] at most.
//!
//! What this deliberately does not do: see through Cloudflare's proxy. A proxied record shows
//! Cloudflare's own addresses, which belong to no side.

mod ask;
mod compare;
mod lookout;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::StreamExt as _;
use gigadb_engine::{
    name::{Hostname, ZoneId, ZoneName},
    world::{BesideRecord, Failure, FailureKind, Reading, Record, Zone},
};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType, rdata::NS},
    },
};
use tokio::time::{Instant, timeout_at};

pub use self::lookout::Lookout;
use self::{
    ask::{Recursion, ask},
    compare::{Said, Statement},
};
use crate::{http::seconds, settings::DnsSettings};

/// How long everything that is asked of DNS takes at most.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);
/// How long the system's resolver may take for one try.
const RESOLVER_TRY: Duration = Duration::from_secs(2);
/// Questions that are open at a time.
const AT_A_TIME: usize = 64;
/// A zone that nobody can write through DNS has no limit; this is the API's smallest.
const BATCH_LIMIT: usize = 200;

/// What DNS told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) zones: Reading<Vec<Zone>>,
    pub(crate) records: BTreeMap<ZoneId, Reading<Vec<Record>>>,
    pub(crate) beside: BTreeMap<ZoneId, Vec<BesideRecord>>,
    /// What is missing, contradictory or unusual, one sentence or more each.
    pub(crate) doubts: Vec<String>,
}

/// A name server with its addresses, the first to be asked first.
#[derive(Debug, Clone)]
struct Server {
    name: String,
    addresses: Vec<SocketAddr>,
    recursion: Recursion,
}

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Dns {
    settings: DnsSettings,
    limit: Duration,
}

impl Dns {
    /// A client that takes `limit` at most, and never longer than [`LONGEST`].
    pub(crate) fn new(settings: DnsSettings, limit: Duration) -> Self {
        Self {
            settings,
            limit: limit.min(LONGEST),
        }
    }

    /// Asks for the A, AAAA and CNAME records of these hostnames.
    pub(crate) async fn observe(&self, hostnames: &BTreeSet<&Hostname>) -> Told {
        let deadline = Instant::now() + self.limit;
        let found = match self.finder() {
            Ok(finder) => self.zones(&finder, hostnames, deadline).await,
            Err(failure) => Err(failure),
        };
        match found {
            Ok((by_zone, servers)) => {
                let (said, wildcards) = tokio::join!(
                    self.ask_all(&by_zone, &servers, deadline),
                    wildcards(&by_zone, &servers, deadline),
                );
                let mut told = compare::tell(&said);
                told.doubts.extend(compare::answered_for(&said, &wildcards));
                told
            }
            Err(message) => Told {
                zones: Reading::failed(failure(message)),
                records: BTreeMap::new(),
                beside: BTreeMap::new(),
                doubts: Vec::new(),
            },
        }
    }

    fn finder(&self) -> Result<Finder, String> {
        if let Some(server) = self.settings.server {
            return Ok(Finder::Server(server));
        }
        let builder = match self.settings.resolver {
            Some(address) => Ok(TokioResolver::builder_with_config(
                resolver_at(address),
                TokioRuntimeProvider::default(),
            )),
            None => TokioResolver::builder_tokio(),
        };
        let resolver = builder.and_then(|mut builder| {
            builder.options_mut().timeout = RESOLVER_TRY;
            builder.build()
        });
        let resolver = resolver
            .map_err(|error| format!("the system's DNS resolver cannot be used: {error}"))?;
        Ok(Finder::Resolver(Box::new(resolver)))
    }

    /// The zone of every hostname that has one, and every zone's servers.
    async fn zones<'a>(
        &self,
        finder: &Finder,
        hostnames: &BTreeSet<&'a Hostname>,
        deadline: Instant,
    ) -> Result<(Zones<'a>, Servers), String> {
        let candidates: BTreeSet<&str> = hostnames
            .iter()
            .flat_map(|hostname| suffixes(hostname.as_str()))
            .collect();
        let asked: Vec<_> = candidates
            .into_iter()
            .map(|name| async move { (name, self.is_zone(finder, name, deadline).await) })
            .collect();
        let answers: BTreeMap<&str, Result<bool, String>> = futures::stream::iter(asked)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut zones: Zones<'a> = BTreeMap::new();
        for hostname in hostnames {
            if let Some(zone) = zone_of(hostname, &answers)? {
                zones.entry(zone).or_default().push(*hostname);
            }
        }
        let reads: Vec<_> = zones
            .keys()
            .map(|zone| async move {
                let servers = self.servers(finder, zone, deadline).await?;
                Ok((zone.clone(), servers))
            })
            .collect();
        let servers: Vec<Result<_, String>> = futures::stream::iter(reads)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let servers = servers.into_iter().collect::<Result<_, String>>()?;
        Ok((zones, servers))
    }

    /// Tells whether a zone begins at `name`: whether it has an SOA record of its own.
    async fn is_zone(
        &self,
        finder: &Finder,
        name: &str,
        deadline: Instant,
    ) -> Result<bool, String> {
        let cannot = |reason: String| format!("the zone of `{name}` was not found: {reason}");
        let asked = absolute(name).map_err(cannot)?;
        let own = |records: &[hickory_resolver::proto::rr::Record]| {
            let mut records = records.iter();
            records.any(|record| record.record_type() == RecordType::SOA && record.name == asked)
        };
        match finder {
            Finder::Server(server) => {
                let answer = ask(
                    *server,
                    &asked,
                    RecordType::SOA,
                    Recursion::Desired,
                    deadline,
                );
                let message = answer
                    .await
                    .map_err(|reason| cannot(format!("{server} {reason}")))?;
                Ok(own(&message.answers))
            }
            Finder::Resolver(resolver) => {
                match by(deadline, resolver.lookup(asked.clone(), RecordType::SOA)).await {
                    Ok(lookup) => Ok(own(lookup.answers())),
                    Err(error) if says_none(&error) => Ok(false),
                    Err(error) => Err(cannot(resolver_failed(&error))),
                }
            }
        }
    }

    /// The servers to ask about a zone.
    async fn servers(
        &self,
        finder: &Finder,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<Vec<Server>, String> {
        let resolver = match finder {
            Finder::Server(server) => {
                return Ok(vec![Server {
                    name: server.to_string(),
                    addresses: vec![*server],
                    recursion: Recursion::Desired,
                }]);
            }
            Finder::Resolver(resolver) => resolver,
        };
        let cannot =
            |reason: String| format!("the name servers of zone `{zone}` were not found: {reason}");
        let lookup = resolver.lookup(absolute(zone.as_str()).map_err(cannot)?, RecordType::NS);
        let lookup = by(deadline, lookup)
            .await
            .map_err(|error| cannot(resolver_failed(&error)))?;
        let names: BTreeSet<&Name> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::NS(NS(name)) => Some(name),
                _ => None,
            })
            .collect();
        let reads: Vec<_> = names
            .into_iter()
            .map(|name| async move {
                let found = by(deadline, resolver.lookup_ip(name.clone())).await;
                // A server without an address is like one that does not answer.
                let mut addresses: Vec<IpAddr> =
                    found.map_or_else(|_| Vec::new(), |found| found.iter().collect());
                addresses.sort_by_key(IpAddr::is_ipv6);
                let port = self.settings.port;
                Server {
                    name: name.to_ascii().trim_end_matches('.').to_owned(),
                    addresses: addresses
                        .into_iter()
                        .map(|address| SocketAddr::new(address, port))
                        .collect(),
                    recursion: Recursion::No,
                }
            })
            .collect();
        let mut servers: Vec<Server> = futures::stream::iter(reads)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        if servers.is_empty() {
            return Err(cannot("the zone names none".to_owned()));
        }
        Ok(servers)
    }

    /// Asks every server of every zone about the zone's hostnames.
    async fn ask_all(
        &self,
        zones: &Zones<'_>,
        servers: &Servers,
        deadline: Instant,
    ) -> BTreeMap<ZoneName, BTreeMap<Hostname, Vec<Statement>>> {
        let questions: Vec<_> = zones
            .iter()
            .flat_map(|(zone, hostnames)| {
                let servers = servers.get(zone).map_or(&[] as &[Server], Vec::as_slice);
                hostnames
                    .iter()
                    .flat_map(move |hostname| servers.iter().map(move |s| (zone, *hostname, s)))
            })
            .map(|(zone, hostname, server)| async move {
                let said = server.say(hostname.as_str(), deadline).await;
                let server = server.name.clone();
                (zone, hostname, Statement { server, said })
            })
            .collect();
        let statements: Vec<_> = futures::stream::iter(questions)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut told: BTreeMap<ZoneName, BTreeMap<Hostname, Vec<Statement>>> = BTreeMap::new();
        for (zone, hostname, statement) in statements {
            let names = told.entry(zone.clone()).or_default();
            let statements = names.entry(hostname.clone()).or_default();
            statements.push(statement);
            statements.sort_by(|a, b| a.server.cmp(&b.server));
        }
        told
    }
}

/// The hostnames by zone.
type Zones<'a> = BTreeMap<ZoneName, Vec<&'a Hostname>>;
/// The name servers by zone.
type Servers = BTreeMap<ZoneName, Vec<Server>>;

/// What the first server of each zone says of the wildcards above its hostnames, by the name that
/// follows `*.`: the literal name asks for the wildcard itself
/// (<https://www.rfc-editor.org/rfc/rfc4592#section-2.2.1>). Without an answer, nothing is known.
async fn wildcards(
    zones: &Zones<'_>,
    servers: &Servers,
    deadline: Instant,
) -> BTreeMap<String, Said> {
    let mut asked = BTreeMap::new();
    for (zone, hostnames) in zones {
        let Some(server) = servers.get(zone).and_then(|servers| servers.first()) else {
            continue;
        };
        for hostname in hostnames {
            let above = suffixes(hostname.as_str()).skip(1);
            let within = above.filter(|name| {
                let below = name.strip_suffix(zone.as_str());
                below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            });
            asked.extend(within.map(|name| (name, server)));
        }
    }
    let questions: Vec<_> = asked
        .into_iter()
        .map(|(name, server)| async move {
            let said = server.say(&format!("*.{name}"), deadline).await.ok()?;
            Some((name.to_owned(), said))
        })
        .collect();
    futures::stream::iter(questions)
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// Who finds zones and their servers.
enum Finder {
    Server(SocketAddr),
    Resolver(Box<TokioResolver>),
}

fn failure(message: String) -> Failure {
    Failure::new(FailureKind::Unreachable, message)
}

fn resolver_at(address: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    ResolverConfig::from_name_servers(vec![NameServerConfig::new(
        address.ip(),
        true,
        connections.to_vec(),
    )])
}

/// The name and what it lies below, without top-level domains: no topology's name is one.
fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| {
        name.split_once('.').map(|(_, parent)| parent)
    })
    .filter(|name| name.contains('.'))
}

/// The longest name at or above `hostname` where a zone begins. A failure on the way up is one:
/// the zone could begin there.
fn zone_of(
    hostname: &Hostname,
    answers: &BTreeMap<&str, Result<bool, String>>,
) -> Result<Option<ZoneName>, String> {
    for name in suffixes(hostname.as_str()) {
        match answers.get(name) {
            Some(Ok(true)) => return Ok(name.parse().ok()),
            Some(Err(reason)) => return Err(reason.clone()),
            _ => {}
        }
    }
    Ok(None)
}

fn absolute(name: &str) -> Result<Name, String> {
    let mut name = Name::from_ascii(name).map_err(|error| error.to_string())?;
    name.set_fqdn(true);
    Ok(name)
}

/// Waits for the resolver, as long as there is time.
async fn by<T>(
    deadline: Instant,
    lookup: impl Future<Output = Result<T, NetError>>,
) -> Result<T, NetError> {
    timeout_at(deadline, lookup)
        .await
        .unwrap_or(Err(NetError::Timeout))
}

/// Tells whether the resolver found that there is nothing, which is no failure.
fn says_none(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(NoRecords {
            response_code: ResponseCode::NoError | ResponseCode::NXDomain,
            ..
        }))
    )
}

fn resolver_failed(error: &NetError) -> String {
    match error {
        NetError::Timeout => format!(
            "the system's DNS resolver did not answer within {}",
            seconds(LONGEST)
        ),
        NetError::Dns(DnsError::ResponseCode(code)) => {
            format!("the system's DNS resolver answered {}", ask::code(*code))
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let code = ask::code(none.response_code);
            format!("the system's DNS resolver answered {code}")
        }
        other => format!("the system's DNS resolver failed: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_looked_for_upwards_without_top_level_domains() {
        let found: Vec<&str> = suffixes("a.b.example.org").collect();
        assert_eq!(found, ["a.b.example.org", "b.example.org", "example.org"]);
    }

    #[test]
    fn the_longest_zone_counts_and_a_failure_below_it_hides_it() {
        let hostname: Hostname = "a.sub.example.org".parse().unwrap();
        let zone = |answers: &[(&'static str, Result<bool, &str>)]| {
            let answers = answers
                .iter()
                .map(|(name, answer)| (*name, answer.map_err(str::to_owned)));
            zone_of(&hostname, &answers.collect()).map(|zone| zone.map(|zone| zone.to_string()))
        };
        let both = [("sub.example.org", Ok(true)), ("example.org", Ok(true))];
        assert_eq!(zone(&both).unwrap().as_deref(), Some("sub.example.org"));
        let upper = [("sub.example.org", Ok(false)), ("example.org", Ok(true))];
        assert_eq!(zone(&upper).unwrap().as_deref(), Some("example.org"));
        let failed = [("sub.example.org", Err("lost")), ("example.org", Ok(true))];
        assert_eq!(zone(&failed).unwrap_err(), "lost");
        assert_eq!(zone(&[("example.org", Ok(false))]).unwrap(), None);
    }

    #[test]
    fn the_server_is_an_address_with_or_without_a_port() {
        let read = |text: &str| {
            DnsSettings::from_environment(&|_| Some(text.to_owned()))
                .map(|settings| settings.server.map(|server| server.to_string()))
        };
        for (text, server) in [
            ("127.0.0.1:5353", Some("127.0.0.1:5353")),
            (" 192.0.2.53 ", Some("192.0.2.53:53")),
            ("[::1]:54", Some("[::1]:54")),
            ("::1", Some("[::1]:53")),
            ("", None),
        ] {
            assert_eq!(read(text).unwrap().as_deref(), server, "{text}");
        }
        for text in ["localhost:53", "127.0.0.1:", "1.2.3", "127.0.0.1:99999"] {
            assert!(read(text).unwrap_err().contains(text), "{text}");
        }
    }
}
