//! What several servers said, compared. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use gigadb_engine::{
    name::{Hostname, RecordId, ZoneId, ZoneName},
    world::{Reading, Record, RecordType, Zone},
};

use super::{BATCH_LIMIT, Told, failure};

/// What one server said of one hostname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// The server's name.
    pub(super) server: String,
    /// Its answer, or a clause about the server.
    pub(super) said: Result<Said, String>,
}

/// An answer about one hostname.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// Whether there is such a name at all.
    pub(super) exists: bool,
    /// Type and content of its records, with the time to live.
    pub(super) records: BTreeMap<(RecordType, String), u32>,
}

impl Said {
    fn keys(&self) -> BTreeSet<&(RecordType, String)> {
        self.records.keys().collect()
    }

    fn describe(&self) -> String {
        if self.records.is_empty() {
            return if self.exists {
                "no address".to_owned()
            } else {
                "no such name".to_owned()
            };
        }
        let records = self.records.keys();
        records
            .map(|(kind, content)| format!("{kind} {content}"))
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

/// The zones with their records, and what is doubtful about them.
pub(super) fn tell(said: &BTreeMap<ZoneName, BTreeMap<Hostname, Vec<Statement>>>) -> Told {
    let mut told = Told {
        zones: Reading::Read(Vec::new()),
        records: BTreeMap::new(),
        beside: BTreeMap::new(),
        doubts: Vec::new(),
    };
    let mut zones = Vec::new();
    let mut silent: BTreeMap<(&String, &String), Vec<&Hostname>> = BTreeMap::new();
    for (zone, names) in said {
        let Ok(id) = format!("dns:{zone}").parse::<ZoneId>() else {
            continue;
        };
        let mut records = Vec::new();
        let mut failed = Vec::new();
        for (hostname, statements) in names {
            let answers: Vec<(&str, &Said)> = statements
                .iter()
                .filter_map(|one| Some((one.server.as_str(), one.said.as_ref().ok()?)))
                .collect();
            let without = statements
                .iter()
                .filter_map(|one| Some((&one.server, one.said.as_ref().err()?)));
            if answers.is_empty() {
                failed.push(unanswered(hostname, without));
                continue;
            }
            for server in without {
                silent.entry(server).or_default().push(hostname);
            }
            told.doubts.extend(doubt(zone, hostname, &answers));
            records.extend(kept(hostname, &answers));
        }
        let reading = if failed.is_empty() {
            Reading::Read(records)
        } else {
            Reading::failed(failure(failed.join("; ")))
        };
        told.records.insert(id.clone(), reading);
        zones.push(Zone {
            id,
            name: zone.clone(),
            active: true,
            batch_limit: BATCH_LIMIT,
            account: None,
        });
    }
    told.zones = Reading::Read(zones);
    for ((server, reason), names) in silent {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        told.doubts.push(format!(
            "Name server `{server}` {reason}. What the zone's other servers say of {} is used.",
            names.join(", ")
        ));
    }
    told
}

/// The hostnames whose answer is that of the nearest wildcard above them: DNS does not tell
/// whether they have records of their own, which a swap needs.
pub(super) fn answered_for(
    said: &BTreeMap<ZoneName, BTreeMap<Hostname, Vec<Statement>>>,
    wildcards: &BTreeMap<String, Said>,
) -> Vec<String> {
    let mut doubts = Vec::new();
    for (hostname, statements) in said.values().flatten() {
        let above = std::iter::successors(Some(hostname.as_str()), |name| {
            name.split_once('.').map(|(_, parent)| parent)
        });
        let nearest = above.skip(1).find_map(|name| {
            let said = wildcards.get(name)?;
            (!said.records.is_empty()).then_some((name, said))
        });
        let Some((name, wildcard)) = nearest else {
            continue;
        };
        let mut answers = statements.iter().filter_map(|one| one.said.as_ref().ok());
        if answers.any(|said| said.keys() == wildcard.keys()) {
            doubts.push(format!(
                "`{hostname}` leads where the wildcard `*.{name}` does: whether it has a record of \
                 its own, only Cloudflare's API tells: set CLOUDFLARE_API_TOKEN."
            ));
        }
    }
    doubts
}

fn unanswered<'a>(
    hostname: &Hostname,
    servers: impl Iterator<Item = (&'a String, &'a String)>,
) -> String {
    let servers: Vec<String> = servers
        .map(|(server, reason)| format!("`{server}` {reason}"))
        .collect();
    format!(
        "no name server told where `{hostname}` leads: {}",
        servers.join(", ")
    )
}

/// Every record that a server told of.
fn kept(hostname: &Hostname, answers: &[(&str, &Said)]) -> Vec<Record> {
    let mut all: BTreeMap<&(RecordType, String), u32> = BTreeMap::new();
    for (_, said) in answers {
        all.extend(said.records.iter().map(|(key, ttl)| (key, *ttl)));
    }
    all.into_iter()
        .filter_map(|((kind, content), ttl)| {
            Some(Record {
                id: format!("{}{kind}:{hostname}:{content}", RecordId::OF_DNS)
                    .parse()
                    .ok()?,
                name: hostname.clone(),
                record_type: *kind,
                content: content.clone(),
                ttl,
                proxied: false,
            })
        })
        .collect()
}

/// Why the records of a hostname do not tell where it leads, if they do not.
fn doubt(zone: &ZoneName, hostname: &Hostname, answers: &[(&str, &Said)]) -> Option<String> {
    let (_, first) = answers.first()?;
    if answers
        .iter()
        .any(|(_, said)| said.keys() != first.keys() || said.exists != first.exists)
    {
        let mut text =
            format!("The name servers of zone `{zone}` contradict each other about `{hostname}`:");
        for (index, (server, said)) in answers.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma} `{server}` says {}", said.describe());
        }
        text.push_str(". They may not have the latest change yet: ask again in a minute.");
        return Some(text);
    }
    let records: Vec<&(RecordType, String)> = first.records.keys().collect();
    match records.as_slice() {
        [(RecordType::A, _)] => None,
        [] if first.exists => Some(format!("DNS has no address for `{hostname}`.")),
        [] => Some(format!(
            "DNS has no name `{hostname}` (NXDOMAIN, as its zone's servers say)."
        )),
        [(RecordType::Cname, target), ..] => Some(format!(
            "`{hostname}` is an alias (CNAME) of `{target}`, which is not followed: it must have \
             exactly one A record."
        )),
        _ => Some(format!(
            "`{hostname}` has {}. Where Cloudflare proxies a record, DNS shows Cloudflare's own \
             addresses, and only its API tells where the hostname leads: set CLOUDFLARE_API_TOKEN.",
            first.describe()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells what is said in lines such as `ns1 a.example.org A 192.0.2.1, AAAA ::1`, `ns2
    /// a.example.org nothing`, `ns1 a.example.org none`, `ns1 a.example.org !is lost`.
    fn told(text: &str) -> String {
        let mut said: BTreeMap<Hostname, Vec<Statement>> = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (server, rest) = line.split_once(' ').unwrap();
            let (name, rest) = rest.split_once(' ').unwrap();
            let answer = match rest.strip_prefix('!') {
                Some(reason) => Err(reason.to_owned()),
                None => Ok(Said {
                    exists: rest != "none",
                    records: rest
                        .split(", ")
                        .filter_map(|record| record.split_once(' '))
                        .map(|(kind, content)| {
                            let kind = match kind {
                                "A" => RecordType::A,
                                "AAAA" => RecordType::Aaaa,
                                _ => RecordType::Cname,
                            };
                            ((kind, content.to_owned()), 300)
                        })
                        .collect(),
                }),
            };
            let statement = Statement {
                server: server.to_owned(),
                said: answer,
            };
            said.entry(name.parse().unwrap())
                .or_default()
                .push(statement);
        }
        let zone: ZoneName = "example.org".parse().unwrap();
        let told = tell(&BTreeMap::from([(zone, said)]));
        let mut lines = Vec::new();
        for reading in told.records.values() {
            match reading {
                Reading::Read(records) => lines.extend(
                    records
                        .iter()
                        .map(|r| format!("{} {} {}", r.name, r.record_type, r.content)),
                ),
                Reading::Failed { failure, .. } => lines.push(format!("failed: {failure}")),
            }
        }
        lines.extend(told.doubts.iter().map(|doubt| format!("? {doubt}")));
        lines.join("\n")
    }

    #[test]
    fn servers_that_agree_leave_no_doubt() {
        insta::assert_snapshot!(told("
            ns1 a.example.org A 192.0.2.1
            ns2 a.example.org A 192.0.2.1
        "), @"a.example.org A 192.0.2.1");
    }

    #[test]
    fn a_contradiction_keeps_what_each_says() {
        insta::assert_snapshot!(told("
            ns1 a.example.org A 192.0.2.1
            ns2 a.example.org A 192.0.2.2
            ns1 b.example.org A 192.0.2.3
            ns2 b.example.org none
        "), @"
        a.example.org A 192.0.2.1
        a.example.org A 192.0.2.2
        b.example.org A 192.0.2.3
        ? The name servers of zone `example.org` contradict each other about `a.example.org`: `ns1` says A 192.0.2.1, `ns2` says A 192.0.2.2. They may not have the latest change yet: ask again in a minute.
        ? The name servers of zone `example.org` contradict each other about `b.example.org`: `ns1` says A 192.0.2.3, `ns2` says no such name. They may not have the latest change yet: ask again in a minute.
        ");
    }

    #[test]
    fn one_server_that_fails_is_told_and_all_of_them_are_a_failure() {
        insta::assert_snapshot!(told("
            ns1 a.example.org A 192.0.2.1
            ns2 a.example.org !answered with a server failure (SERVFAIL)
        "), @"
        a.example.org A 192.0.2.1
        ? Name server `ns2` answered with a server failure (SERVFAIL). What the zone's other servers say of `a.example.org` is used.
        ");
        insta::assert_snapshot!(told("
            ns1 a.example.org !is lost
            ns2 a.example.org !is lost too
            ns1 b.example.org A 192.0.2.1
        "), @"failed: no name server told where `a.example.org` leads: `ns1` is lost, `ns2` is lost too");
    }

    #[test]
    fn what_is_no_single_address_says_what_it_is() {
        insta::assert_snapshot!(told("
            ns1 alias.example.org CNAME a.example.net
            ns1 empty.example.org nothing
            ns1 gone.example.org none
            ns1 proxied.example.org A 104.21.32.1, A 172.67.152.1, AAAA 2606:4700::1
        "), @"
        alias.example.org CNAME a.example.net
        proxied.example.org A 104.21.32.1
        proxied.example.org A 172.67.152.1
        proxied.example.org AAAA 2606:4700::1
        ? `alias.example.org` is an alias (CNAME) of `a.example.net`, which is not followed: it must have exactly one A record.
        ? DNS has no address for `empty.example.org`.
        ? DNS has no name `gone.example.org` (NXDOMAIN, as its zone's servers say).
        ? `proxied.example.org` has A 104.21.32.1 and A 172.67.152.1 and AAAA 2606:4700::1. Where Cloudflare proxies a record, DNS shows Cloudflare's own addresses, and only its API tells where the hostname leads: set CLOUDFLARE_API_TOKEN.
        ");
    }
}
