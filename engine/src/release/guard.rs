//! Interlocks at work: what stands in the way of a step.

use std::collections::BTreeSet;

use super::{
    facts::{Facts, SideFacts},
    interlock::{Block, Interlock},
    record::{Record, State},
    step::{Kind, Process, Step},
};
use crate::{message::Message, name::InfrastructureName};

/// What stands in the way of taking `step` now, without what is overridden.
pub(super) fn blocks(
    record: &Record,
    facts: &Facts,
    step: &Step,
    overrides: &BTreeSet<Interlock>,
) -> Vec<Block> {
    let judge = Judge {
        record,
        facts,
        step,
    };
    let mut blocks = Vec::new();
    blocks.extend(record.held(facts));
    let kind = step.kind;
    if kind.is_deployment() {
        blocks.extend(judge.one_deployment());
        blocks.extend(judge.standby_first());
        let of_pipeline = |side: &SideFacts| side.commit.clone();
        blocks.extend(judge.validated_commit(record.target(kind), of_pipeline));
    }
    match kind {
        Kind::Restore => blocks.extend(judge.restore_off_production()),
        Kind::Swap => {
            blocks.extend(judge.validated_before_swap());
            let carried = |side: &SideFacts| side.deployed_commit.clone();
            blocks.extend(judge.validated_commit(&record.hot_standby, carried));
        }
        Kind::BackupOn | Kind::SyncOn => blocks.extend(judge.sync_by_role()),
        _ => {}
    }
    let by_roles = !kind.is_a_persons()
        && !matches!(
            kind,
            Kind::SwapBack | Kind::BackupOn | Kind::SyncOn | Kind::Restore
        );
    if by_roles {
        blocks.extend(judge.roles_as_left());
    }
    let waived = |block: &Block| block.interlock.is_some_and(|one| overrides.contains(&one));
    blocks.retain(|block| !waived(block));
    blocks
}

struct Judge<'a> {
    record: &'a Record,
    facts: &'a Facts,
    step: &'a Step,
}

