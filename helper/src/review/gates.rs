//! What a policy refuses about a plan, one sentence each.

use std::collections::BTreeSet;

use super::{
    change::{Change, Kind},
    document::{Review, counted},
    escape::code,
    unseen::What,
};

/// Objects that one refusal names.
const NAMED: usize = 5;

/// What is asked of a plan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gates<'a> {
    /// Nothing but roles may change.
    pub(crate) only_role_change: bool,
    /// Of this environment alone.
    pub(crate) environment: Option<&'a str>,
    /// No failover.
    pub(crate) no_failover: bool,
    /// The change of roles is the one with this digest.
    pub(crate) digest: Option<&'a str>,
}

impl Gates<'_> {
    /// Why the plan is refused; empty where nothing is against it.
    pub(crate) fn refusals(&self, review: &Review) -> Vec<String> {
        let mut refused = Vec::new();
        let others = review.others().count();
        if self.only_role_change && others > 0 {
            refused.push(format!(
                "it changes {} other than roles (--require-only-role-change).",
                counted(others, "object")
            ));
        }
        let elsewhere: BTreeSet<&str> = review
            .acting()
            .flat_map(|(change, _)| {
                let former = change.replaces.as_deref();
                std::iter::once(change.environment.as_str()).chain(former)
            })
            .filter(|of| self.environment.is_some_and(|only| only != *of))
            .collect();
        if !elsewhere.is_empty() {
            let named: Vec<String> = elsewhere.into_iter().map(code).collect();
            refused.push(format!("it changes the roles of {} too.", named.join(", ")));
        }
        for (what, addresses) in self.unseen(review) {
            let (one, several) = what.words();
            let words = if addresses.len() == 1 { one } else { several };
            let named: Vec<String> = addresses.iter().take(NAMED).map(|one| code(one)).collect();
            let more = match addresses.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            refused.push(format!(
                "it holds {} {words} ({}{more}), whose effect no review can tell ({}).",
                addresses.len(),
                named.join(", "),
                self.options()
            ));
        }
        let acting = || review.acting().map(|(change, _)| change);
        let hidden = |change: &&Change| change.opaque && change.kind != Kind::Adopt;
        if self.any() && acting().any(|change| hidden(&change)) {
            refused.push(format!(
                "it hides records or variables that it writes ({}).",
                self.options()
            ));
        }
        let mut modes = acting().filter(|change| change.kind != Kind::Forget);
        if self.no_failover && modes.any(|change| change.mode == "failover") {
            refused.push("its mode is failover (--forbid-failover).".to_owned());
        }
        // The state alone is written by a refresh, whatever its mode.
        let mut modes =
            acting().filter(|change| !matches!(change.kind, Kind::Forget | Kind::Refresh));
        let known = |change: &Change| matches!(change.mode.as_str(), "failover" | "switchover");
        if self.no_failover && modes.any(|change| !known(change)) {
            refused.push(
                "its mode is not shown, so it may be failover (--forbid-failover).".to_owned(),
            );
        }
        let digest = review.digest();
        if self.digest.is_some_and(|expected| expected != digest) {
            refused.push(format!(
                "its digest is {digest}, not the expected one: it is not the change of roles that was reviewed (--expect-digest)."
            ));
        }
        refused.extend(standing_in_the_way(review));
        refused
    }

    fn any(&self) -> bool {
        self.only_role_change || self.no_failover || self.digest.is_some()
    }

    fn options(&self) -> &'static str {
        if self.only_role_change {
            "--require-only-role-change"
        } else if self.no_failover {
            "--forbid-failover"
        } else {
            "--expect-digest"
        }
    }

    /// What happens beside changes of resources and is refused. An ephemeral resource is opened
    /// and closed, and a data source that starts no program is read: they cannot fail over.
    fn unseen<'a>(&self, review: &'a Review) -> Vec<(What, Vec<&'a str>)> {
        let mut refused: Vec<(What, Vec<&str>)> = Vec::new();
        for one in &review.unseen {
            let reads = matches!(one.what, What::Ephemeral | What::Read);
            let stops = self.only_role_change || self.no_failover && !reads;
            if !stops {
                continue;
            }
            match refused.last_mut() {
                Some((what, addresses)) if *what == one.what => addresses.push(&one.address),
                _ => refused.push((one.what, vec![&one.address])),
            }
        }
        refused
    }
}

fn standing_in_the_way(review: &Review) -> Option<String> {
    match review.counts()?.errors {
        0 => None,
        1 => Some("1 finding stands in the way.".to_owned()),
        several => Some(format!("{several} findings stand in the way.")),
    }
}
