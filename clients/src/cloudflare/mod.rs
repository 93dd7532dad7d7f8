//! Cloudflare's DNS API: zones, records, and one batch per zone.

mod token;
mod wire;

use std::net::Ipv4Addr;

use gigadb_engine::{
    name::{Hostname, RecordId, ZoneId},
    world::{BesideRecord, Does, Record, RecordType, ServiceRecord, Zone},
};
use reqwest::{Method, header::AUTHORIZATION};
use serde::de::DeserializeOwned;

use crate::{
    http::{
        Answer, Api, Budget, Call, CallError, Dialect, Repeat, Transport,
        list::{Ask, Walk},
        vendor,
    },
    settings::{Service, Setting},
};

/// The largest page of zones that Cloudflare gives.
const ZONES_A_PAGE: u64 = 50;
/// A page of records that holds any ordinary zone whole.
const RECORDS_A_PAGE: u64 = 5000;
/// Records that one batch may hold on the Free plan.
const FREE_BATCH: usize = 200;
/// Records that one batch may hold on the other plans.
const PAID_BATCH: usize = 3500;
/// Cloudflare's spelling of "automatic".
const AUTOMATIC_TTL: u32 = 1;

/// Changes the content of one record and nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// The record.
    pub record_id: RecordId,
    /// Its new content.
    pub content: String,
}

/// An A record to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRecord {
    /// The full name.
    pub name: Hostname,
    /// The address.
    pub address: Ipv4Addr,
    /// Time to live in seconds; `None` is automatic.
    pub ttl: Option<u32>,
    /// Whether Cloudflare answers with its own addresses.
    pub proxied: bool,
}

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Cloudflare {
    api: Api,
}

impl Cloudflare {
    pub(crate) fn new(transport: Transport, service: Service) -> Self {
        Self {
            api: Api::new(
                transport,
                service,
                Dialect {
                    name: "Cloudflare",
                    token_setting: Setting::CloudflareToken,
                    token_header: AUTHORIZATION,
                    token_prefix: "Bearer ",
                    request_id: "cf-ray",
                    base_ends_in: "/client/v4",
                    own_words: wire::own_words,
                    // 1000 invalid token, 6003 malformed header, 9106 authentication failed (sent
                    // as 400), 9109 not authorized or not from here, 10000 authentication error.
                    refusals: &[1000, 6003, 9106, 9109, 10000],
                },
            ),
        }
    }

    /// Every zone that the token can see.
    pub(crate) async fn list_zones(&self, budget: Budget<'_>) -> Result<Vec<Zone>, Box<CallError>> {
        let call = list("/zones", &["zones"], String::new());
        self.pages(&call, ZONES_A_PAGE, budget, zone).await
    }

    /// The A, AAAA and CNAME records of one zone, and what else in it decides where its names lead.
    /// Other names that are no hostnames are left out: no topology can name them.
    pub(crate) async fn list_records(
        &self,
        zone: &Zone,
        budget: Budget<'_>,
    ) -> Result<(Vec<Record>, Vec<BesideRecord>), Box<CallError>> {
        let segments = ["zones", zone.id.as_str(), "dns_records"];
        let object = format!("zone `{}`", zone.name);
        let call = list("/zones/{zone_id}/dns_records", &segments, object);
        let (mut records, mut beside) = (Vec::new(), Vec::new());
        for row in self.pages(&call, RECORDS_A_PAGE, budget, record).await? {
            match row {
                ZoneRow::Record(record) => records.push(record),
                ZoneRow::Beside(record) => beside.push(record),
            }
        }
        // Pages are offsets into a list that may change meanwhile: a record may come twice.
        records.sort();
        records.dedup_by(|a, b| a.id == b.id);
        beside.sort();
        beside.dedup_by(|a, b| a.id == b.id);
        Ok((records, beside))
    }

