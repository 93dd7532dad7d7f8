//! What a name server answers, from the records as the API shows them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::{Edge, SERVERS_ZONE, servers};
use crate::world::{Cloudflare, Record as Row, Zone, ZoneStatus};

/// What "automatic" is served as, and every proxied record:
/// <https://developers.cloudflare.com/dns/manage-dns-records/reference/ttl/>.
const AUTOMATIC_TTL: u32 = 300;
/// How long a zone's name servers and SOA may be kept.
const ZONE_TTL: u32 = 86_400;
/// The longest chain of aliases that is shown.
const LONGEST_CHAIN: usize = 8;

/// Addresses of Cloudflare's own, with which it answers for proxied records:
/// <https://www.cloudflare.com/ips/>.
const EDGE: [Ipv4Addr; 2] = [
    Ipv4Addr::new(104, 21, 32, 1),
    Ipv4Addr::new(172, 67, 152, 1),
];
const EDGE_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0x2606, 0x4700, 0x3031, 0, 0, 0, 0x6815, 0x2001),
    Ipv6Addr::new(0x2606, 0x4700, 0x3035, 0, 0, 0, 0xac43, 0x9801),
];

impl Edge {
    /// Its IPv4 addresses.
    pub fn addresses(self) -> [Ipv4Addr; 2] {
        EDGE.map(|address| match (self, address.octets()) {
            (Self::Cloudflare, _) => address,
            (Self::Loopback, [_, second, third, fourth]) => {
                Ipv4Addr::new(127, second, third, fourth)
            }
        })
    }

    /// Its IPv6 addresses: of loopback there is one only, which has no port of its own.
    fn addresses_v6(self) -> Vec<Ipv6Addr> {
        match self {
            Self::Cloudflare => EDGE_V6.to_vec(),
            Self::Loopback => Vec::new(),
        }
    }
}

/// Answers one query message; the answer has everything but what its transport allows. Proxied
/// records lead to the edge.
pub(super) fn answer(cloudflare: &Cloudflare, edge: Edge, request: &Message) -> Message {
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.add_queries(request.queries.iter().cloned());
    let code = match request.queries.as_slice() {
        _ if request.metadata.op_code != OpCode::Query => ResponseCode::NotImp,
        [query] if query.query_class() != DNSClass::IN => ResponseCode::Refused,
        [query] if query.query_type() == RecordType::ANY => ResponseCode::NotImp,
        [query] => resolve(cloudflare, edge, query, &mut reply),
        _ => ResponseCode::FormErr,
    };
    reply.metadata.response_code = code;
    reply
}

/// The name as records spell it: lower case, without the trailing dot.
pub(super) fn spelled(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

/// A reply with these addresses instead of what there is.
pub(super) fn addresses(reply: &mut Message, name: &Name, addresses: &[Ipv4Addr]) {
    reply.metadata.response_code = ResponseCode::NoError;
    reply.metadata.authoritative = true;
    // They may be kept for as long as what they stand for.
    let ttl = reply
        .answers
        .first()
        .map_or(AUTOMATIC_TTL, |record| record.ttl);
    reply.answers = addresses
        .iter()
        .map(|address| Record::from_rdata(name.clone(), ttl, RData::A(A(*address))))
        .collect();
}

fn resolve(
    cloudflare: &Cloudflare,
    edge: Edge,
    query: &Query,
    reply: &mut Message,
) -> ResponseCode {
    let asked = spelled(query.name());
    if is_in(&asked, SERVERS_ZONE) {
        return own_zone(&asked, query, reply);
    }
    let Some(zone) = zone_of(cloudflare, &asked) else {
        return ResponseCode::Refused;
    };
    reply.metadata.authoritative = true;
    let kind = query.query_type();
    let apex = asked == zone.name;
    let owner = query.name().clone();
    if apex && kind == RecordType::SOA {
        reply.add_answer(soa(&zone.name));
        return ResponseCode::NoError;
    }
    if apex && kind == RecordType::NS {
        reply.add_answers(name_servers(&owner));
        return ResponseCode::NoError;
    }
    let mut name = asked;
    let mut owner = owner;
    for _ in 0..LONGEST_CHAIN {
        let rows = rows_at(zone, &name);
        let answers = answers(zone, edge, &rows, &owner, kind);
        let next = match answers.as_slice() {
            [only] if kind != RecordType::CNAME => match &only.data {
                RData::CNAME(CNAME(target)) => Some(target.clone()),
                _ => None,
            },
            _ => None,
        };
        let found = !answers.is_empty();
        reply.add_answers(answers);
        match next {
            // The rest of the chain, as far as this zone holds it.
            Some(target) if is_in(&spelled(&target), &zone.name) => {
                name = spelled(&target);
                owner = target;
            }
            Some(_) => return ResponseCode::NoError,
            None if found => return ResponseCode::NoError,
            None => {
                reply.add_authority(soa(&zone.name));
                return if rows.is_empty() && !has_names_below(zone, &name) {
                    ResponseCode::NXDomain
                } else {
                    ResponseCode::NoError
                };
            }
        }
    }
    ResponseCode::NoError
}

/// The zone with the name servers' addresses.
fn own_zone(asked: &str, query: &Query, reply: &mut Message) -> ResponseCode {
    reply.metadata.authoritative = true;
    let owner = query.name().clone();
    let apex = asked == SERVERS_ZONE;
    let server = servers().find(|(name, _)| name == asked);
    match (query.query_type(), &server) {
        (RecordType::SOA, _) if apex => reply.add_answer(soa(SERVERS_ZONE)),
        (RecordType::NS, _) if apex => reply.add_answers(name_servers(&owner)),
        (RecordType::A, Some((_, IpAddr::V4(address)))) => {
            reply.add_answer(Record::from_rdata(owner, ZONE_TTL, RData::A(A(*address))))
        }
        _ => reply.add_authority(soa(SERVERS_ZONE)),
    };
    if apex || server.is_some() {
        ResponseCode::NoError
    } else {
        ResponseCode::NXDomain
    }
}

fn is_in(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The zone with the longest name that holds `name`; only an active zone is delegated to Cloudflare.
fn zone_of<'a>(cloudflare: &'a Cloudflare, name: &str) -> Option<&'a Zone> {
    let zones = cloudflare.zones.iter();
    zones
        .filter(|zone| zone.status == ZoneStatus::Active && is_in(name, &zone.name))
        .max_by_key(|zone| zone.name.len())
}

