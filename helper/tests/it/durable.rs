//! What must outlast a power cut is on the disk before anything rests on it.

use std::{fs, path::Path, process::Command};

use crate::{runs::SWAP, stage::Stage};

/// What a command did that must last, in its order: `sync FILE`, `rename FILE`, `send request`.
fn noted(stage: Stage, arguments: &[&str]) -> (Stage, Vec<String>) {
    let library = stage.folder().join("synced.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/synced.c");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(made.unwrap().success(), "what Rust links with compiles C");
    let notes = stage.folder().join("notes");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let stage = stage
        .with("LD_PRELOAD", &text(&library))
        .with("SYNCED", &text(&notes));
    let output = stage.output(arguments);
    assert!(
        output.status.code().is_some_and(|code| code < 3),
        "{}",
        stage.told(&output)
    );
    let noted = fs::read_to_string(&notes).unwrap_or_default();
    (stage, noted.lines().map(str::to_owned).collect())
}

fn is_a(line: &str, extension: &str) -> bool {
    Path::new(line)
        .extension()
        .is_some_and(|one| one == extension)
}

fn place(noted: &[String], fits: impl Fn(&str) -> bool) -> usize {
    let found = noted.iter().position(|line| fits(line));
    found.unwrap_or_else(|| panic!("not in {noted:#?}"))
}

#[test]
fn a_file_is_on_the_disk_before_it_takes_its_name() {
    let plan = ["plan", "-e", "live", "--swap", "--out", "swap.json"];
    let (stage, noted) = noted(Stage::sop(), &plan);
    let synced = place(&noted, |line| {
        line.starts_with("sync ") && line.contains("/swap.json.") && is_a(line, "new")
    });
    let renamed = place(&noted, |line| {
        line.starts_with("rename ") && line.ends_with("swap.json")
    });
    let folder = stage.folder().display().to_string();
    let lasts = place(&noted, |line| line == format!("sync {folder}"));
    assert!(synced < renamed && renamed < lasts, "{noted:#?}");
}

/// Else nobody could tell what a request that was sent right before a power cut was to do.
#[test]
fn the_journal_is_on_the_disk_before_each_request_that_writes() {
    let (_, noted) = noted(Stage::sop(), &SWAP);
    let is_journal = |line: &str| line.starts_with("sync ") && is_a(line, "jsonl");
    let sent = |line: &&String| *line == "send request";
    assert_eq!(noted.iter().filter(sent).count(), 10, "{noted:#?}");
    let first = place(&noted, |line| line == "send request");
    // The header, then what is about to be sent.
    let before = noted[..first].iter().filter(|line| is_journal(line));
    assert!(before.count() >= 2, "{noted:#?}");
    // Each batch is announced behind the answers to what was sent before it.
    for batch in [8, 9] {
        let places: Vec<usize> = (0..noted.len()).filter(|at| sent(&&noted[*at])).collect();
        let between = &noted[places[batch - 1]..places[batch]];
        assert!(between.iter().any(|line| is_journal(line)), "{noted:#?}");
    }
}