impl Judge<'_> {
    fn block(&self, interlock: Interlock, what: String, next: String) -> Block {
        Block {
            interlock: Some(interlock),
            message: Message::nothing_changed(what, self.record.object(self.step), next),
        }
    }

    /// A deployment runs on the other side, or one that is not this release's on the same.
    fn one_deployment(&self) -> Option<Block> {
        let target = self.record.target(self.step.kind);
        for side in [self.record.beside(target), target] {
            if let Some(why) = self.facts.unread(side) {
                return Some(self.block(
                    Interlock::OneDeployment,
                    format!("Whether a deployment runs on `{side}` is not known: {why}."),
                    "Run the command again once GitLab answers.".to_owned(),
                ));
            }
            let Some(read) = self.facts.side(side) else {
                continue;
            };
            let own = |id: u64| side == target && read.jobs.iter().any(|job| job.id == id);
            if let Some(active) = read.active.iter().find(|one| !own(one.id)) {
                return Some(self.block(
                    Interlock::OneDeployment,
                    format!(
                        "A deployment runs or waits on `{side}`: {}. One side at a time is \
                         deployed.",
                        active.what
                    ),
                    "Wait until it has ended, or cancel it in GitLab, then run the command again."
                        .to_owned(),
                ));
            }
        }
        None
    }

    /// The target is production, and the other side does not carry the release, validated.
    fn standby_first(&self) -> Option<Block> {
        let target = self.record.target(self.step.kind);
        let roles = self.facts.roles.as_ref().ok()?;
        if roles.production != *target {
            return None;
        }
        let other = self.record.beside(target);
        let carries = self
            .facts
            .side(other)
            .and_then(|side| side.deployed.as_deref());
        let what = if carries != Some(self.record.reference.as_str()) {
            let carried = carries.map_or_else(
                || "no release that is known".to_owned(),
                |carried| format!("`{carried}`"),
            );
            format!("`{target}` is production, and `{other}` carries {carried}.")
        } else if !self.record.is_past(Kind::ValidateTechnical) {
            format!("`{target}` is production, and the release on `{other}` is not validated.")
        } else {
            return None;
        };
        Some(self.block(
            Interlock::StandbyFirst,
            what,
            format!(
                "Run `gigadb-roles status` to see who is production. Deploy `{}` to `{other}` \
                 first and have it validated.",
                self.record.reference
            ),
        ))
    }

    fn restore_off_production(&self) -> Option<Block> {
        let target = &self.record.hot_standby;
        let what = match &self.facts.roles {
            Ok(roles) if roles.production == *target => {
                format!("The names of production lead to `{target}`, which would be overwritten.")
            }
            Ok(_) => return None,
            Err(why) => format!("It is not clear that `{target}` is not production: {why}."),
        };
        Some(self.block(
            Interlock::RestoreOffProduction,
            what,
            "Run `gigadb-roles status`, and restore only onto the hot standby.".to_owned(),
        ))
    }

    fn validated_before_swap(&self) -> Option<Block> {
        let side = &self.record.hot_standby;
        let needed = [Kind::ValidateBusiness, Kind::ValidateTechnical, Kind::Probe];
        let missing = needed.into_iter().find(|kind| {
            let entry = self.record.steps.get(&Step::from(*kind));
            !entry.is_some_and(|entry| entry.state.is_complete() && entry.state != State::LeftOut)
        });
        let what = match (missing, self.facts.side(side)) {
            (Some(kind), _) => format!("Step `{}` was not done.", kind.as_str()),
            (None, None) => format!(
                "What `{side}` carries is not known: {}.",
                self.facts.unread(side).unwrap_or_default()
            ),
            (None, Some(read)) => match read.deployed.as_deref() {
                Some(carried) if carried == self.record.reference => return None,
                Some(carried) => {
                    format!("`{side}` carries `{carried}` now, which nobody validated.")
                }
                None => format!("GitLab knows of no deployment to `{side}` that succeeded."),
            },
        };
        Some(self.block(
            Interlock::ValidatedBeforeSwap,
            what,
            format!(
                "Have it validated as it is now{}.",
                self.back(" and probed, then swap; or go back with ", "")
            ),
        ))
    }

    /// The commit is not the one that was deployed for validation: a branch or a tag can move.
    fn validated_commit(
        &self,
        side: &InfrastructureName,
        commit: impl Fn(&SideFacts) -> Option<String>,
    ) -> Option<Block> {
        if self.step.kind == Kind::DeployStandby {
            return None;
        }
        let entry = self.record.steps.get(&Kind::DeployStandby.into())?;
        let (then, now) = (entry.commit.clone()?, commit(self.facts.side(side)?)?);
        let short = |sha: &str| sha.chars().take(12).collect::<String>();
        (then != now).then(|| {
            self.block(
                Interlock::ValidatedBeforeSwap,
                format!(
                    "`{}` of `{side}` is commit `{}` now, and `{}` was deployed to be validated.",
                    self.record.reference,
                    short(&now),
                    short(&then)
                ),
                format!(
                    "See in GitLab who moved it. Begin a new release of what it is now after {}, \
                     or have it be `{}` again.",
                    self.record.command("abandon"),
                    short(&then)
                ),
            )
        })
    }

    /// The command that takes branch B between two texts; nothing in a simple release, which has
    /// none.
    fn back(&self, before: &str, after: &str) -> String {
        match self.record.process {
            Process::Complex => format!("{before}{}{after}", self.record.command("back")),
            Process::Simple => String::new(),
        }
    }

    fn sync_by_role(&self) -> Option<Block> {
        let expected = self.record.expected();
        let what = match &self.facts.roles {
            Ok(roles) if *roles == expected => return None,
            Ok(roles) => format!(
                "`{}` is production now, and this release left `{}` as production: data would \
                 flow the other way.",
                roles.production, expected.production
            ),
            Err(why) => format!("It is not clear who is production: {why}."),
        };
        Some(self.block(
            Interlock::SyncByRole,
            what,
            format!(
                "Run `gigadb-roles status`, give the roles back as they should be{}.",
                self.back(" or take ", "")
            ),
        ))
    }

    fn roles_as_left(&self) -> Option<Block> {
        let expected = self.record.expected();
        let what = match &self.facts.roles {
            Ok(roles) if *roles == expected => return None,
            Ok(roles) => {
                // A swap that has begun, or was made by hand, is what this step is about.
                if self.step.kind == Kind::Swap && *roles == expected.clone().swapped() {
                    return None;
                }
                format!(
                    "`{}` is production, and the last step of this release left `{}` as \
                     production: the roles were traded outside this release.",
                    roles.production, expected.production
                )
            }
            Err(why) => format!("It is not clear who has which role: {why}."),
        };
        Some(self.block(
            Interlock::RolesAsLeft,
            what,
            format!(
                "Run `gigadb-roles status`. Trade the roles back, {}or end this release with {}.",
                self.back("take ", ", "),
                self.record.command("abandon")
            ),
        ))
    }
}