/// The rows of a name, or of the wildcard that stands for it (RFC 4592).
fn rows_at<'a>(zone: &'a Zone, name: &str) -> Vec<&'a Row> {
    let at = |name: &str| {
        let rows = zone.records.iter();
        rows.filter(|row| row.name == name).collect::<Vec<_>>()
    };
    let exact = at(name);
    if !exact.is_empty() || has_names_below(zone, name) {
        return exact;
    }
    let mut closest = name;
    while let Some((_, parent)) = closest.split_once('.') {
        if !is_in(parent, &zone.name) {
            break;
        }
        let wildcard = at(&format!("*.{parent}"));
        if !wildcard.is_empty() || !at(parent).is_empty() || has_names_below(zone, parent) {
            return wildcard;
        }
        closest = parent;
    }
    Vec::new()
}

fn has_names_below(zone: &Zone, name: &str) -> bool {
    let mut rows = zone.records.iter();
    rows.any(|row| row.name != name && is_in(&row.name, name))
}

/// The answers of one name. Where one row of a name is proxied, all are.
fn answers(zone: &Zone, edge: Edge, rows: &[&Row], owner: &Name, kind: RecordType) -> Vec<Record> {
    let leads = |row: &&&Row| matches!(row.kind.as_str(), "A" | "AAAA" | "CNAME");
    let proxied = rows.iter().filter(leads).any(|row| row.proxied) && !zone.paused;
    let own = |data: Vec<RData>| {
        let records = data.into_iter();
        records
            .map(|data| Record::from_rdata(owner.clone(), AUTOMATIC_TTL, data))
            .collect()
    };
    match kind {
        RecordType::A if proxied => own(edge.addresses().map(|a| RData::A(A(a))).to_vec()),
        RecordType::AAAA if proxied => {
            let addresses = edge.addresses_v6().into_iter();
            own(addresses.map(|a| RData::AAAA(AAAA(a))).collect())
        }
        RecordType::CNAME if proxied => Vec::new(),
        _ => {
            let kind = kind.to_string();
            let fits = |row: &&&Row| row.kind == kind || row.kind == "CNAME";
            let fitting = rows.iter().filter(fits);
            fitting
                .filter_map(|row| Some(Record::from_rdata(owner.clone(), ttl(row), data(row)?)))
                .collect()
        }
    }
}

fn ttl(row: &Row) -> u32 {
    match row.ttl {
        1 => AUTOMATIC_TTL,
        seconds => u32::try_from(seconds).unwrap_or(u32::MAX),
    }
}

/// The content of a row; `None` for types that are not served here.
fn data(row: &Row) -> Option<RData> {
    Some(match row.kind.as_str() {
        "A" => RData::A(A(row.content.parse().ok()?)),
        "AAAA" => RData::AAAA(AAAA(row.content.parse().ok()?)),
        "CNAME" => RData::CNAME(CNAME(absolute(&row.content)?)),
        "MX" => RData::MX(MX::new(
            row.priority.unwrap_or_default(),
            absolute(&row.content)?,
        )),
        "TXT" => RData::TXT(TXT::new(vec![row.content.trim_matches('"').to_owned()])),
        _ => return None,
    })
}

fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn name_servers(owner: &Name) -> Vec<Record> {
    servers()
        .filter_map(|(server, _)| {
            let data = RData::NS(NS(absolute(&server)?));
            Some(Record::from_rdata(owner.clone(), ZONE_TTL, data))
        })
        .collect()
}

fn soa(zone: &str) -> Record {
    let name = |text: &str| absolute(text).unwrap_or_default();
    let first = servers().next().map(|(name, _)| name).unwrap_or_default();
    let contact = name(&format!("dns.{SERVERS_ZONE}"));
    let data = SOA::new(
        name(&first),
        contact,
        2_300_000_001,
        10_000,
        2_400,
        604_800,
        1_800,
    );
    Record::from_rdata(name(zone), 1_800, RData::SOA(data))
}
