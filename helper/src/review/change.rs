//! What a plan does to the roles of one environment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::source::is_hidden;

/// The role of production, as in attributes.
pub(super) const PRODUCTION: &str = "production";
/// The role of the hot standby, as in attributes.
pub(super) const HOT_STANDBY: &str = "hot_standby";
/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Production moves from one side to the other; both must be well.
    Swap,
    /// Production moves; only the promoted side must be well.
    Failover,
    /// The apex moves although `production` stays: roles were traded elsewhere.
    TradeBack,
    /// Another side is named as production, and the apex leads there already.
    TakeNote,
    /// Another side becomes the hot standby, while production stays.
    HotStandby,
    /// A side has another name, and that is all.
    Rename,
    /// A side gets production's variables, while no record moves.
    Prepare,
    /// Records or variables that differ from the topology are set.
    Align,
    /// Only how the roles are kept changes.
    Settings,
    /// The assignment is new to Terraform.
    Adopt,
    /// The assignment is forgotten; the world stays.
    Forget,
    /// Another environment takes the assignment's place: one is forgotten, one adopted.
    Replace,
    /// Terraform's state takes up what is there.
    Refresh,
    /// Roles were traded elsewhere, and the plan leaves it so.
    Keep,
    /// Nothing.
    None,
}

impl Kind {
    /// The kind, as far as it does not follow from what else the digest is of.
    pub(super) fn digested(self) -> Option<Self> {
        let by_action = matches!(
            self,
            Self::Adopt | Self::Forget | Self::Replace | Self::Refresh
        );
        by_action.then_some(self)
    }

    /// Whether the plan does nothing to the assignment.
    pub(crate) fn rests(self) -> bool {
        matches!(self, Self::Keep | Self::None)
    }
}

/// Who has which role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Roles {
    pub(crate) production: String,
    pub(crate) hot_standby: String,
}

/// Where a hostname leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) address: Option<String>,
    pub(crate) infrastructure: Option<String>,
}

/// One hostname, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the JSON form")]
pub(crate) struct Hostname {
    pub(crate) hostname: String,
    pub(crate) role: String,
    pub(crate) endpoint: String,
    #[serde(skip)]
    pub(crate) zone: String,
    pub(crate) from: Place,
    pub(crate) to: Place,
}

/// One variable, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the JSON form")]
pub(crate) struct Variable {
    pub(crate) infrastructure: String,
    pub(crate) variable: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Whether the plan tells the value before; it does not for a side that is new to it.
    pub(crate) from_known: bool,
}

/// One attribute that says how roles are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// The side that production's apex leads to, before and after: that is who is production, whatever
/// Terraform's state says. `None` where the apex leads to neither side or the plan does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Holder {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Where the apex leads before, if the plan shows that it is to neither side.
    #[serde(skip)]
    pub(crate) stray_from: Option<Stray>,
    /// The same afterwards.
    #[serde(skip)]
    pub(crate) stray_to: Option<Stray>,
}

/// An apex that leads to neither side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) apex: String,
    /// `None` where it has not exactly one address.
    pub(crate) address: Option<String>,
}

/// What happens to the roles of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) address: String,
    pub(crate) environment: String,
    /// The environment that is forgotten in its favor.
    pub(crate) replaces: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) imported: bool,
    /// The roles in Terraform's state and in the plan; who really is production, `holder` tells.
    pub(crate) from: Option<Roles>,
    pub(crate) to: Option<Roles>,
    /// The roles in the plan, with the sides that its hostnames show where it hides the words.
    pub(crate) after: Option<Roles>,
    pub(crate) holder: Holder,
    /// Sides that have another name afterwards, by the former one.
    pub(crate) renamed: BTreeMap<String, String>,
    pub(crate) mode: String,
    pub(crate) prepare: Option<String>,
    pub(crate) overrides: BTreeSet<String>,
    pub(crate) reason: Option<String>,
    /// The status that is planned, where not everything will be as the topology says.
    pub(crate) uneven: Option<String>,
    pub(crate) settings: Vec<Setting>,
    /// Every managed hostname, whether it moves or not.
    pub(crate) names: Vec<Hostname>,
    pub(crate) variables: Vec<Variable>,
    /// Every variable that the plan knows of before, written or not.
    pub(crate) held: Vec<Variable>,
    /// The written ones by the names of the sides alone, as if none had another one: what the digest is of.
    pub(super) by_name: Vec<Variable>,
    /// Whether the plan hides records or variables, so that it does not tell what is written.
    pub(crate) opaque: bool,
}

