//! The benchmarks run: each of their parts once, with the programs of this build. What they measure is
//! told by `cargo xtask bench` alone.

use std::process::Command;

use gigadb_tests::programs;

/// Runs a part; returns the first column of its rows.
fn rows(part: &str) -> Vec<String> {
    let mut bench = Command::new(programs::ours("gigadb-bench"));
    let output = bench.args(["--once", part]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{error}");
    let rows = told.lines().filter(|line| line.starts_with("| "));
    let first = |row: &str| row.split(" | ").next().unwrap().to_owned();
    rows.map(first).collect()
}

#[test]
fn of_a_swap() {
    let rows = rows("swap");
    assert_eq!(rows.len(), 15, "{rows:?}");
}

#[test]
fn of_the_inventory() {
    let rows = rows("inventory");
    assert_eq!(rows.len(), 13, "{rows:?}");
    assert!(
        rows.iter().any(|row| row.ends_with("600 hosts")),
        "{rows:?}"
    );
}

#[test]
fn of_servers_that_hang() {
    let rows = rows("hanging");
    assert_eq!(rows.len(), 6, "{rows:?}");
}

#[test]
fn of_names_and_sides() {
    let rows = rows("scale");
    assert_eq!(rows.len(), 7, "{rows:?}");
}
