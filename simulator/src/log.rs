//! What was asked and what was answered.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::World;

/// One of the three APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Below `/client/v4`.
    Cloudflare,
    /// Below `/api/v4`.
    Gitlab,
    /// `POST /`, signed for service `ec2`.
    Ec2,
    /// `POST /`, signed for service `sts`.
    Sts,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloudflare => "cloudflare",
            Self::Gitlab => "gitlab",
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
        })
    }
}

/// One request as the server saw it. Times count from the start of the simulator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoggedRequest {
    /// Counts from 1, in order of arrival, over all APIs; never reset.
    pub number: u64,
    /// Which API.
    pub api: Api,
    /// HTTP method.
    pub method: String,
    /// Path as sent, percent-encoded.
    pub path: String,
    /// Path with its parameters replaced, such as `/zones/{zone_id}/dns_records/batch` (without the
    /// API's prefix); for EC2 and STS the action, such as `DescribeAddresses`.
    pub template: String,
    /// Decoded query, in the order sent.
    pub query: Vec<(String, String)>,
    /// JSON body as sent, a form as an object, or `null`.
    pub body: Value,
    /// Status answered; absent while in flight, and for ever when the connection was cut.
    pub status: Option<u16>,
    /// When the request had arrived; microseconds in JSON, as all times here.
    #[serde(serialize_with = "micros")]
    pub started: Duration,
    /// When a write changed the world.
    #[serde(serialize_with = "some_micros")]
    pub committed: Option<Duration>,
    /// When the answer was handed to the connection, or the connection cut.
    #[serde(serialize_with = "some_micros")]
    pub ended: Option<Duration>,
    /// Region of the credential scope (EC2, STS).
    pub region: Option<String>,
    /// Access key id of the credential scope (EC2, STS).
    pub access_key_id: Option<String>,
}

fn micros<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(time.as_micros())
}

#[expect(clippy::ref_option, reason = "the shape serde calls")]
fn some_micros<S: serde::Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_micros()).serialize(serializer)
}

impl LoggedRequest {
    /// Returns whether the method may change something (EC2 and STS only read here).
    pub fn is_write(&self) -> bool {
        matches!(self.api, Api::Cloudflare | Api::Gitlab) && self.method != "GET"
    }
}

impl fmt::Display for LoggedRequest {
    /// Writes `cloudflare POST /zones/{zone_id}/dns_records/batch 200`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.api, self.method, self.template)?;
        match self.status {
            Some(status) => write!(f, "{status}"),
            None => f.write_str("-"),
        }
    }
}

/// The world as one committed write left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// [`LoggedRequest::number`] of the write.
    pub request: u64,
    /// Which API.
    pub api: Api,
    /// When, since the start of the simulator.
    pub at: Duration,
    /// What was true from then on.
    pub world: World,
}
