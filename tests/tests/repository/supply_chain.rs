//! What the programs are built from, held against `deny.toml`.

use std::collections::BTreeSet;

use cargo_metadata::{MetadataCommand, Package};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

/// More crates than this want a look at what came in, and a reason in the commit that raises it. Those
/// that only tests use count as well: about fifty come with `jsonschema`, which holds the topology's
/// schema against examples. A resolver for DNS with its wire format brings about twenty.
const CRATES_AT_MOST: usize = 400;

#[derive(Deserialize)]
struct Deny {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn deny() -> Deny {
    let text = std::fs::read_to_string(super::root().join("deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Returns every crate that one of the supported platforms is built from, ours among them.
fn crates(deny: &Deny) -> Vec<Package> {
    let mut options = vec!["--locked".to_owned()];
    for target in &deny.graph.targets {
        options.extend(["--filter-platform".to_owned(), target.clone()]);
    }
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .unwrap();
    metadata.packages
}

#[test]
fn every_licence_is_allowed() {
    let deny = deny();
    let mut faults = Vec::new();
    for package in crates(&deny) {
        let Some(license) = &package.license else {
            faults.push(format!(
                "{} {} names no licence",
                package.name, package.version
            ));
            continue;
        };
        let expression = Expression::parse_mode(license, ParseMode::LAX).unwrap();
        let allowed = expression
            .evaluate(|requirement| deny.licenses.allow.contains(&requirement.to_string()));
        if !allowed {
            faults.push(format!("{} {}: {license}", package.name, package.version));
        }
    }
    assert!(faults.is_empty(), "not allowed by deny.toml: {faults:#?}");
}

#[test]
fn no_banned_crate_is_used() {
    let deny = deny();
    let crates = crates(&deny);
    for ban in &deny.bans.deny {
        let found = crates
            .iter()
            .any(|package| package.name.as_str() == ban.name);
        assert!(!found, "{} is banned: {}", ban.name, ban.reason);
    }
}

#[test]
fn everything_comes_from_the_registry() {
    let deny = deny();
    for package in crates(&deny) {
        let Some(source) = &package.source else {
            assert!(
                package.manifest_path.starts_with(super::root()),
                "{} lies outside the repository",
                package.name
            );
            continue;
        };
        let address = source.repr.trim_start_matches("registry+");
        assert!(
            deny.sources
                .allow_registry
                .iter()
                .any(|allowed| allowed == address),
            "{} comes from {source}",
            package.name
        );
    }
}

#[test]
fn the_number_of_crates_stays_within_its_budget() {
    let count = crates(&deny()).len();
    assert!(
        count <= CRATES_AT_MOST,
        "{count} crates; the budget is {CRATES_AT_MOST}"
    );
}

/// What the pipeline says of a job: the lines below its name.
fn job<'a>(pipeline: &'a str, name: &str) -> &'a str {
    let (_, below) = pipeline.split_once(&format!("\n{name}:\n")).unwrap();
    below.split("\n\n").next().unwrap()
}

/// They change without us: no change waits for them, and no schedule releases anything.
#[test]
fn advisories_are_asked_for_by_a_schedule_which_does_nothing_else() {
    let pipeline = std::fs::read_to_string(super::root().join(".gitlab-ci.yml")).unwrap();
    let scheduled = "- if: $CI_PIPELINE_SOURCE == \"schedule\"";
    assert!(job(&pipeline, "workflow").contains(scheduled), "{pipeline}");
    let advisories = job(&pipeline, "advisories");
    assert!(advisories.contains(scheduled), "{advisories}");
    assert!(
        advisories.contains("cargo deny --locked check advisories"),
        "{advisories}"
    );
    let never = "- if: $CI_PIPELINE_SOURCE != \"schedule\"";
    assert!(
        pipeline.contains(&format!(".of_a_tag: &of_a_tag\n  {never}\n")),
        "{pipeline}"
    );
    let names = pipeline.lines().filter_map(|line| line.strip_suffix(':'));
    let jobs = names.filter(|name| {
        let own = !["workflow", "default", "advisories"].contains(name);
        own && name.starts_with(|first: char| first.is_ascii_lowercase())
    });
    let mut released = 0;
    for name in jobs {
        let rules = job(&pipeline, name);
        let on_macos = "- if: $MACOS_RUNNER && $CI_PIPELINE_SOURCE != \"schedule\"\n";
        assert!(
            rules.contains("\n  rules: *of_a_tag\n") || rules.contains(on_macos),
            "{name}: {rules}"
        );
        released += 1;
    }
    assert_eq!(released, 5);
}
