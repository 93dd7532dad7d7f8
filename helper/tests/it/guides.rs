//! `guide`: the guides of the documentation, in the program.

use std::{collections::BTreeSet, fs, path::Path};

use crate::stage::Stage;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guides");

#[test]
fn every_guide_is_listed_and_printed() {
    let stage = Stage::sop().without("GIGADB_TOPOLOGY");
    let list = stage.answer(&["guide"]);
    let listed: BTreeSet<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let files = fs::read_dir(FOLDER).unwrap();
    let names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let written: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(listed, written);
    for name in listed {
        let text = fs::read_to_string(Path::new(FOLDER).join(format!("{name}.md"))).unwrap();
        let printed = stage.answer(&["guide", name]);
        assert!(printed.starts_with("# "), "{printed}");
        assert!(text.ends_with(&printed), "{name}");
        let title = printed.lines().next().unwrap().trim_start_matches("# ");
        assert!(list.contains(title), "{name}: {title}");
        // The registry and its tools read the title there.
        let front = format!("---\npage_title: \"{title}\"\n---\n");
        assert!(text.starts_with(&front), "{name}: {front}");
    }
}

#[test]
fn a_guide_that_there_is_not_is_usage() {
    let told = Stage::sop().run(&["guide", "incident-failovr"]);
    insta::assert_snapshot!(told, @"
    exit 64
    -- stderr
    error: There is no guide `incident-failovr`.
      on:      the command line
      changed: Nothing was changed.
      next:    Did you mean `incident-failover`? Run `gigadb-roles guide` to see them all.
    ");
}