    /// Writes one batch: one transaction at Cloudflare. Returns the ids of what was created, in
    /// the order of `posts`, as far as the answer tells them.
    pub(crate) async fn write_batch(
        &self,
        zone: &ZoneId,
        patches: &[Patch],
        posts: &[NewRecord],
        budget: Budget<'_>,
    ) -> Result<Vec<Option<RecordId>>, Box<CallError>> {
        let batch = wire::Batch {
            patches: patches
                .iter()
                .map(|patch| wire::Patch {
                    id: patch.record_id.as_str(),
                    content: &patch.content,
                })
                .collect(),
            posts: Vec::new(),
        };
        let addresses: Vec<String> = posts.iter().map(|p| p.address.to_string()).collect();
        let batch = wire::Batch {
            posts: posts
                .iter()
                .zip(&addresses)
                .map(|(post, address)| wire::Post {
                    record_type: RecordType::A.to_string(),
                    name: post.name.as_str(),
                    content: address,
                    // A proxied record has no TTL of its own.
                    ttl: post.ttl.filter(|_| !post.proxied).unwrap_or(AUTOMATIC_TTL),
                    proxied: post.proxied,
                })
                .collect(),
            ..batch
        };
        let call = Call {
            method: Method::POST,
            template: "/zones/{zone_id}/dns_records/batch",
            object: format!("zone id {zone}"),
            segments: &["zones", zone.as_str(), "dns_records", "batch"],
            query: &[],
            body: serde_json::to_value(&batch).ok(),
            repeat: Repeat::OnlyIfNotApplied,
        };
        let answer = self.api.send(&call, budget).await?;
        let written = self.open::<wire::Written>(&call, &answer)?.result;
        let created = written.and_then(|w| w.posts).unwrap_or_default();
        let id_of = |post: &NewRecord| {
            let mut rows = created.iter();
            let row = rows.find(|row| row.name == post.name.as_str())?;
            row.id.parse().ok()
        };
        Ok(posts.iter().map(id_of).collect())
    }

    /// Every row of a list, as `read` takes it: `Ok(None)` leaves a row out, `Err` says why the
    /// list cannot be used.
    async fn pages<W: wire::Row + DeserializeOwned, T>(
        &self,
        call: &Call<'_>,
        per_page: u64,
        budget: Budget<'_>,
        read: fn(W) -> Result<Option<T>, String>,
    ) -> Result<Vec<T>, Box<CallError>> {
        let mut rows = Vec::new();
        let mut walk = Walk::new(per_page);
        let per_page = per_page.to_string();
        let mut page = 1_u64;
        loop {
            let number = page.to_string();
            let query = [("per_page", per_page.as_str()), ("page", number.as_str())];
            let call = Call {
                method: call.method.clone(),
                object: call.object.clone(),
                query: &query,
                body: None,
                ..*call
            };
            let answer = self.api.send(&call, budget.with_room(walk.room())).await?;
            let envelope = self.open::<wire::Rows<W>>(&call, &answer)?;
            let said = envelope.said();
            let incomplete = |why: &str| self.api.incomplete(&call, &answer, why);
            let found = envelope
                .result
                .ok_or_else(|| incomplete("it holds no list"))?;
            for row in found.kept {
                rows.extend(read(row).map_err(|why| incomplete(&why))?);
            }
            match walk.take(&said, &found.identities, answer.body.len()) {
                Ok(Some(Ask::Page(next))) => page = next,
                Ok(Some(Ask::Query(_)) | None) => return Ok(rows),
                Err(why) => return Err(incomplete(&why)),
            }
        }
    }

    fn open<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        answer: &Answer,
    ) -> Result<wire::Envelope<T>, Box<CallError>> {
        match serde_json::from_slice::<wire::Envelope<T>>(&answer.body) {
            Ok(envelope) if envelope.success => Ok(envelope),
            Ok(envelope) => {
                let mut faults = envelope.faults();
                if faults.is_empty() {
                    faults = vendor::faults(&answer.headers, &answer.body);
                }
                Err(self.api.unsuccessful(call, answer, faults))
            }
            Err(e) => {
                let faults = match serde_json::from_slice(&answer.body) {
                    Ok(body) => vendor::told(&body),
                    Err(_) => Vec::new(),
                };
                if faults.is_empty() {
                    Err(self.api.garbage(call, answer, &not_json(&e)))
                } else {
                    Err(self.api.unsuccessful(call, answer, faults))
                }
            }
        }
    }
}

