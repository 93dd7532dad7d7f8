//! Which side holds production's apex in a plan, and which sides only have another name.

use std::collections::BTreeMap;

use gigadb_engine::{
    name::{Hostname as Name, ZoneName},
    topology::apex,
};
use serde_json::Value;

use super::{
    change::{HOT_STANDBY, Holder, Hostname, PRODUCTION, Place, Roles, Stray},
    regions::Sides,
    source::is_hidden,
};

impl Holder {
    /// The holders among all names of a plan; `adopted` where it tells nothing of before.
    pub(super) fn of(names: &[Hostname], adopted: bool) -> Self {
        let production = names.iter().filter(|name| name.role == PRODUCTION);
        let parsed: Vec<(Name, ZoneName, &Hostname)> = production
            .filter_map(|name| Some((name.hostname.parse().ok()?, name.zone.parse().ok()?, name)))
            .collect();
        let apex = apex(parsed.iter().map(|(name, zone, _)| (name, zone)));
        let held = parsed.iter().find(|(name, ..)| Some(name) == apex);
        let side = |place: &Place| {
            let side = place.infrastructure.clone();
            side.filter(|side| !is_hidden(side))
        };
        let stray = |name: &Hostname, place: &Place| {
            let shown = !place.address.as_deref().is_some_and(is_hidden);
            (shown && place.infrastructure.is_none()).then(|| Stray {
                apex: name.hostname.clone(),
                address: place.address.clone(),
            })
        };
        held.map_or_else(Self::default, |(.., name)| Self {
            from: side(&name.from).filter(|_| !adopted),
            to: side(&name.to),
            stray_from: stray(name, &name.from).filter(|_| !adopted),
            stray_to: stray(name, &name.to),
        })
    }
}

/// Tells whose the addresses before are by the names that the sides have afterwards: the state may
/// know them under former names, or not at all.
pub(super) fn name_owners(names: &mut [Hostname], present: &Value) {
    let mut owners: BTreeMap<String, Option<String>> = BTreeMap::new();
    for name in names.iter() {
        if let (Some(address), Some(side)) = (&name.to.address, &name.to.infrastructure) {
            let owner = owners
                .entry(address.clone())
                .or_insert_with(|| Some(side.clone()));
            // Nobody's, where a plan contradicts itself.
            if owner.as_ref() != Some(side) {
                *owner = None;
            }
        }
    }
    let said = |role: &str| present.get(role).and_then(Value::as_str);
    let sides = [said(PRODUCTION), said(HOT_STANDBY)];
    for name in names {
        let is_a_side = |side: &String| sides.contains(&Some(side));
        if name.from.infrastructure.as_ref().is_some_and(is_a_side) {
            continue;
        }
        let address = name.from.address.as_ref();
        if let Some(Some(owner)) = address.and_then(|address| owners.get(address)) {
            name.from.infrastructure = Some(owner.clone());
        }
    }
}

/// Sides that only have another name afterwards: the apex, or a name of the standby, leads where it
/// led before, the former name is gone and the new one is new. `states` are the state before, and
/// the one before the refresh: an address that was the former side's there is the same side's.
pub(super) fn renamed(
    from: &Roles,
    to: &Roles,
    names: &[Hostname],
    holder: &Holder,
    sides: &Sides,
    states: [&Value; 2],
) -> BTreeMap<String, String> {
    let pairs = [
        (PRODUCTION, &from.production, &to.production),
        (HOT_STANDBY, &from.hot_standby, &to.hot_standby),
    ];
    let before = [&from.production, &from.hot_standby];
    let after = [&to.production, &to.hot_standby];
    let was_of = |former: &String, name: &Hostname| {
        states.into_iter().any(|state| {
            let place = state
                .get("hostnames")
                .and_then(|all| all.get(&name.hostname));
            let said = |key: &str| {
                place
                    .and_then(|place| place.get(key))
                    .and_then(Value::as_str)
            };
            said("infrastructure") == Some(former) && said("address") == name.to.address.as_deref()
        })
    };
    // The topology knows, else the plan itself tells.
    let is_gone = |role: &str, former: &String| {
        if sides.is_empty() {
            let mut names = names.iter().filter(|name| name.role == role);
            names.any(|name| name.to.address.is_some() && was_of(former, name))
        } else {
            !sides.knows(former)
        }
    };
    let only_renamed = |role: &str, former: &String, now: &String| {
        let stays = if role == PRODUCTION {
            holder.from.as_ref() == Some(now) && holder.to.as_ref() == Some(now)
        } else {
            names.iter().any(|name| {
                name.role == role
                    && name.from.address.is_some()
                    && name.from.address == name.to.address
                    && name.to.infrastructure.as_ref() == Some(now)
            })
        };
        !is_hidden(former)
            && !is_hidden(now)
            && !former.is_empty()
            && !before.contains(&now)
            && !after.contains(&former)
            && is_gone(role, former)
            && stays
    };
    pairs
        .into_iter()
        .filter(|(role, former, now)| only_renamed(role, former, now))
        .map(|(_, former, now)| (former.clone(), now.clone()))
        .collect()
}
