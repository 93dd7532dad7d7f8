//! The section `environments`: what each role is called.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Environment, Place, RoleTable,
    known::Known,
    reader::{Entry, Fields, Reader, join},
    yaml::Kind,
};
use crate::{
    name::{EndpointName, EnvironmentName, Hostname, Role, VariableKey},
    nearest::nearest,
};

/// Every hostname so far, by who published it first.
type Published<'e> = BTreeMap<Hostname, (&'e EnvironmentName, Role, Place)>;

/// A role's table as far as it could be read; each half is `None` where nothing could.
#[derive(Debug, Default)]
struct Draft {
    hostnames: Option<BTreeMap<Hostname, EndpointName>>,
    /// Where each variable is, and its value where that is usable.
    variables: Option<BTreeMap<VariableKey, (Place, Option<String>)>>,
}

/// Reads all environments; those with faults may be left out.
pub(super) fn environments(
    reader: &mut Reader,
    entries: &[Entry<EnvironmentName>],
    known: &Known,
) -> BTreeMap<EnvironmentName, Environment> {
    let mut published = Published::new();
    entries
        .iter()
        .filter_map(|entry| {
            let environment = environment(reader, entry, known, &mut published)?;
            Some((entry.name.clone(), environment))
        })
        .collect()
}

fn environment<'e>(
    reader: &mut Reader,
    entry: &'e Entry<EnvironmentName>,
    known: &Known,
    published: &mut Published<'e>,
) -> Option<Environment> {
    let path = join("environments", entry.name.as_str());
    let keys = ["data_sync", "production", "hot_standby"];
    let fields = reader.fields(entry.place, entry.value, &path, &keys)?;
    let data_sync = match fields.get("data_sync") {
        None => Some(false),
        Some(node) => reader.boolean(node, &fields.path("data_sync")),
    };
    let [production, hot_standby] = Role::ALL.map(|role| {
        let key = role.as_str();
        let example = format!("{key}: {{ hostnames: …, variables: … }}");
        let node = fields.required(reader, key, &example)?;
        let place = fields.place_of(key);
        let table = reader.fields(place, node, &fields.path(key), &["hostnames", "variables"])?;
        let hostnames = hostnames(
            reader,
            &table,
            known,
            role,
            &mut |reader, place, hostname| {
                publish(reader, published, place, hostname, (&entry.name, role))
            },
        );
        Some(Draft {
            hostnames,
            variables: variables(reader, &table),
        })
    });
    let (production, hot_standby) = (production?, hot_standby?);
    if let (Some(here), Some(there)) = (&production.variables, &hot_standby.variables) {
        keys_are_equal(reader, &path, Role::Production, here, there);
        keys_are_equal(reader, &path, Role::HotStandby, there, here);
    }
    Some(Environment {
        data_sync: data_sync?,
        production: production.finish()?,
        hot_standby: hot_standby.finish()?,
    })
}

impl Draft {
    fn finish(self) -> Option<RoleTable> {
        let variables = self
            .variables?
            .into_iter()
            .map(|(key, (_, value))| Some((key, value?)))
            .collect::<Option<_>>()?;
        Some(RoleTable {
            hostnames: self.hostnames?,
            variables,
        })
    }
}

