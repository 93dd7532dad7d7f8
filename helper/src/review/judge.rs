//! What a change of a role assignment is called.
//!
//! The apex decides: a trade of roles is one in which production's apex moves from one side to the
//! other, whatever else moves and whatever Terraform's state says.

use super::{
    change::{Change, Kind},
    source::Resource,
};

/// Names a change by what happens to the apex, then by what Terraform is told.
pub(super) fn judge(change: &Change, resource: &Resource) -> Kind {
    let acts = |action: &str| resource.actions.iter().any(|one| one == action);
    if resource.drifted {
        return Kind::Refresh;
    } else if acts("create") && (acts("delete") || acts("forget")) {
        return Kind::Replace;
    } else if acts("delete") || acts("forget") {
        return Kind::Forget;
    } else if acts("create") {
        return Kind::Adopt;
    } else if !acts("update") {
        return match (change.imported, change.traded_outside()) {
            (true, _) => Kind::Adopt,
            (false, true) => Kind::Keep,
            (false, false) => Kind::None,
        };
    }
    let apex_moves = match (&change.holder.from, &change.holder.to) {
        (Some(from), Some(to)) => Some(from != to),
        _ => None,
    };
    match (names_another(change, Side::Production), apex_moves) {
        (_, Some(true)) | (true, None) if change.mode == "failover" => Kind::Failover,
        (true, Some(true)) => Kind::Swap,
        (false, Some(true)) => Kind::TradeBack,
        (true, Some(false)) => Kind::TakeNote,
        (true, None) if !change.opaque && !change.differs() => Kind::TakeNote,
        (true, None) => Kind::Swap,
        (false, _) => production_stays(change),
    }
}

fn production_stays(change: &Change) -> Kind {
    let sets = |setting: &str| change.settings.iter().any(|one| one.name == setting);
    if names_another(change, Side::HotStandby) {
        Kind::HotStandby
    } else if change.differs() && change.prepare.is_some() && sets("prepare") {
        Kind::Prepare
    } else if change.differs() {
        Kind::Align
    } else if change.renamed.is_empty() {
        Kind::Settings
    } else {
        Kind::Rename
    }
}

#[derive(Clone, Copy)]
enum Side {
    Production,
    HotStandby,
}

/// Whether the plan names another side for a role than the state, and not only by another name.
fn names_another(change: &Change, side: Side) -> bool {
    let (Some(from), Some(to)) = (&change.from, &change.to) else {
        return false;
    };
    let (from, to) = match side {
        Side::Production => (&from.production, &to.production),
        Side::HotStandby => (&from.hot_standby, &to.hot_standby),
    };
    change.renamed.get(from).unwrap_or(from) != to
}
