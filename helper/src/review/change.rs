//! What a plan does to the roles of one environment.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::source::Resource;

/// The type of the resource that assigns roles.
pub(crate) const RESOURCE: &str = "gigadb_role_assignment";
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
    /// Production's records move although `production` stays: roles were traded elsewhere.
    TradeBack,
    /// Another side is named as production, and is it already.
    TakeNote,
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
    /// Nothing.
    None,
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
    pub(crate) from: Option<Roles>,
    pub(crate) to: Option<Roles>,
    pub(crate) mode: String,
    pub(crate) prepare: Option<String>,
    pub(crate) overrides: BTreeSet<String>,
    pub(crate) reason: Option<String>,
    pub(crate) settings: Vec<Setting>,
    /// Every managed hostname, whether it moves or not.
    pub(crate) names: Vec<Hostname>,
    pub(crate) variables: Vec<Variable>,
}

impl Change {
    /// The change that an entry of the plan means; `None` for another type of resource.
    pub(crate) fn of(resource: &Resource) -> Option<Self> {
        if resource.data || resource.kind != RESOURCE {
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
        let mut change = Self {
            address: resource.address.clone(),
            environment,
            replaces,
            kind: Kind::None,
            imported: resource.imported,
            from: roles(before),
            to: roles(after),
            mode: text(present, "mode").unwrap_or_default(),
            prepare: text(after, "prepare"),
            overrides: texts(after, "overrides"),
            reason: text(after, "reason"),
            settings: Vec::new(),
            names: Vec::new(),
            variables: Vec::new(),
        };
        if !after.is_null() {
            change.names = names(before, after);
            if !before.is_null() {
                change.variables = variables(before, after);
                change.settings = settings(before, after);
            }
        }
        change.kind = change.judge(resource);
        Some(change)
    }

    fn judge(&self, resource: &Resource) -> Kind {
        let acts = |action: &str| resource.actions.iter().any(|one| one == action);
        if acts("create") && (acts("delete") || acts("forget")) {
            return Kind::Replace;
        } else if acts("delete") || acts("forget") {
            return Kind::Forget;
        } else if acts("create") {
            return Kind::Adopt;
        } else if !acts("update") {
            return if self.imported {
                Kind::Adopt
            } else {
                Kind::None
            };
        }
        let other_side = self.from.as_ref().map(|roles| &roles.production)
            != self.to.as_ref().map(|roles| &roles.production);
        let promoted = self.moved().any(|name| {
            name.role == "production"
                && name.from.infrastructure.is_some()
                && name.from.infrastructure != name.to.infrastructure
        });
        let writes = self.writes();
        match (other_side, promoted) {
            (true, _) if !writes => Kind::TakeNote,
            (true, _) | (false, true) if self.mode == "failover" => Kind::Failover,
            (true, _) => Kind::Swap,
            (false, true) => Kind::TradeBack,
            (false, false) if writes && self.prepare.is_some() => Kind::Prepare,
            (false, false) if writes => Kind::Align,
            (false, false) => Kind::Settings,
        }
    }

    /// Hostnames whose record is written.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &Hostname> {
        let known = self.from.is_some();
        self.names
            .iter()
            .filter(move |name| known && name.from.address != name.to.address)
    }

    /// Whether carrying it out writes a record or a variable, as far as the plan tells.
    pub(crate) fn writes(&self) -> bool {
        self.moved().next().is_some() || !self.variables.is_empty()
    }

    /// The side that production's apex leads to before, as the plan shows it.
    pub(crate) fn holder_before(&self) -> Option<&str> {
        let production = self.names.iter().filter(|name| name.role == "production");
        let apex = production.min_by_key(|name| {
            let labels = |text: &str| text.split('.').count();
            let below = labels(&name.hostname).saturating_sub(labels(&name.zone));
            (below, name.hostname.len(), &name.hostname)
        })?;
        apex.from.infrastructure.as_deref()
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
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

fn variables(before: &Value, after: &Value) -> Vec<Variable> {
    let all: BTreeMap<&String, (Option<String>, Option<String>)> = keys(before, after, "variables")
        .into_iter()
        .map(|id| {
            let value = |of: &Value| of.get("variables").and_then(|all| text(all, id));
            (id, (value(before), value(after)))
        })
        .collect();
    let still_there = |id: &String| {
        after
            .get("variables")
            .is_some_and(|all| all.get(id).is_some())
    };
    all.into_iter()
        .filter(|(id, (from, to))| from != to && still_there(id))
        .map(|(id, (from, to))| {
            let (side, key) = id.split_once('/').unwrap_or(("", id));
            Variable {
                infrastructure: side.to_owned(),
                variable: key.to_owned(),
                from,
                to,
            }
        })
        .collect()
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
