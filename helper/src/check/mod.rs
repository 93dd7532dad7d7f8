//! The topology and this machine, held against what the deployment procedure's set-up chapters ask
//! for. Each file here makes the checks of one area; nothing is changed anywhere.
//!
//! **Invariant.** A check that could not be made is [`Verdict::NotChecked`], never
//! [`Verdict::Ok`]; what kept it from being made is itself a check that failed, unless nothing but
//! a write could prove it.

mod aws;
pub(crate) mod checkout;
mod cloudflare;
mod expiry;
mod gitlab;
pub(crate) mod json;
mod network;
pub(crate) mod repository;
mod swaps;
pub(crate) mod text;
pub(crate) mod topology;

use std::path::PathBuf;

use gigadb_clients::{Scope as Reads, TopologyFile};
use gigadb_engine::message::Message;
use tokio_util::sync::CancellationToken;

use crate::session::Session;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing stands in the way, but somebody should look.
    Warning,
    /// Something is wrong.
    Failed,
    /// The check could not be made.
    NotChecked,
}

impl Verdict {
    /// Every verdict, in the order of counting.
    pub(crate) const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failed, Self::NotChecked];

    /// The verdict in words for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What is checked: `aws profile`, `dns records`.
    pub(crate) area: &'static str,
    /// Of what: a profile's, zone's or infrastructure's name.
    pub(crate) object: String,
    pub(crate) verdict: Verdict,
    /// What was found, as a sentence without its full stop.
    pub(crate) found: String,
    /// On which object a rule found it: records and rows with their ids.
    pub(crate) on: Option<String>,
    /// What to do, as sentences; always there where the verdict is not `Ok`.
    pub(crate) next: Option<String>,
}

impl Check {
    fn ok(area: &'static str, object: &(impl ToString + ?Sized), found: impl Into<String>) -> Self {
        Self {
            area,
            object: object.to_string(),
            verdict: Verdict::Ok,
            found: found.into(),
            on: None,
            next: None,
        }
    }

    fn other(
        verdict: Verdict,
        (area, object): (&'static str, &str),
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            area,
            object: object.to_owned(),
            verdict,
            found: found.into(),
            on: None,
            next: Some(next.into()),
        }
    }

    fn warning(
        about: (&'static str, &str),
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::other(Verdict::Warning, about, found, next)
    }

    pub(crate) fn failed(
        about: (&'static str, &str),
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::other(Verdict::Failed, about, found, next)
    }

    /// What a rule says, which plans say in the same words.
    fn said(about: (&'static str, &str), verdict: Verdict, message: Message) -> Self {
        let found = message.what.trim_end_matches('.');
        Self {
            on: Some(message.object),
            ..Self::other(verdict, about, found, message.next)
        }
    }

    pub(crate) fn not_checked(
        about: (&'static str, &str),
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::other(Verdict::NotChecked, about, found, next)
    }
}

/// Where the checkouts are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkouts {
    pub(crate) folder: PathBuf,
    /// Whether somebody said so; a checkout that is not there is a failure then.
    pub(crate) named: bool,
}

/// Makes every check but that of the topology, area by area.
pub(crate) async fn run(
    file: &TopologyFile,
    session: &Session,
    checkouts: &Checkouts,
    cancel: &CancellationToken,
) -> Vec<Check> {
    let reads = Reads::everything();
    let apis = &session.apis;
    let (world, cloudflare_token, gitlab_token, levels, profiles, leases) = tokio::join!(
        apis.observe(&session.topology, &reads, cancel),
        apis.cloudflare_token(cancel),
        apis.gitlab_token(cancel),
        gitlab::levels(session, cancel),
        aws::profiles(session),
        swaps::leases(session, cancel),
    );
    let mut checks = network::checks(apis.network());
    checks.extend(aws::checks(&session.topology, &profiles, &world));
    checks.extend(cloudflare::checks(
        (file, &session.topology),
        &cloudflare_token,
        &world,
    ));
    checks.extend(gitlab::checks(
        &session.topology,
        &gitlab_token,
        &levels,
        &world,
    ));
    checks.extend(checkout::checks(session, checkouts));
    checks.extend(swaps::certificates(session, &world));
    checks.extend(leases);
    checks
}
