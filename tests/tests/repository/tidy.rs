//! How files read, as far as a program can tell.

use std::{path::Path, process::Command};

use gigadb_engine::rules::Rule;

/// A file is one idea.
const LINES_AT_MOST: usize = 600;

/// Words that have no business in the repository, cut in two so that this file does not hold them.
const FORBIDDEN: [(&str, &str); 6] = [
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("artif", "actory"),
    ("previous ses", "sion"),
    ("this ses", "sion"),
    ("brief", ".md"),
];

/// Marks of unfinished or switched-off code.
const UNFINISHED: [(&str, &str); 5] = [
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("#[ign", "ore"),
    ("#[should_", "panic"),
];

/// Returns each tracked text file with its path below the root.
pub(crate) fn tracked_text() -> Vec<(String, String)> {
    let list = Command::new("git")
        .current_dir(super::root())
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .unwrap();
    assert!(list.status.success(), "the tests need a git checkout");
    let paths = String::from_utf8(list.stdout).unwrap();
    let files: Vec<_> = paths
        .split_terminator('\0')
        .filter(|path| *path != "Cargo.lock")
        .filter_map(|path| {
            let text = std::fs::read_to_string(super::root().join(path)).ok()?;
            Some((path.to_owned(), text))
        })
        .collect();
    assert!(files.len() > 30, "only {} files found", files.len());
    files
}

fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == ending)
}

/// Generated code says so in its first lines.
fn is_generated(text: &str) -> bool {
    text.lines().take(3).any(|line| line.contains("@generated"))
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<_> = tracked_text()
        .into_iter()
        .filter(|(path, text)| {
            (has_ending(path, "rs") || has_ending(path, "py")) && !is_generated(text)
        })
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LINES_AT_MOST)
        .collect();
    assert!(long.is_empty(), "over {LINES_AT_MOST} lines: {long:?}");
}

#[test]
fn the_repository_speaks_of_the_project_alone() {
    let mut faults = Vec::new();
    for (path, text) in tracked_text() {
        let text = text.to_lowercase();
        for (head, tail) in FORBIDDEN {
            if text.contains(&format!("{head}{tail}")) {
                faults.push(format!("{path} says {head}{tail}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let mut faults = Vec::new();
    for (path, text) in tracked_text() {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for (head, tail) in UNFINISHED {
            let mark = format!("{head}{tail}");
            if has_ending(&path, "rs") && code.clone().any(|line| line.contains(&mark)) {
                faults.push(format!("{path} has {mark}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_text_file_ends_with_one_line_break() {
    for (path, text) in tracked_text() {
        assert!(
            text.is_empty() || (text.ends_with('\n') && !text.ends_with("\n\n")),
            "{path} does not end with one line break"
        );
    }
}

#[test]
fn every_rule_has_a_page_that_the_index_names() {
    let docs = super::root().join("docs");
    let index = std::fs::read_to_string(docs.join("rules.md")).unwrap();
    for rule in Rule::ALL {
        let waivable = if rule.is_waivable() { "yes" } else { "no" };
        let row = index
            .lines()
            .find(|line| line.starts_with(&format!("| [`{rule}`](rules/{rule}.md) |")));
        assert!(
            row.is_some_and(|row| row.ends_with(&format!("| {waivable} |"))),
            "docs/rules.md has no row of {rule} that says whether it may be waived: {row:?}"
        );
        let page = std::fs::read_to_string(docs.join(format!("rules/{rule}.md"))).unwrap();
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# `{rule}`");
        assert_eq!(
            headings,
            [
                title.as_str(),
                "## What it checks",
                "## The message",
                "## Why it matters",
                "## What to do",
                "## How to waive it"
            ],
            "docs/rules/{rule}.md"
        );
        let way = format!("overrides = [\"{rule}\"]");
        assert_eq!(
            page.contains(&way),
            rule.is_waivable(),
            "docs/rules/{rule}.md and {way}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for (path, text) in tracked_text() {
        // A template's links are relative to the page that is made from it, and are checked there.
        if !has_ending(&path, "md") || path.starts_with("provider/templates/") {
            continue;
        }
        let folder = super::root().join(&path);
        let folder = folder.parent().unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            if !folder.join(file).exists() {
                faults.push(format!("{path} links to {link}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
