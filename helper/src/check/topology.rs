//! The topology file.

use std::fs;

use gigadb_clients::TopologyFile;
use gigadb_engine::topology::Topology;

use super::Check;

const CHECK: &str = "topology";

/// What is wrong or suspicious in the file, each with its place.
pub(crate) fn checks(file: &TopologyFile) -> Vec<Check> {
    let name = file.path().display().to_string();
    let text = match fs::read_to_string(file.path()) {
        Ok(text) => text,
        Err(error) => {
            return vec![Check::failed(
                (CHECK, &name),
                format!(
                    "The file could not be read: {error}; looked for at `{}`",
                    file.resolved().display()
                ),
                "Name it with --topology or GIGADB_TOPOLOGY, or run the command in the folder of \
                 `topology.yaml` or below it.",
            )];
        }
    };
    // The messages of faults and warnings say themselves what to write instead.
    let parsed = match Topology::parse(&text) {
        Ok(parsed) => parsed,
        Err(faults) => {
            let faults = faults.0.iter();
            return faults
                .map(|fault| {
                    let (found, next) = halves(&fault.message);
                    Check::failed((CHECK, &format!("{name}:{}", fault.place)), found, next)
                })
                .collect();
        }
    };
    let count = |count: usize, what: &str| format!("{count} {what}s");
    let mut checks = vec![Check::ok(
        CHECK,
        &name,
        format!(
            "{} and {}",
            count(parsed.topology.infrastructures.len(), "infrastructure"),
            count(parsed.topology.environments.len(), "environment")
        ),
    )];
    checks.extend(parsed.warnings.iter().map(|warning| {
        let (found, next) = halves(&warning.message);
        Check::warning((CHECK, &format!("{name}:{}", warning.place)), found, next)
    }));
    checks
}

/// The first sentence without its full stop, and the rest.
fn halves(message: &str) -> (String, String) {
    match message.split_once(". ") {
        Some((first, rest)) => (first.to_owned(), rest.to_owned()),
        None => (
            message.trim_end_matches('.').to_owned(),
            "Correct this place in the topology.".to_owned(),
        ),
    }
}
