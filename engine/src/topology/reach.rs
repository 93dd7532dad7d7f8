//! How Ansible gets to the machines of an endpoint: `reach: public`, or `reach: { via: bastion }`.

use std::collections::BTreeMap;

use super::{
    Endpoint, Place, Topology,
    reader::{Entry, Reader},
    yaml::{Kind, Node},
};
use crate::{name::EndpointName, nearest::nearest};

/// The endpoint through which all others are reached where the file says nothing.
const USUAL_WAY: &str = "bastion";

/// How the machines of an endpoint are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// By their public address, directly.
    Public,
    /// By their private address, through this endpoint of the same side.
    Via(EndpointName),
}

impl Topology {
    /// How the machines of `endpoint` are reached: as the file says, else publicly where it is
    /// named `bastion` or no endpoint is, else through the bastion.
    pub fn reach(&self, endpoint: &EndpointName) -> Reach {
        reach(&self.endpoints, endpoint)
    }
}

fn reach(endpoints: &BTreeMap<EndpointName, Endpoint>, endpoint: &EndpointName) -> Reach {
    if let Some(reach) = endpoints.get(endpoint).and_then(|e| e.reach.as_ref()) {
        return reach.clone();
    }
    match endpoints.get_key_value(USUAL_WAY) {
        Some((bastion, _)) if bastion != endpoint => Reach::Via(bastion.clone()),
        _ => Reach::Public,
    }
}

/// Reads `reach` of the endpoint `name`.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    name: &EndpointName,
    entries: &[Entry<EndpointName>],
) -> Option<Reach> {
    if !matches!(node.kind, Kind::Mapping(_)) {
        let words = ["public", "{ via: bastion }"];
        reader.choice(node, path, &words)?;
        return Some(Reach::Public);
    }
    let fields = reader.fields(node.place, node, path, &["via"])?;
    let via = fields.required(reader, "via", "via: bastion")?;
    let text = reader.text(via, &fields.path("via"))?;
    if text == name.as_str() {
        let fault = format!("`{path}.via` is `{text}` itself. Write `reach: public`.");
        reader.fault(via.place, fault);
        return None;
    }
    let names = entries.iter().map(|entry| entry.name.as_str());
    if let Some(found) = entries.iter().find(|entry| entry.name.as_str() == text) {
        return Some(Reach::Via(found.name.clone()));
    }
    let advice = nearest(text, names).map_or_else(
        || "Write the name of an endpoint.".to_owned(),
        |near| format!("Did you mean `{near}`?"),
    );
    let text = text.escape_debug();
    reader.fault(via.place, format!("`{text}` is no endpoint. {advice}"));
    None
}

/// Names every endpoint that is reached through one which is not reached publicly itself.
pub(super) fn check(
    reader: &mut Reader,
    endpoints: &BTreeMap<EndpointName, Endpoint>,
    places: &BTreeMap<EndpointName, Place>,
) {
    for (name, place) in places {
        let Reach::Via(via) = reach(endpoints, name) else {
            continue;
        };
        if let (true, Reach::Via(other)) = (endpoints.contains_key(&via), reach(endpoints, &via)) {
            reader.fault(
                *place,
                format!(
                    "`endpoints.{name}.reach` is by way of `{via}`, which is itself reached by \
                     way of `{other}`. Name an endpoint whose `reach` is `public`."
                ),
            );
        }
    }
}