/// The call that lists something; its pages are asked for with their own query.
fn list<'a>(template: &'static str, segments: &'a [&'a str], object: String) -> Call<'a> {
    Call {
        method: Method::GET,
        template,
        object,
        segments,
        query: &[],
        body: None,
        repeat: Repeat::Always,
    }
}

/// Why a body could not be read, without quoting it.
fn not_json(error: &serde_json::Error) -> String {
    format!(
        "not the JSON that was expected (line {}, column {})",
        error.line(),
        error.column()
    )
}

/// A zone whose name is none that a hostname could lie in is left out.
fn zone(row: wire::Zone) -> Result<Option<Zone>, String> {
    let Ok(name) = row.name.parse() else {
        return Ok(None);
    };
    let id = row
        .id
        .parse()
        .map_err(|_| format!("the zone `{name}` has no usable id"))?;
    let free = row
        .plan
        .and_then(|plan| plan.legacy_id)
        .is_none_or(|plan| plan == "free");
    Ok(Some(Zone {
        id,
        name,
        active: row.status.as_deref() == Some("active"),
        batch_limit: if free { FREE_BATCH } else { PAID_BATCH },
        account: row.account.and_then(|account| {
            let told = [account.name, account.id].into_iter().flatten();
            told.into_iter().find(|text| !text.is_empty())
        }),
    }))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a TTL is clamped to what u32 holds first"
)]
fn record(row: wire::Record) -> Result<Option<ZoneRow>, String> {
    let (wildcard, name) = match row.name.strip_prefix("*.") {
        Some(below) => (true, below),
        None => (false, row.name.as_str()),
    };
    let Ok(name) = name.parse::<Hostname>() else {
        return Ok(None);
    };
    let id = row
        .id
        .parse()
        .map_err(|_| format!("a record of `{name}` has no usable id"))?;
    let content = row.content.unwrap_or_default();
    let record_type = match row.kind.to_ascii_uppercase().as_str() {
        "A" => RecordType::A,
        "AAAA" => RecordType::Aaaa,
        "CNAME" => RecordType::Cname,
        other => {
            let does = match other {
                "NS" if !wildcard => Does::Delegates(content),
                "HTTPS" if !wildcard => service(ServiceRecord::Https, &name, &content),
                "SVCB" if !wildcard => service(ServiceRecord::Svcb, &name, &content),
                _ => return Ok(None),
            };
            return Ok(Some(ZoneRow::Beside(BesideRecord { id, name, does })));
        }
    };
    if wildcard {
        let does = Does::Answers(record_type, content);
        return Ok(Some(ZoneRow::Beside(BesideRecord { id, name, does })));
    }
    Ok(Some(ZoneRow::Record(Record {
        id,
        name,
        record_type,
        content,
        ttl: row
            .ttl
            .unwrap_or(f64::from(AUTOMATIC_TTL))
            .clamp(0.0, f64::from(u32::MAX)) as u32,
        proxied: row.proxied.unwrap_or_default(),
    })))
}

/// A row of a zone that is kept.
enum ZoneRow {
    Record(Record),
    Beside(BesideRecord),
}

/// What a service record of `name` does, as Cloudflare shows it, such as
/// `1 . alpn="h3,h2" ipv4hint="192.0.2.1,192.0.2.2"`. The second word is the target, `.` the name itself.
/// <https://developers.cloudflare.com/dns/manage-dns-records/reference/dns-record-types/#svcb-and-https>
fn service(kind: ServiceRecord, name: &Hostname, content: &str) -> Does {
    let mut words = content.split_ascii_whitespace();
    let target = words.nth(1).unwrap_or_default().to_ascii_lowercase();
    let target = target.strip_suffix('.').unwrap_or(&target);
    if !target.is_empty() && target != name.as_str() {
        return Does::LeadsTo(kind, target.to_owned());
    }
    let hints = words.filter_map(|parameter| parameter.strip_prefix("ipv4hint="));
    let addresses = hints.flat_map(|value| value.trim_matches('"').split(','));
    Does::Hints(
        kind,
        addresses
            .filter_map(|address| address.trim().parse().ok())
            .collect(),
    )
}
