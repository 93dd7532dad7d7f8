//! Cloudflare's part of the world.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Accounts, tokens and zones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cloudflare {
    /// Accounts, which own zones and tokens.
    pub accounts: Vec<CloudflareAccount>,
    /// API tokens. A token that is not here is unknown to the API.
    pub tokens: Vec<CloudflareToken>,
    /// Zones; the same name may appear in two accounts.
    pub zones: Vec<Zone>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudflareAccount {
    /// 32 hexadecimal characters.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// One API token with what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudflareToken {
    /// The secret that clients send as `Authorization: Bearer`.
    pub value: String,
    /// Public id, shown by the verify URLs.
    pub id: String,
    /// Whether the token is in force.
    #[serde(default)]
    pub status: TokenStatus,
    /// User or account; decides which verify URL knows the token.
    #[serde(default)]
    pub owner: TokenOwner,
    /// Names of the zones the token is scoped to; `None` means every zone.
    #[serde(default)]
    pub zones: Option<Vec<String>>,
    /// Permission "Zone Read".
    #[serde(default = "yes")]
    pub zone_read: bool,
    /// Permission "DNS Read" or "DNS Write".
    #[serde(default)]
    pub dns: DnsAccess,
    /// Whether the token's address filter refuses this client: everything answers 9109.
    #[serde(default)]
    pub ip_blocked: bool,
    /// RFC 3339; the verify URLs show it where it is set. `status` alone decides.
    #[serde(default)]
    pub expires_on: Option<String>,
}

fn yes() -> bool {
    true
}

impl CloudflareToken {
    /// Returns a user-owned token that may read and write every zone.
    pub fn all_zones(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            id: hex_id(&["token", value]),
            status: TokenStatus::Active,
            owner: TokenOwner::User,
            zones: None,
            zone_read: true,
            dns: DnsAccess::Write,
            ip_blocked: false,
            expires_on: None,
        }
    }
}

/// Whether a token is in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// Works.
    #[default]
    Active,
    /// Switched off by its owner.
    Disabled,
    /// Past its end of life.
    Expired,
}

/// Who owns a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    /// A person: verified at `/user/tokens/verify`.
    #[default]
    User,
    /// An account, by id: verified at `/accounts/{account_id}/tokens/verify` only.
    Account(String),
}

/// What a token may do with records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsAccess {
    /// Neither read nor write.
    None,
    /// "DNS Read".
    Read,
    /// "DNS Write", which includes reading.
    #[default]
    Write,
}

/// One zone with its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// 32 hexadecimal characters.
    pub id: String,
    /// Apex, lower case, Punycode.
    pub name: String,
    /// Account id.
    pub account: String,
    /// Only an active zone is served by Cloudflare.
    #[serde(default)]
    pub status: ZoneStatus,
    /// `true` turns all proxying off.
    #[serde(default)]
    pub paused: bool,
    /// Decides how many changes a batch may hold, and whether records may have tags.
    #[serde(default)]
    pub plan: Plan,
    /// Records, in order of creation; the API lists them in another order.
    #[serde(default)]
    pub records: Vec<Record>,
}

impl Zone {
    /// Returns an active, empty zone whose id derives from account and name.
    pub fn new(account: &str, name: &str, plan: Plan) -> Self {
        Self {
            id: hex_id(&["zone", account, name]),
            name: name.to_owned(),
            account: account.to_owned(),
            status: ZoneStatus::Active,
            paused: false,
            plan,
            records: Vec::new(),
        }
    }

    /// Adds a record and returns it for refinement; its id derives from its first content.
    pub fn add(&mut self, kind: &str, name: &str, content: &str) -> &mut Record {
        let record = Record {
            id: record_id(&self.id, kind, name, content),
            kind: kind.to_owned(),
            name: name.to_owned(),
            content: content.to_owned(),
            ttl: 1,
            proxied: false,
            comment: None,
            tags: Vec::new(),
            priority: None,
            settings: Map::new(),
            created_on: "2024-03-01T10:00:00.123456Z".to_owned(),
            modified_on: "2026-03-02T11:00:00.654321Z".to_owned(),
        };
        let index = self.records.len();
        self.records.push(record);
        &mut self.records[index]
    }
}

