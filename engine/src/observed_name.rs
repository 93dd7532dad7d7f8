//! What was observed of one hostname.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::name::RecordId;
use crate::world::{BesideRecord, Does, Failure, Record, Zone};

/// What was observed of one hostname.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameObservation {
    /// The longest matching active zone that the token can see.
    pub zone: Option<Zone>,
    /// Its A, AAAA and CNAME records, sorted. Where they could not be read, those that were known
    /// before.
    pub records: Vec<Record>,
    /// A records of unmanaged names in the visible zones that hold an Elastic IP of this
    /// hostname's endpoint; kept only for a hostname without a record.
    pub look_alikes: Vec<Record>,
    /// What else in its zone decides where it leads, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<BesideRecord>,
    /// Why the records of its zone could not be read now, where they could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Failure>,
}

impl NameObservation {
    /// The single A record, where there is exactly one and no AAAA or CNAME beside it. Records of
    /// a delegated name are not what resolvers see, and records from before are not read now: they
    /// count for nothing.
    pub fn single_a(&self) -> Option<&Record> {
        self.known().filter(|_| self.unread.is_none())
    }

    /// The same, where the records could not be read as they were known before.
    fn known(&self) -> Option<&Record> {
        match self.records.as_slice() {
            [record] if record.address().is_some() && self.delegation().is_none() => Some(record),
            _ => None,
        }
    }

    /// What hands the name to another name server.
    pub fn delegation(&self) -> Option<&BesideRecord> {
        let mut beside = self.beside.iter();
        beside.find(|one| matches!(one.does, Does::Delegates(_)))
    }

    /// What answers for the name, which has no records.
    pub fn wildcard(&self) -> Option<&BesideRecord> {
        let mut beside = self.beside.iter();
        beside.find(|one| matches!(one.does, Does::Answers(..)))
    }

    /// What decides where the name leads, where that is none of its own records: a clause about
    /// `subject`.
    pub fn elsewhere(&self, subject: &str) -> Option<String> {
        if let Some(why) = self.not_read() {
            return Some(why);
        }
        if let Some(delegation) = self.delegation() {
            return Some(format!(
                "{subject} is delegated to another name server: {delegation}"
            ));
        }
        let wildcard = self.wildcard()?;
        Some(format!(
            "{subject} has no A record of its own: the wildcard {wildcard} answers for it"
        ))
    }

    /// Why `subject` has no single A record, as a clause without the records.
    pub(crate) fn fault(&self, subject: &str) -> String {
        self.elsewhere(subject)
            .unwrap_or_else(|| match self.records.len() {
                0 => format!("{subject} has no A record"),
                1 => format!("the only record of {subject} is not an A record"),
                n => format!("{subject} has {n} records where exactly one A record must be"),
            })
    }

    /// The same with the records, by type, content and id.
    pub(crate) fn fault_in_full(&self, subject: &str) -> String {
        let fault = self.fault(subject);
        if self.records.is_empty() || self.elsewhere(subject).is_some() {
            return fault;
        }
        format!("{fault}: {}", self.list())
    }

    /// Its records, by type, content and id, which DNS does not tell.
    pub(crate) fn list(&self) -> String {
        let one = |r: &Record| {
            let record = format!("{} `{}`", r.record_type, r.content);
            match r.id.as_str().strip_prefix(RecordId::OF_DNS) {
                Some(_) => record,
                None => format!("{record} (id {})", r.id),
            }
        };
        self.records.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// What its records hold, as one value; none where there are none.
    pub(crate) fn contents(&self) -> Option<String> {
        let contents: Vec<&str> = self.records.iter().map(|r| r.content.as_str()).collect();
        (!contents.is_empty()).then(|| contents.join(", "))
    }

    /// Why its records could not be read, as a clause; `None` where they were.
    pub fn not_read(&self) -> Option<String> {
        let (zone, failure) = (self.zone.as_ref()?, self.unread.as_ref()?);
        Some(format!("{} could not be read: {failure}", records_of(zone)))
    }

    /// The address of [`Self::single_a`].
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.single_a().and_then(Record::address)
    }

    /// The same; where the records could not be read, what was known before.
    pub fn known_address(&self) -> Option<Ipv4Addr> {
        self.known().and_then(Record::address)
    }
}

/// The records of a zone, as messages name them.
pub(crate) fn records_of(zone: &Zone) -> String {
    format!("the records of zone `{}`", zone.name)
}
