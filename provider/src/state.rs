//! Between the engine's view of an environment and the attributes that show it.

use gigadb_engine::{
    intent::Arrangement,
    name::{InfrastructureName, VariableKey},
    object::Object,
    observation::Observation,
    rules::unchanged_since_plan::Moved,
    topology::Environment,
    view::View,
};
use tfplug::Value;

/// The attributes `status`, `hostnames` and `variables` of a view.
pub(crate) fn attributes(view: &View) -> [(&'static str, Value); 3] {
    let hostnames = view.hostnames.iter().map(|(hostname, name)| {
        let text = |text: Option<String>| Value::from(text);
        let object = Value::object([
            ("role", name.role.as_str().into()),
            ("endpoint", name.endpoint.as_str().into()),
            (
                "infrastructure",
                text(name.infrastructure.as_ref().map(ToString::to_string)),
            ),
            ("address", text(name.address.map(|a| a.to_string()))),
            ("zone", text(name.zone.as_ref().map(ToString::to_string))),
        ]);
        (hostname.to_string(), object)
    });
    let variables = view
        .variables
        .iter()
        .map(|((side, key), value)| (variable_id(side, key), Value::from(value.clone())));
    [
        ("status", view.status.as_str().into()),
        ("hostnames", Value::map(hostnames)),
        ("variables", Value::map(variables)),
    ]
}

/// Sets the attributes of a view in a state.
pub(crate) fn show(state: &mut Value, view: &View) {
    for (name, value) in attributes(view) {
        state.insert(name, value);
    }
}

/// Sets the line that says who has which role.
pub(crate) fn arrange(state: &mut Value, roles: &Arrangement) {
    let Arrangement {
        production,
        hot_standby,
    } = roles;
    state.insert(
        "arrangement",
        format!("production {production}, hot standby {hot_standby}").as_str(),
    );
}

/// Whether a state shows exactly this view.
pub(crate) fn shows(state: &Value, view: &View) -> bool {
    attributes(view)
        .iter()
        .all(|(name, value)| state.get(name) == value)
}

/// The roles that a state holds, where they are names at all.
pub(crate) fn arrangement(state: &Value) -> Option<Arrangement> {
    let side = |name: &str| state.get(name).as_str()?.parse::<InfrastructureName>().ok();
    Some(Arrangement {
        production: side("production")?,
        hot_standby: side("hot_standby")?,
    })
}

/// The environment as observed, for the two sides of a state; what neither was read now nor is
/// known from before keeps the value that the state has.
pub(crate) fn observed(
    environment: &Environment,
    sides: &Arrangement,
    observation: &Observation,
    state: &Value,
) -> View {
    let pair = [&sides.production, &sides.hot_standby];
    let mut view = View::observed(environment, pair, observation);
    let side_unknown = observation
        .sides
        .values()
        .any(|side| side.known().is_none());
    for (hostname, name) in &mut view.hostnames {
        let before = state.get("hostnames").get(hostname.as_str());
        let address = name.address.map(|a| a.to_string());
        if side_unknown
            && name.infrastructure.is_none()
            && address.is_some()
            && before.get("address").as_str() == address.as_deref()
        {
            name.infrastructure = before
                .get("infrastructure")
                .as_str()
                .and_then(|side| side.parse().ok());
        }
    }
    for ((side, key), value) in &mut view.variables {
        let unknown = observation
            .variables
            .get(side)
            .is_none_or(|rows| rows.known().is_none());
        if unknown && value.is_none() {
            let before = state.get("variables").get(&variable_id(side, key)).as_str();
            *value = before.map(str::to_owned);
        }
    }
    view.status = view.judge(environment, pair, observation);
    view
}

/// Every visible value of a state that is neither present any more nor what was planned: with
/// private data, what apply compares before it writes.
pub(crate) fn moved(
    state: &Value,
    planned: &View,
    present: &View,
    read: &Observation,
) -> Vec<Moved> {
    let names = present.hostnames.iter().filter_map(|(hostname, name)| {
        let before = state.get("hostnames").get(hostname.as_str());
        let now = name.address.map(|a| a.to_string());
        let planned = planned
            .hostnames
            .get(hostname)?
            .address
            .map(|a| a.to_string());
        let reviewed = before.get("address").as_str();
        (!before.is_null() && reviewed != now.as_deref() && planned != now)
            .then(|| change(Object::Name(hostname.clone()), reviewed, now.as_deref()))
    });
    let variables = present.variables.iter().filter_map(|((side, key), now)| {
        let was_read = read
            .variables
            .get(side)
            .is_some_and(|rows| rows.read().is_some());
        let id = variable_id(side, key);
        let known = state.get("variables").as_entries()?.contains_key(&id);
        let reviewed = state.get("variables").get(&id).as_str();
        let planned = planned.variables.get(&(side.clone(), key.clone()))?;
        (was_read && known && reviewed != now.as_deref() && planned != now).then(|| {
            change(
                Object::Variable(side.clone(), key.clone()),
                reviewed,
                now.as_deref(),
            )
        })
    });
    names.chain(variables).collect()
}

fn change(object: Object, from: Option<&str>, now: Option<&str>) -> Moved {
    let text =
        |value: Option<&str>| value.map_or_else(|| "nothing".to_owned(), |v| format!("`{v}`"));
    Moved {
        object,
        planned_from: text(from),
        present: text(now),
    }
}

fn variable_id(side: &InfrastructureName, key: &VariableKey) -> String {
    format!("{side}/{key}")
}