fn hostnames(
    reader: &mut Reader,
    fields: &Fields,
    known: &Known,
    role: Role,
    publish: &mut dyn FnMut(&mut Reader, Place, &Hostname) -> bool,
) -> Option<BTreeMap<Hostname, EndpointName>> {
    let path = fields.path("hostnames");
    // The hot standby may do without public names; production is recognised by its own.
    let node = match (fields.get("hostnames"), role) {
        (Some(node), _) => node,
        (None, Role::HotStandby) if !fields.is_meant("hostnames") => return Some(BTreeMap::new()),
        (None, _) => fields.required(reader, "hostnames", "hostnames: { gigadb.org: web }")?,
    };
    let expected = "the endpoint of each hostname, as in `{ gigadb.org: web }`";
    let is_empty = matches!(&node.kind, Kind::Mapping(entries) if entries.is_empty());
    if role == Role::Production && is_empty {
        reader.fault(
            node.place,
            format!("`{path}` is empty, so nothing tells who is production. Write {expected}."),
        );
        return None;
    }
    let mut hostnames = BTreeMap::new();
    for Entry { name, place, value } in reader.named::<Hostname>(node, &path, expected)? {
        if is_address(&name) {
            reader.fault(
                place,
                format!("`{name}` is an address. Write a hostname, such as `gigadb.org`."),
            );
            continue;
        }
        let is_new = publish(reader, place, &name);
        let path = join(&path, name.as_str());
        let endpoint = reader
            .text(value, &path)
            .and_then(|text| known.endpoint(reader, value.place, text));
        if let (true, Some(endpoint)) = (is_new, endpoint) {
            hostnames.insert(name, endpoint);
        }
    }
    Some(hostnames)
}

/// No top-level domain is a number, so this is an IPv4 address or a slip.
fn is_address(hostname: &Hostname) -> bool {
    hostname
        .as_str()
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

/// Tells whether `hostname` is published for the first time; reports it otherwise.
fn publish<'e>(
    reader: &mut Reader,
    published: &mut Published<'e>,
    place: Place,
    hostname: &Hostname,
    (environment, role): (&'e EnvironmentName, Role),
) -> bool {
    let Some((first_environment, first_role, first)) = published.get(hostname) else {
        published.insert(hostname.clone(), (environment, role, place));
        return true;
    };
    let message = if *first_environment == environment {
        format!(
            "`{hostname}` is a hostname of both roles of `{environment}`, first at {first}, and \
             would have to lead to both sides. Keep it under {} or under {}.",
            the(*first_role),
            the(role)
        )
    } else {
        format!(
            "`{hostname}` is a hostname of `{first_environment}` too ({first}). \
             Keep it in one environment."
        )
    };
    reader.fault(place, message);
    false
}

fn variables(
    reader: &mut Reader,
    fields: &Fields,
) -> Option<BTreeMap<VariableKey, (Place, Option<String>)>> {
    let Some(node) = fields.get("variables") else {
        return Some(BTreeMap::new());
    };
    let path = fields.path("variables");
    let expected = "the value of each variable, as in `{ HOME_URL: https://gigadb.org }`";
    let entries = reader.named::<VariableKey>(node, &path, expected)?;
    let variables = entries
        .into_iter()
        .map(|Entry { name, place, value }| {
            let value = reader.line(value, &join(&path, name.as_str()));
            (name, (place, value.map(str::to_owned)))
        })
        .collect();
    Some(variables)
}

/// A role with its article.
fn the(role: Role) -> &'static str {
    match role {
        Role::Production => "production",
        Role::HotStandby => "the hot standby",
    }
}

/// Names every variable of `role` that the other role lacks.
fn keys_are_equal<V>(
    reader: &mut Reader,
    path: &str,
    role: Role,
    here: &BTreeMap<VariableKey, (Place, V)>,
    there: &BTreeMap<VariableKey, (Place, V)>,
) {
    let only_there: BTreeSet<&str> = there
        .keys()
        .filter(|key| !here.contains_key(*key))
        .map(VariableKey::as_str)
        .collect();
    for (key, (place, _)) in here.iter().filter(|(key, _)| !there.contains_key(*key)) {
        let other = role.other();
        let advice = match nearest(key.as_str(), only_there.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`, which only {} has?", the(other)),
            None => format!(
                "Add it to `{path}.{}.variables`, with the same value if it is the same for both.",
                other.as_str()
            ),
        };
        reader.fault(
            *place,
            format!(
                "`{key}` is a variable of {} and not of {}. {advice}",
                the(role),
                the(other)
            ),
        );
    }
}
