//! What a plan does to the roles of one environment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{
    holder::{self, Holder},
    judge::judge,
    regions::Sides,
    source::{Resource, is_hidden},
};

/// The type of the resource that assigns roles.
pub(crate) const RESOURCE: &str = "gigadb_role_assignment";
/// The role of production, as in attributes.
pub(super) const PRODUCTION: &str = "production";
/// The role of the hot standby, as in attributes.
pub(super) const HOT_STANDBY: &str = "hot_standby";
/// Attributes whose change is named, beside roles, records and variables.
const SETTINGS: [&str; 6] = [
    "mode",
    "prepare",
    "on_failure",
    "on_external_swap",
    "overrides",
    "https_check",
];

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
    pub(crate) settings: Vec<Setting>,
    /// Every managed hostname, whether it moves or not.
    pub(crate) names: Vec<Hostname>,
    pub(crate) variables: Vec<Variable>,
    /// Whether the plan hides records or variables, so that it does not tell what is written.
    pub(crate) opaque: bool,
}

impl Change {
    /// The change that an entry of the plan means; `None` for another type of resource. `sides` is
    /// what the topology knows.
    pub(crate) fn of(resource: &Resource, sides: &Sides) -> Option<Self> {
        if !resource.is_ours(RESOURCE) {
            return None;
        }
        let (before, after) = (&resource.before, &resource.after);
        let present = if after.is_null() { before } else { after };
        let environment = text(present, "environment").unwrap_or_default();
        let former = text(before, "environment");
        let replaces = former.filter(|former| !after.is_null() && *former != environment);
        // What another environment was like says nothing about this one.
        let before = if replaces.is_some() {
            &Value::Null
        } else {
            before
        };
        let mut names = names(before, present);
        holder::name_owners(&mut names, present);
        let (from, to) = (roles(before), roles(after));
        let opaque = !after.is_null() && is_opaque(after);
        let mut holder = Holder::of(&names, before.is_null());
        if hides(after, "hostnames") {
            holder.to = None;
        }
        let renamed = match (&from, &to) {
            (Some(from), Some(to)) => holder::renamed(from, to, &names, &holder, sides),
            _ => BTreeMap::new(),
        };
        let mut change = Self {
            address: resource.address.clone(),
            environment,
            replaces,
            kind: Kind::None,
            imported: resource.imported,
            holder,
            mode: text(present, "mode").unwrap_or_default(),
            prepare: text(after, "prepare"),
            overrides: texts(after, "overrides"),
            reason: text(after, "reason"),
            settings: Vec::new(),
            names,
            variables: Vec::new(),
            opaque,
            from,
            to,
            after: None,
            renamed,
        };
        change.after = change.roles_after();
        if after.is_null() {
            change.names.clear();
        } else if !before.is_null() {
            change.variables = variables(before, after, &change.renamed);
            change.settings = settings(before, after);
        }
        change.kind = judge(&change, resource);
        Some(change)
    }

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

    /// Who is production before: by the apex, else as the state says.
    pub(crate) fn production_before(&self) -> Option<&str> {
        let said = self.from.as_ref().map(|roles| roles.production.as_str());
        self.holder.from.as_deref().or(said)
    }

    /// Who is production afterwards: by the apex, else as the plan says.
    pub(crate) fn production_after(&self) -> Option<&str> {
        let said = self.to.as_ref().map(|roles| roles.production.as_str());
        self.holder.to.as_deref().or(said)
    }

