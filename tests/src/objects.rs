//! The objects of an environment, records and variables, as tables, worlds and states show them.

use std::{collections::BTreeMap, sync::LazyLock};

use gigadb_simulator::World;
use serde_json::Value;

use crate::procedure::{Side, records, variables};

/// The world before the swap.
static FIRST: LazyLock<World> = LazyLock::new(|| World::sop().normalized());

/// An object of an environment, as states name it: a hostname, or `infrastructure/KEY`.
pub type Objects = BTreeMap<String, String>;

/// What the objects of an environment hold in the procedure's table.
pub fn table(environment: &str, production: Side) -> Objects {
    let records = records(environment, production).into_iter();
    let variables = variables(environment, production).into_iter();
    records
        .chain(variables.map(|(side, key, value)| (format!("{}/{key}", side.name()), value)))
        .collect()
}

/// Everything that a name resolves to, with its type.
fn addresses(world: &World, name: &str) -> Vec<(String, String)> {
    let records = world.cloudflare.records(name).into_iter();
    records
        .filter(|record| ["A", "AAAA", "CNAME"].contains(&record.kind.as_str()))
        .map(|record| (record.kind.clone(), record.content.clone()))
        .collect()
}

/// What they hold in a world.
pub fn held(environment: &str, world: &World) -> Objects {
    let mut held = Objects::new();
    for (name, _) in records(environment, Side::Upstream) {
        let contents: Vec<_> = addresses(world, &name)
            .into_iter()
            .map(|(_, content)| content)
            .collect();
        held.insert(name, contents.join(" and "));
    }
    for (side, key, _) in variables(environment, Side::Upstream) {
        let project = world.gitlab.project(side.project()).unwrap();
        let value = project.variable(&key, environment).unwrap().value.clone();
        held.insert(format!("{}/{key}", side.name()), value);
    }
    held
}

/// `never-unresolvable`, and nothing beside the environments' own objects has changed.
pub fn sound(world: &World, environments: &[&str]) {
    let mut restored = world.normalized();
    for environment in environments {
        let (old, new) = (
            table(environment, Side::Upstream),
            table(environment, Side::Alt),
        );
        for (name, _) in records(environment, Side::Upstream) {
            let found = addresses(world, &name);
            let either = [&old[&name], &new[&name]];
            assert!(
                matches!(found.as_slice(), [(kind, content)] if kind == "A" && either.contains(&content)),
                "never-unresolvable: {name} is {found:?}"
            );
            let record = restored.cloudflare.record_mut(&name, "A").unwrap();
            record.content.clone_from(&old[&name]);
        }
        for (side, key, value) in variables(environment, Side::Upstream) {
            let project = restored.gitlab.project_mut(side.project()).unwrap();
            project.variable_mut(&key, environment).unwrap().value = value;
        }
    }
    forget_leases(&mut restored);
    assert!(
        restored == *FIRST,
        "something was written that is not of the swap"
    );
}

/// Takes leases away, as they are when the process that held them is gone.
pub fn forget_leases(world: &mut World) -> usize {
    let mut held = 0;
    for project in &mut world.gitlab.projects {
        held += project
            .terraform_states
            .values()
            .filter(|state| state.lock.is_some())
            .count();
        let known = FIRST.gitlab.project(&project.path).unwrap();
        project.terraform_states.clone_from(&known.terraform_states);
    }
    held
}

/// What an assignment shows: of the state, or of either side of a planned change, as Terraform's
/// JSON has it.
pub fn shown(assignment: &Value) -> Objects {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = assignment["hostnames"].as_object().unwrap().iter();
    let names = names.map(|(name, object)| (name.clone(), text(&object["address"])));
    let variables = assignment["variables"].as_object().unwrap().iter();
    let variables = variables.map(|(id, value)| (id.clone(), text(value)));
    names.chain(variables).collect()
}
