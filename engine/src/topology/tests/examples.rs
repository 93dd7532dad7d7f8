//! The examples that the documentation quotes.

use std::{fs, path::Path};

use crate::topology::{Parsed, Topology};

/// An example's text.
pub(super) fn text(example: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/terraform")
        .join(example)
        .join("topology.yaml");
    fs::read_to_string(path).unwrap()
}

fn parsed(example: &str) -> Parsed {
    match Topology::parse(&text(example)) {
        Ok(parsed) => parsed,
        Err(faults) => panic!("{}", faults.render(example, &text(example))),
    }
}

#[test]
fn the_sop_has_sixteen_hostnames_and_eight_variables_a_role() {
    let topology = parsed("upstream").topology;
    let environments: Vec<_> = topology.environments.values().collect();
    let hostnames: usize = environments.iter().map(|e| e.hostnames().len()).sum();
    let variables: usize = environments.iter().map(|e| e.variable_keys().count()).sum();
    assert_eq!((hostnames, variables), (16, 8));
}

#[test]
fn the_small_example_has_nothing_suspicious() {
    assert_eq!(parsed("one-environment").warnings, []);
}