impl Change {
    /// Hostnames whose record is written, or read anew where the state alone changes.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &Hostname> {
        let known = self.from.is_some();
        self.names
            .iter()
            .filter(move |name| known && name.from.address != name.to.address)
    }

    /// Whether something differs between before and after.
    pub(super) fn differs(&self) -> bool {
        self.moved().next().is_some() || !self.variables.is_empty()
    }

    /// Whether carrying it out writes a record or a variable, as far as the plan tells.
    pub(crate) fn writes(&self) -> bool {
        self.kind != Kind::Refresh && self.differs()
    }

    /// Keys that a failover leaves as they are on a side of which it writes none, while not
    /// everything will be as the topology says.
    pub(super) fn owed(&self, side: &str) -> BTreeSet<&str> {
        let writes = self.variables.iter().any(|one| one.infrastructure == side);
        let owing = self.kind == Kind::Failover && self.uneven.is_some() && !writes;
        let held = self
            .held
            .iter()
            .filter(|one| owing && one.infrastructure == side);
        held.map(|one| one.variable.as_str()).collect()
    }

    /// Whether it takes up a world that the plan does not tell.
    pub(crate) fn adopts(&self) -> bool {
        self.kind == Kind::Adopt && self.from.is_none()
    }

    /// Who is production before: by the apex, as the state says where the plan does not show it.
    pub(crate) fn production_before(&self) -> Option<&str> {
        let said = self.from.as_ref().map(|roles| roles.production.as_str());
        let said = said.filter(|_| self.holder.stray_from.is_none());
        self.holder.from.as_deref().or(said)
    }

    /// Who is production afterwards: by the apex, as the plan says where it does not show it.
    pub(crate) fn production_after(&self) -> Option<&str> {
        let said = self.to.as_ref().map(|roles| roles.production.as_str());
        let said = said.filter(|_| self.holder.stray_to.is_none());
        self.holder.to.as_deref().or(said)
    }

    /// The roles in the plan, by its hostnames where it hides the words.
    pub(super) fn roles_after(&self) -> Option<Roles> {
        let to = self.to.as_ref()?;
        let production = self.holder.to.as_ref().unwrap_or(&to.production).clone();
        let standby = self.names.iter().filter(|name| name.role == HOT_STANDBY);
        let mut seen = standby.filter_map(|name| name.to.infrastructure.as_ref());
        let hot_standby = if is_hidden(&to.hot_standby) || to.hot_standby.is_empty() {
            seen.find(|side| **side != production)
                .unwrap_or(&to.hot_standby)
        } else {
            &to.hot_standby
        };
        Some(Roles {
            hot_standby: hot_standby.clone(),
            production,
        })
    }

    /// Whether the apex led to another side than Terraform's state says, before this plan; where
    /// only the state takes up what is there, whether it does now.
    pub(crate) fn traded_outside(&self) -> bool {
        let said = self.from.as_ref().map(|roles| &roles.production);
        let holder = match self.kind {
            Kind::Refresh => &self.holder.to,
            _ => &self.holder.from,
        };
        match (said, holder) {
            (Some(said), Some(holder)) => {
                !is_hidden(said) && self.renamed.get(said).unwrap_or(said) != holder
            }
            _ => false,
        }
    }
}
