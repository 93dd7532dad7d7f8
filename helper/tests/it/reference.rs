//! `docs/reference/inventory.md` lists what the program prints: no less, no more.

use std::{collections::BTreeSet, fs};

use gigadb_simulator::world::{ALT_PROJECT, PROJECT};
use serde_json::{Map, Value, json};

use crate::stage::Stage;

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/reference/inventory.md"
);

/// What stands for each placeholder in the procedure's world.
const PLACEHOLDERS: [(&str, &[&str]); 7] = [
    ("<role>", &["production", "hot_standby"]),
    ("<environment>", &["live", "staging"]),
    (
        "<infrastructure>",
        &["gigadb_website", "alt_gigadb_website"],
    ),
    ("<endpoint>", &["web", "bastion", "files"]),
    ("<region>", &["ap_east_1", "ap_southeast_2"]),
    ("<owner>", &["gigadb"]),
    (
        "<name>",
        &[
            "gigadb_webserver_live_gigadb",
            "gigadb_webserver_staging_gigadb",
            "gigadb_filesserver_live_gigadb",
            "gigadb_filesserver_staging_gigadb",
            "bastion_server_live_gigadb",
            "bastion_server_staging_gigadb",
        ],
    ),
];

/// The first column of the table below a heading.
fn listed(heading: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(PAGE).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// Every name that a pattern stands for.
fn filled(pattern: String) -> BTreeSet<String> {
    let mut names = BTreeSet::from([pattern]);
    for (placeholder, values) in PLACEHOLDERS {
        let with_each = |name: String| values.iter().map(move |v| name.replace(placeholder, v));
        names = names.into_iter().flat_map(with_each).collect();
    }
    names
}

/// A world in which everything is known, with each side listed by itself.
fn lists() -> Vec<Map<String, Value>> {
    let stage = Stage::sop();
    let plain = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let aws = "    aws: { profile: ";
    let more = "    ssh: { user: centos, private_key: ~/.ssh/key.pem, bastion_user: centos }\n    \
                terraform_state: { name: \"{environment}_infra\" }\n";
    let file = stage.write(
        "topology.yaml",
        &plain.replace(aws, &(more.to_owned() + aws)),
    );
    let file = file.to_str().unwrap().to_owned();
    let stage = stage.with("GIGADB_TOPOLOGY", &file);
    let outputs: Map<String, Value> = listed("Host variables")
        .into_iter()
        .filter(|name| !name.starts_with("gigadb_") && !name.starts_with("ansible_"))
        .map(|name| {
            (
                name,
                json!({ "value": { "dropbox_area": "a", "other": "b" } }),
            )
        })
        .chain([("a_secret".to_owned(), json!({ "value": "of Terraform" }))])
        .collect();
    let state = json!({ "version": 4, "serial": 8, "outputs": outputs }).to_string();
    stage.simulator.edit(|world| {
        for project in [PROJECT, ALT_PROJECT] {
            let project = world.gitlab.project_mut(project).unwrap();
            for kept in project.terraform_states.values_mut() {
                kept.versions.insert(8, state.clone());
            }
        }
    });
    ["gigadb-website", "alt-gigadb-website"]
        .map(|side| stage.answer(&["inventory", "--infrastructure", side]))
        .map(|list| serde_json::from_str(&list).unwrap())
        .into()
}

#[test]
fn every_group_is_listed_and_every_listed_group_is_printed() {
    let own = ["_meta", "all", "ungrouped"];
    let printed: BTreeSet<String> = lists()
        .iter()
        .flat_map(|list| list.keys().cloned())
        .filter(|name| !own.contains(&name.as_str()))
        .collect();
    let documented: BTreeSet<String> = listed("Groups").into_iter().flat_map(filled).collect();
    assert_eq!(printed, documented);
}

#[test]
fn every_variable_is_listed_and_every_listed_variable_is_printed() {
    let documented = listed("Host variables");
    for list in lists() {
        for (host, variables) in list["_meta"]["hostvars"].as_object().unwrap() {
            let printed: BTreeSet<String> =
                variables.as_object().unwrap().keys().cloned().collect();
            assert_eq!(printed, documented, "{host}");
        }
    }
}