    fn roles_after(&self) -> Option<Roles> {
        let to = self.to.as_ref()?;
        let production = self.production_after()?.to_owned();
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

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Whether records or variables are hidden in an object.
fn is_opaque(after: &Value) -> bool {
    hides(after, "hostnames") || hides(after, "variables")
}

/// Whether an attribute is hidden, or the value of one of its entries.
fn hides(after: &Value, key: &str) -> bool {
    let hidden = |entry: &Value| {
        let address = entry.get("address").unwrap_or(entry);
        address.as_str().is_some_and(is_hidden)
    };
    match after.get(key) {
        Some(Value::Object(entries)) => entries.values().any(hidden),
        Some(entries) => hidden(entries),
        None => false,
    }
}

fn texts(value: &Value, key: &str) -> BTreeSet<String> {
    match value.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(masked)) => BTreeSet::from([masked.clone()]),
        _ => BTreeSet::new(),
    }
}

fn roles(value: &Value) -> Option<Roles> {
    Some(Roles {
        production: text(value, "production")?,
        hot_standby: text(value, "hot_standby").unwrap_or_default(),
    })
}

fn keys<'a>(before: &'a Value, after: &'a Value, key: &str) -> BTreeSet<&'a String> {
    let of = |value: &'a Value| {
        value
            .get(key)
            .and_then(Value::as_object)
            .map(|map| map.keys())
    };
    of(before)
        .into_iter()
        .flatten()
        .chain(of(after).into_iter().flatten())
        .collect()
}

fn names(before: &Value, after: &Value) -> Vec<Hostname> {
    let at = |value: &Value, hostname: &str| {
        value
            .get("hostnames")
            .and_then(|all| all.get(hostname))
            .cloned()
            .unwrap_or_default()
    };
    let place = |value: &Value| Place {
        address: text(value, "address"),
        infrastructure: text(value, "infrastructure"),
    };
    let name = |hostname: &String| {
        let (from, to) = (at(before, hostname), at(after, hostname));
        let said = |key: &str| {
            text(&to, key)
                .or_else(|| text(&from, key))
                .unwrap_or_default()
        };
        // A name that the topology no longer has is forgotten, not moved.
        let place_after = if to.is_null() {
            place(&from)
        } else {
            place(&to)
        };
        Hostname {
            hostname: hostname.clone(),
            role: said("role"),
            endpoint: said("endpoint"),
            zone: said("zone"),
            from: place(&from),
            to: place_after,
        }
    };
    let mut names: Vec<Hostname> = keys(before, after, "hostnames")
        .into_iter()
        .map(name)
        .collect();
    // Production's names first.
    names.sort_by(|a, b| (&b.role, &a.hostname).cmp(&(&a.role, &b.hostname)));
    names
}

/// Variables whose value changes. A side that has another name keeps its values.
fn variables(before: &Value, after: &Value, renamed: &BTreeMap<String, String>) -> Vec<Variable> {
    let all = |value: &Value| {
        let all = value.get("variables").and_then(Value::as_object).cloned();
        all.unwrap_or_default()
    };
    let (before, after) = (all(before), all(after));
    let known: BTreeSet<&str> = before.keys().map(|id| split(id).0).collect();
    let former = |side: &str| {
        let renamed = renamed.iter().find(|(_, now)| *now == side);
        renamed.map_or_else(|| side.to_owned(), |(former, _)| former.clone())
    };
    let change = |(id, to): (&String, &Value)| {
        let (side, key) = split(id);
        let former = former(side);
        let id = match key {
            "" => former.clone(),
            key => format!("{former}/{key}"),
        };
        let from = before.get(&id).and_then(Value::as_str).map(str::to_owned);
        Variable {
            infrastructure: side.to_owned(),
            variable: key.to_owned(),
            from,
            to: to.as_str().map(str::to_owned),
            from_known: known.contains(former.as_str()),
        }
    };
    let variables = after.iter().map(change);
    variables
        .filter(|one| one.from != one.to || !one.from_known)
        .collect()
}

/// The two halves of `infrastructure/KEY`.
fn split(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap_or((id, ""))
}

fn settings(before: &Value, after: &Value) -> Vec<Setting> {
    let shown = |value: Option<&Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    SETTINGS
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| Setting {
            name,
            from: shown(before.get(name)),
            to: shown(after.get(name)),
        })
        .collect()
}