/// Life cycle of a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneStatus {
    /// Being set up.
    Initializing,
    /// Name servers not yet changed at the registrar.
    Pending,
    /// Served by Cloudflare.
    #[default]
    Active,
    /// Name servers point elsewhere.
    Moved,
}

impl ZoneStatus {
    /// Returns the word the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Moved => "moved",
        }
    }
}

/// Subscription of a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// 200 changes a batch, no tags.
    #[default]
    Free,
    /// 3,500 changes a batch.
    Pro,
    /// 3,500 changes a batch.
    Business,
    /// 3,500 changes a batch.
    Enterprise,
}

impl Plan {
    /// Returns `plan.legacy_id` of the API.
    pub fn legacy_id(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
            Self::Enterprise => "enterprise",
        }
    }

    /// Returns how many changes one batch request may hold.
    pub fn batch_limit(self) -> usize {
        if self == Self::Free { 200 } else { 3_500 }
    }

    /// Returns how many tags one record may carry.
    pub fn tag_quota(self) -> usize {
        if self == Self::Free { 0 } else { 20 }
    }

    /// Returns how many characters a comment may have.
    pub fn comment_limit(self) -> usize {
        if self == Self::Free { 100 } else { 500 }
    }

    /// Returns the lowest TTL, in seconds, besides 1 for automatic.
    pub fn lowest_ttl(self) -> u64 {
        if self == Self::Enterprise { 30 } else { 60 }
    }
}

/// One DNS record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 32 hexadecimal characters.
    pub id: String,
    /// `A`, `AAAA`, `CNAME`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Full name with zone, lower case, Punycode, no trailing dot.
    pub name: String,
    /// Address, target or text.
    pub content: String,
    /// Seconds; 1 is automatic, and what a proxied record always shows.
    #[serde(default = "automatic")]
    pub ttl: u64,
    /// Whether Cloudflare's edge stands in front.
    #[serde(default)]
    pub proxied: bool,
    /// Free text.
    #[serde(default)]
    pub comment: Option<String>,
    /// `name:value` each.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Of MX and SRV records.
    #[serde(default)]
    pub priority: Option<u16>,
    /// Such as `ipv4_only`.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// RFC 3339 with microseconds.
    #[serde(default)]
    pub created_on: String,
    /// RFC 3339 with microseconds; moves when a change is committed.
    #[serde(default)]
    pub modified_on: String,
}

fn automatic() -> u64 {
    1
}

impl Cloudflare {
    /// Returns the zone of that name, the first when two accounts have it.
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == name)
    }

    /// Returns the zone of that name for changing, the first when two accounts have it.
    pub fn zone_mut(&mut self, name: &str) -> Option<&mut Zone> {
        self.zones.iter_mut().find(|zone| zone.name == name)
    }

    /// Returns all records of that name, of every type and zone.
    pub fn records(&self, name: &str) -> Vec<&Record> {
        self.zones
            .iter()
            .flat_map(|zone| &zone.records)
            .filter(|record| record.name == name)
            .collect()
    }

    /// Returns the record of that name and type for changing, the first when there are several.
    pub fn record_mut(&mut self, name: &str, kind: &str) -> Option<&mut Record> {
        self.zones
            .iter_mut()
            .flat_map(|zone| &mut zone.records)
            .find(|record| record.name == name && record.kind == kind)
    }

    /// Returns every A record as `(name, content)`, sorted.
    pub fn a_records(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<_> = self
            .zones
            .iter()
            .flat_map(|zone| &zone.records)
            .filter(|record| record.kind == "A")
            .map(|record| (record.name.as_str(), record.content.as_str()))
            .collect();
        all.sort_unstable();
        all
    }
}

/// Returns the id that [`Zone::add`] gives to a record.
pub fn record_id(zone_id: &str, kind: &str, name: &str, content: &str) -> String {
    hex_id(&["record", zone_id, kind, name, content])
}

/// Returns 32 hexadecimal characters that depend on the parts alone.
pub(crate) fn hex_id(parts: &[&str]) -> String {
    use std::fmt::Write as _;

    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut text = String::with_capacity(32);
    for byte in &hash.finalize()[..16] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
