//! Arrows point one way: `provider`, `helper` -> `clients` -> `engine`; `provider` -> `tfplug`.
//! Read from the dependency graph that Cargo itself resolved.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Each room's package with the rooms that its shipped code may use directly.
const ROOMS: [(&str, &[&str]); 8] = [
    ("tfplug", &[]),
    ("gigadb-engine", &[]),
    ("gigadb-simulator", &[]),
    ("gigadb-clients", &["gigadb-engine"]),
    (
        "terraform-provider-gigadb",
        &["gigadb-clients", "gigadb-engine", "tfplug"],
    ),
    ("gigadb-roles", &["gigadb-clients", "gigadb-engine"]),
    ("xtask", &[]),
    (
        "gigadb-tests",
        &[
            "gigadb-clients",
            "gigadb-engine",
            "gigadb-simulator",
            "tfplug",
        ],
    ),
];

/// What the engine must not be able to reach: whoever cannot do I/O cannot do it by accident.
const INPUT_AND_OUTPUT: [&str; 10] = [
    "axum", "h2", "hyper", "mio", "reqwest", "ring", "rustls", "socket2", "tokio", "tonic",
];

/// What only the clients may bring in: one place that speaks HTTP as a client, one that knows AWS.
const ONLY_OF_CLIENTS: [&str; 3] = ["aws-config", "aws-sdk-ec2", "reqwest"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap()
}

/// The resolved graph, without what is used for tests alone.
struct Graph {
    names: BTreeMap<PackageId, String>,
    edges: BTreeMap<PackageId, Vec<PackageId>>,
}

impl Graph {
    fn read() -> Self {
        let metadata = metadata();
        let names = metadata
            .packages
            .iter()
            .map(|package| (package.id.clone(), package.name.to_string()))
            .collect();
        let edges = metadata
            .resolve
            .unwrap()
            .nodes
            .into_iter()
            .map(|node| {
                let used = node.deps.into_iter().filter(|dependency| {
                    dependency
                        .dep_kinds
                        .iter()
                        .any(|kind| kind.kind != DependencyKind::Development)
                });
                (node.id, used.map(|dependency| dependency.pkg).collect())
            })
            .collect();
        Self { names, edges }
    }

    fn id(&self, name: &str) -> &PackageId {
        let mut found = self.names.iter().filter(|(_, other)| *other == name);
        found
            .next()
            .unwrap_or_else(|| panic!("no package {name}"))
            .0
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.edges[self.id(name)]
            .iter()
            .map(|id| self.names[id].as_str())
            .collect()
    }

    fn reachable(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut next = vec![self.id(name)];
        while let Some(id) = next.pop() {
            for dependency in &self.edges[id] {
                if seen.insert(dependency) {
                    next.push(dependency);
                }
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let graph = Graph::read();
    let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    for (room, allowed) in ROOMS {
        let direct = graph.direct(room);
        let used: BTreeSet<&str> = direct.intersection(&rooms).copied().collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let excess: Vec<_> = used.difference(&allowed).collect();
        assert!(excess.is_empty(), "{room} must not depend on {excess:?}");
    }
}

#[test]
fn every_package_of_the_workspace_is_a_room() {
    let members: BTreeSet<String> = metadata()
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let rooms: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(members, rooms);
}

#[test]
fn the_engine_cannot_do_input_or_output() {
    let graph = Graph::read();
    let reachable = graph.reachable("gigadb-engine");
    let forbidden: Vec<_> = INPUT_AND_OUTPUT
        .iter()
        .copied()
        .chain(
            reachable
                .iter()
                .copied()
                .filter(|name| name.starts_with("aws-")),
        )
        .filter(|name| reachable.contains(name))
        .collect();
    assert!(forbidden.is_empty(), "the engine reaches {forbidden:?}");
}

#[test]
fn the_plugin_sdk_and_the_simulator_know_no_client_of_ours() {
    let graph = Graph::read();
    for room in ["tfplug", "gigadb-simulator", "xtask"] {
        let reachable = graph.reachable(room);
        let found: Vec<_> = reachable
            .iter()
            .filter(|name| ONLY_OF_CLIENTS.contains(name) || name.starts_with("gigadb-"))
            .collect();
        assert!(found.is_empty(), "{room} reaches {found:?}");
    }
}

#[test]
fn only_the_clients_bring_in_http_and_aws() {
    let graph = Graph::read();
    for (room, _) in ROOMS {
        let direct = graph.direct(room);
        let found: Vec<_> = ONLY_OF_CLIENTS
            .iter()
            .filter(|name| direct.contains(*name))
            .collect();
        assert!(
            room == "gigadb-clients" || found.is_empty(),
            "{room} depends on {found:?} by itself"
        );
    }
}

#[test]
fn the_engine_reads_neither_environment_nor_clock_nor_files() {
    let forbidden = [
        "std::env",
        "std::fs",
        "std::net::Tcp",
        "std::process",
        "SystemTime",
        "Instant::now",
        "std::thread",
    ];
    for (path, text) in super::tidy::tracked_text() {
        if !path.starts_with("engine/src/") {
            continue;
        }
        for word in forbidden {
            assert!(!text.contains(word), "{path} uses {word}");
        }
    }
}

/// A program of its own page that nobody documents would never be looked at: see `xtask/src/ci.rs`.
#[test]
fn every_program_is_documented_in_ci() {
    let ci = std::fs::read_to_string(super::root().join("xtask/src/ci.rs")).unwrap();
    let metadata = metadata();
    let mut programs = 0;
    for package in metadata.workspace_packages() {
        let targets = &package.targets;
        let libraries: Vec<_> = targets.iter().filter(|one| one.is_lib()).collect();
        for program in targets.iter().filter(|one| one.is_bin()) {
            let page = program.name.replace('-', "_");
            let shares = libraries.iter().any(|library| library.name == page);
            let listed = ci.contains(&format!("\"{}\"", program.name));
            assert!(shares || listed, "{} in {}", program.name, package.name);
            programs += 1;
        }
    }
    assert!(programs > 4, "{programs}");
}
