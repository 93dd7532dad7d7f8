//! What sections of a topology refer to: counted as known as soon as it has a name.

use std::collections::BTreeMap;

use super::{NameTemplate, Place, reader::Reader, template};
use crate::{
    name::{EndpointName, EnvironmentName},
    nearest::nearest,
};

/// An endpoint as far as it could be read, for what refers to it.
#[derive(Debug)]
pub(super) struct KnownEndpoint {
    pub(super) eip: Option<Placed<NameTemplate>>,
    pub(super) instance: Option<Placed<NameTemplate>>,
}

/// What sections refer to.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) endpoints: BTreeMap<EndpointName, KnownEndpoint>,
    /// Whether those are all: then nothing else may be referred to.
    pub(super) all_endpoints: bool,
    pub(super) environments: Vec<EnvironmentName>,
}

/// A value and where it is.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

impl Known {
    /// Whether an endpoint's own Elastic IP name differs by owner.
    pub(super) fn eips_need_owner(&self) -> bool {
        self.endpoints
            .values()
            .filter_map(|endpoint| endpoint.eip.as_ref())
            .any(|eip| template::needs_owner(&eip.value))
    }

    /// Reads the name of an endpoint that must exist.
    pub(super) fn endpoint(
        &self,
        reader: &mut Reader,
        place: Place,
        text: &str,
    ) -> Option<EndpointName> {
        if let Some((name, _)) = self.endpoints.get_key_value(text) {
            return Some(name.clone());
        }
        if !self.all_endpoints {
            return None;
        }
        let names = self.endpoints.keys().map(EndpointName::as_str);
        let advice = match nearest(text, names.clone()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => {
                let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
                format!(
                    "Add it to `endpoints`, or write one of those: {}.",
                    names.join(", ")
                )
            }
        };
        let text = text.escape_debug();
        reader.fault(place, format!("`{text}` is no endpoint. {advice}"));
        None
    }
}

/// Turns "absent, faulty or good" inside out: `None` is faulty.
#[expect(clippy::option_option, reason = "absent and faulty are two things")]
pub(super) fn flat<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}
