//! What the rules judge, and how a finding of theirs is made.

use crate::{
    changes::ChangeSet,
    evidence::Evidence,
    finding::{Finding, Rule, Severity},
    intent::{Intent, Mode},
    message::Message,
    name::{InfrastructureName, Role},
    observation::Observation,
    topology::{Environment, Topology},
};

/// What the rules judge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) environment: &'a Environment,
    pub(crate) intent: &'a Intent,
    pub(crate) observation: &'a Observation,
    pub(crate) evidence: &'a Evidence,
    pub(crate) changes: &'a ChangeSet,
}

impl Context<'_> {
    /// The weight of a finding that concerns `side`: in a failover only the promoted side must be
    /// well.
    pub(super) fn severity(&self, side: &InfrastructureName) -> Severity {
        if self.intent.mode == Mode::Failover && *side != self.intent.arrangement.production {
            Severity::Warning
        } else {
            Severity::Error
        }
    }

    pub(super) fn finding(&self, rule: Rule, severity: Severity, message: Message) -> Finding {
        let waived = rule.is_waivable() && self.intent.overrides.contains(&rule);
        Finding {
            rule,
            severity,
            message,
            waived,
        }
    }

    pub(super) fn project(&self, side: &InfrastructureName) -> &str {
        self.topology
            .infrastructures
            .get(side)
            .map_or("", |i| i.gitlab_project.as_str())
    }
}

/// The side of a role, for what a hostname of that role concerns.
pub(super) fn side_of(intent: &Intent, role: Role) -> &InfrastructureName {
    intent.arrangement.get(role)
}
