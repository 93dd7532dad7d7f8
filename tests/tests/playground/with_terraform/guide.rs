//! `docs/guides/playground.md` does what it shows, block by block.

use std::{fs, os::unix::fs::symlink};

use gigadb_tests::programs;

use crate::{said, simulator};

const PAGE: &str = include_str!("../../../../docs/guides/playground.md");

/// The blocks of the page in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = PAGE.split(fence.as_str()).skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

#[test]
fn every_block_of_the_guide_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (outside, inside): (Vec<_>, Vec<_>) = blocks("sh")
        .into_iter()
        .partition(|block| block.starts_with("gigadb-simulator"));
    assert_eq!((outside.len(), inside.len()), (2, 6), "blocks came or went");
    assert!(outside[0].starts_with("gigadb-simulator play ~/playground\n"));
    assert!(outside[1].starts_with("gigadb-simulator drill region-down\n"));

    // OpenTofu answers to the other's name as well.
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(programs::terraform(), bin.join("terraform")).unwrap();
    let script: Vec<String> = inside
        .iter()
        .map(|block| format!("echo '+ block'\n{block}"))
        .collect();
    let script = script.concat();
    let mut command = simulator(
        folder.path(),
        &[
            "play",
            "playground",
            "--",
            "bash",
            "-e",
            "-o",
            "pipefail",
            "-c",
            &script,
        ],
    );
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()));
    said(command).expect(0).tells(&[
        "production   gigadb-website",
        "Apply complete!",
        "production   alt-gigadb-website",
    ]);
    let lock = folder.path().join("playground/.terraform.lock.hcl");
    assert!(lock.is_file(), "nothing was installed");
}
