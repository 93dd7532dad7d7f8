//! Every order of events in a release, as far as a bounded number of misfortunes leads: several
//! operators, runs that end at once between any two effects, jobs that fail, steps, swaps and
//! deployments by hand, and looks at which GitLab or DNS does not answer. After each the machine is asked what is next, and judged.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod judge;
mod world;

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as _,
};

use gigadb_engine::release::{Process, Record, open};

use crate::{judge::judged, world::Node};

/// Walks through everything that can be reached; tells how many states there were.
fn explore(process: Process, misfortunes: u8, further: bool) -> usize {
    let start = Node::start(process, misfortunes, further);
    let mut seen: BTreeMap<String, usize> = BTreeMap::from([(start.key(), 0)]);
    let mut nodes = vec![start];
    let mut arrows: Vec<Vec<usize>> = vec![Vec::new()];
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front() {
        let node = nodes[at].clone();
        judged(&node);
        for next in node.successors() {
            let to = *seen.entry(next.key()).or_insert_with(|| {
                nodes.push(next);
                arrows.push(Vec::new());
                queue.push_back(nodes.len() - 1);
                nodes.len() - 1
            });
            arrows[at].push(to);
        }
    }
    every_state_has_a_way_on(&nodes, &arrows);
    nodes.len()
}

/// From every state the end can be reached; where it needs a person, the message says so.
fn every_state_has_a_way_on(nodes: &[Node], arrows: &[Vec<usize>]) {
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (from, to) in arrows.iter().enumerate() {
        for to in to {
            back[*to].push(from);
        }
    }
    let mut reach = vec![false; nodes.len()];
    let mut queue: VecDeque<usize> = (0..nodes.len())
        .filter(|at| nodes[*at].record.left().is_empty())
        .collect();
    while let Some(at) = queue.pop_front() {
        if std::mem::replace(&mut reach[at], true) {
            continue;
        }
        queue.extend(&back[at]);
    }
    for (at, node) in nodes.iter().enumerate() {
        assert!(
            reach[at] || node.is_told_what_to_do(),
            "no way on, and nobody is told what to do: {node:#?}"
        );
    }
}

/// How far a search went, past the capture of the test runner.
fn proof(went: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "proof: {went}");
}

#[test]
fn complex() {
    let states = explore(Process::Complex, 2, false);
    proof(format_args!(
        "release, complex, 2 misfortunes: {states} states, 0 violations"
    ));
    assert!(states > 1_000, "{states}");
}

#[test]
fn complex_with_further_jobs() {
    let states = explore(Process::Complex, 1, true);
    proof(format_args!(
        "release, complex with further jobs, 1 misfortune: {states} states, 0 violations"
    ));
    assert!(states > 1_000, "{states}");
}

#[test]
fn simple() {
    let states = explore(Process::Simple, 2, true);
    proof(format_args!(
        "release, simple with further jobs, 2 misfortunes: {states} states, 0 violations"
    ));
    assert!(states > 300, "{states}");
}

/// The record survives being written and read, whatever it holds.
#[test]
fn a_record_is_read_as_it_was_written() {
    let mut node = Node::start(Process::Complex, 1, true);
    for _ in 0..12 {
        let text = serde_json::to_string(&node.record).unwrap();
        assert_eq!(Record::parse(text.as_bytes()).unwrap(), node.record);
        let Some(next) = node.successors().into_iter().next() else {
            break;
        };
        node = next;
    }
    assert!(!open(&node.record, &node.facts(true)).is_empty());
}
