//! When a variable takes effect: `variables: { KEY: { takes_effect: playbook } }`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Environment, Topology,
    reader::{Entry, Reader, join},
    yaml::Node,
};
use crate::{
    name::{EnvironmentName, VariableKey},
    nearest::nearest,
};

const CHOICES: [&str; 2] = ["build", "playbook"];

/// When a variable's new value takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TakesEffect {
    /// When images are built and deployed.
    #[default]
    Build,
    /// When the playbook that reads it runs.
    Playbook,
}

impl TakesEffect {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => CHOICES[0],
            Self::Playbook => CHOICES[1],
        }
    }
}

impl Topology {
    /// The variables of an environment that take effect when a playbook runs, and that are not
    /// the same in both roles.
    pub fn read_by_playbooks(&self, environment: &EnvironmentName) -> BTreeSet<&VariableKey> {
        let Some(environment) = self.environments.get(environment) else {
            return BTreeSet::new();
        };
        let differs = |key: &VariableKey| {
            environment.production.variables.get(key) != environment.hot_standby.variables.get(key)
        };
        self.takes_effect
            .iter()
            .filter(|(key, when)| **when == TakesEffect::Playbook && differs(key))
            .map(|(key, _)| key)
            .collect()
    }
}

/// Reads `variables`: what there is to say of keys that environments use.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    environments: Option<&BTreeMap<EnvironmentName, Environment>>,
) -> Option<BTreeMap<VariableKey, TakesEffect>> {
    let path = "variables";
    let expected = "what is known of each variable, as in `{ KEY: { takes_effect: playbook } }`";
    let entries = reader.named::<VariableKey>(node, path, expected)?;
    let used: Option<BTreeSet<&str>> = environments.map(|all| {
        all.values()
            .flat_map(Environment::variable_keys)
            .map(VariableKey::as_str)
            .collect()
    });
    let count = entries.len();
    let mut effects = BTreeMap::new();
    for Entry { name, place, value } in entries {
        let path = join(path, name.as_str());
        let fields = reader.fields(place, value, &path, &["takes_effect"]);
        let when = fields.and_then(|fields| {
            let node = fields.required(reader, "takes_effect", "takes_effect: playbook")?;
            reader.choice(node, &fields.path("takes_effect"), &CHOICES)
        });
        if let Some(used) = &used
            && !used.contains(name.as_str())
        {
            let advice = match nearest(name.as_str(), used.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Remove it, or add it to `variables` of both roles.".to_owned(),
            };
            reader.fault(
                place,
                format!("`{name}` is a variable of no environment. {advice}"),
            );
            continue;
        }
        match when {
            Some("playbook") => effects.insert(name, TakesEffect::Playbook),
            Some(_) => effects.insert(name, TakesEffect::Build),
            None => continue,
        };
    }
    (effects.len() == count).then_some(effects)
}
