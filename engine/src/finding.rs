//! What the rules are called, and what they find.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::message::Message;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, waivable: $waivable:literal;)+) => {
        /// A safety rule, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule { $($(#[$doc])* $variant),+ }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The rule's name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Whether `overrides` may name it.
            pub fn is_waivable(self) -> bool {
                match self { $(Self::$variant => $waivable),+ }
            }
        }
    };
}

rules! {
    /// Every managed hostname has exactly one A record and no AAAA or CNAME beside it.
    SingleARecord = "single-a-record", waivable: true;
    /// Every endpoint in use has, on each side, exactly one Elastic IP on a running instance.
    KnownAddress = "known-address", waivable: true;
    /// Only addresses and values of the two sides are exchanged; nothing else is touched.
    Permutation = "permutation", waivable: true;
    /// Nothing moved between plan and apply.
    UnchangedSincePlan = "unchanged-since-plan", waivable: false;
    /// Roles traded outside Terraform are never silently traded back.
    ExternalSwap = "external-swap", waivable: false;
    /// The promoted side answers HTTPS under production's names.
    HttpsReady = "https-ready", waivable: true;
    /// Each hostname has exactly one address after every step.
    NeverUnresolvable = "never-unresolvable", waivable: false;
    /// The two sides use different AWS access keys.
    SeparateCredentials = "separate-credentials", waivable: true;
    /// Every role variable can be read in its exact scope.
    VariablesVisible = "variables-visible", waivable: true;
    /// Two operators cannot swap at once.
    OneSwapAtATime = "one-swap-at-a-time", waivable: true;
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{text}`{}", .nearest.map(|r| format!("; did you mean `{r}`?")).unwrap_or_default())]
pub struct UnknownRule {
    /// The text as given.
    pub text: String,
    /// The rule that was probably meant.
    pub nearest: Option<Rule>,
}

impl FromStr for Rule {
    type Err = UnknownRule;
    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| UnknownRule {
                text: text.to_owned(),
                nearest: crate::nearest::nearest(text, Self::ALL.iter().map(|r| r.as_str()))
                    .and_then(|n| Self::ALL.iter().copied().find(|r| r.as_str() == n)),
            })
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing is stopped.
    Warning,
    /// Stops the plan unless its rule is waived.
    Error,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Its weight here.
    pub severity: Severity,
    /// The message; its `object` names what the finding is about.
    pub message: Message,
    /// Whether `overrides` names the rule.
    pub waived: bool,
}

impl Finding {
    /// Whether this finding stops the plan.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Error && !self.waived
    }
}
