//! What a failure comes from, finer than its kind: what to do about it follows from that, in
//! [`crate::advice`].

use serde::{Deserialize, Serialize};

/// The kinds of failure that the engine tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The API answered and said no (401, 403, a project that the token may not see).
    Refused,
    /// No usable answer in time: connection, time-out, 5xx, rate limit.
    Unreachable,
    /// Settings on this machine are wrong: no token, no such AWS profile, a malformed URL.
    Misconfigured,
}

/// What a failure comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No more is known than the kind.
    #[default]
    Unknown,
    /// A setting of this machine is missing or cannot be used; the message names it.
    Setting,
    /// The proxy that a variable names cannot be used, or does not let the connection through.
    Proxy {
        /// The variable.
        variable: String,
    },
    /// This machine has no trusted certificates.
    Roots,
    /// The server's certificate is signed by nobody whom this machine trusts.
    Untrusted,
    /// The server's certificate is trusted, but not for this name.
    OtherName,
    /// The server's certificate is an authority's own, which cannot serve.
    Authority,
    /// The server's certificate is not valid at the time that this machine's clock shows.
    Outdated,
    /// The server wants a certificate of this machine.
    ClientCertificate,
    /// This machine's clock and the server's disagree.
    Clock,
    /// A shared file of AWS's cannot be read; the message names file and line.
    ProfileFile,
    /// An AWS profile is missing, or says nothing that gives keys; the message names it.
    Profile,
    /// The program that gives a profile its keys failed.
    Program,
    /// The token or key is not accepted: mistyped, ended or revoked.
    Token,
    /// The credentials are known and have ended.
    Ended,
    /// The token or key is accepted, and may not do this.
    Permission,
    /// The role of a profile may not be assumed.
    Role,
    /// The token may not be used from this machine's address.
    From,
    /// The region may not be enabled for the account.
    NotEnabled,
    /// The vendor has blocked the account, or not yet verified it.
    Account,
    /// The base URL leads to web pages instead of the API.
    BaseUrl,
    /// A path that holds `%2F` was not found: something between decodes it.
    Route,
    /// No such project, or none that the token may see.
    NotThere,
    /// The project has another path now; the message names it.
    Moved,
    /// There is no such region, as far as is known.
    Region {
        /// The one that was probably meant.
        meant: Option<String>,
    },
    /// Something between answered with a web page.
    WebPage,
    /// Too many requests.
    RateLimit {
        /// When to try again, as the vendor said.
        until: Option<String>,
    },
    /// The vendor is in trouble, and says when it will be back.
    Back {
        /// When to try again.
        until: String,
    },
    /// The request is not taken as it is, which is no matter of rights.
    Request,
    /// A list that is shorter than it says itself.
    Incomplete,
    /// An answer that makes no sense.
    Nonsense,
    /// The vendor is in trouble: 5xx.
    Vendor,
    /// No answer in time.
    NoAnswer,
    /// No connection, or one that broke.
    NoConnection,
    /// The run was stopped.
    Stopped,
}

/// Who has to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// This machine: its settings, files, clock, network.
    Machine,
    /// Whoever gives out tokens, keys and permissions.
    Credentials,
    /// Whoever writes the topology.
    Topology,
    /// Whoever runs what stands between this machine and the vendor.
    Between,
    /// The vendor, or the side itself: it may be lost.
    Vendor,
    /// Nobody: the operator stopped the run.
    Nobody,
}

impl Cause {
    /// Every cause, for tables.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Unknown,
            Self::Setting,
            Self::Proxy {
                variable: "HTTPS_PROXY".to_owned(),
            },
            Self::Roots,
            Self::Untrusted,
            Self::OtherName,
            Self::Authority,
            Self::Outdated,
            Self::ClientCertificate,
            Self::Clock,
            Self::ProfileFile,
            Self::Profile,
            Self::Program,
            Self::Token,
            Self::Ended,
            Self::Permission,
            Self::Role,
            Self::From,
            Self::NotEnabled,
            Self::Account,
            Self::BaseUrl,
            Self::Route,
            Self::NotThere,
            Self::Moved,
            Self::Region {
                meant: Some("ap-east-1".to_owned()),
            },
            Self::WebPage,
            Self::RateLimit {
                until: Some("Thu, 01 Jan 2026 00:05:00 GMT".to_owned()),
            },
            Self::Back {
                until: "Thu, 01 Jan 2026 00:05:00 GMT".to_owned(),
            },
            Self::Request,
            Self::Incomplete,
            Self::Nonsense,
            Self::Vendor,
            Self::NoAnswer,
            Self::NoConnection,
            Self::Stopped,
        ]
    }

    /// Who has to act.
    pub fn whose(&self, kind: FailureKind) -> Whose {
        match self {
            Self::Unknown => match kind {
                FailureKind::Misconfigured => Whose::Machine,
                FailureKind::Refused => Whose::Credentials,
                FailureKind::Unreachable => Whose::Vendor,
            },
            Self::Setting
            | Self::Roots
            | Self::Untrusted
            | Self::OtherName
            | Self::Authority
            | Self::Outdated
            | Self::Clock
            | Self::ProfileFile
            | Self::Profile
            | Self::Program
            | Self::BaseUrl => Whose::Machine,
            Self::Proxy { .. }
            | Self::ClientCertificate
            | Self::Route
            | Self::WebPage
            | Self::Back { .. }
            | Self::Request
            | Self::Incomplete => Whose::Between,
            Self::Token
            | Self::Ended
            | Self::Permission
            | Self::Role
            | Self::From
            | Self::NotEnabled
            | Self::Account
            | Self::RateLimit { .. } => Whose::Credentials,
            Self::NotThere | Self::Moved | Self::Region { .. } => Whose::Topology,
            Self::Nonsense | Self::Vendor | Self::NoAnswer | Self::NoConnection => Whose::Vendor,
            Self::Stopped => Whose::Nobody,
        }
    }
}
