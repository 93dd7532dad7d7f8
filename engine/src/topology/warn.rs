//! What is suspicious in a valid topology.

use std::collections::BTreeSet;

use super::{Topology, Warning, yaml::Node};
use crate::name::EndpointName;

/// Everything suspicious, in the order of the file.
pub(super) fn warnings(topology: &Topology, root: &Node) -> Vec<Warning> {
    let mut warnings = Warnings {
        root,
        found: Vec::new(),
    };
    warnings.unused_endpoints(topology);
    warnings.found.sort_by_key(|warning| warning.place);
    warnings.found
}

struct Warnings<'n> {
    root: &'n Node,
    found: Vec<Warning>,
}

impl Warnings<'_> {
    /// Warns at the key that `path` leads to.
    fn at_key(&mut self, path: &[&str], message: String) {
        if let Some((key, _)) = self.root.at(path) {
            let place = key.place;
            self.found.push(Warning { place, message });
        }
    }

    fn unused_endpoints(&mut self, topology: &Topology) {
        let used: BTreeSet<&EndpointName> = topology
            .environments
            .values()
            .flat_map(|environment| environment.hostnames().into_values())
            .map(|(_, endpoint)| endpoint)
            .collect();
        for endpoint in topology.endpoints.keys().filter(|e| !used.contains(e)) {
            self.at_key(
                &["endpoints", endpoint.as_str()],
                format!(
                    "No hostname leads to the endpoint `{endpoint}`. \
                     Add one to `environments`, or remove the endpoint."
                ),
            );
        }
    }
}
