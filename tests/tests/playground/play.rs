//! The playground itself.

use std::{fs, os::unix::fs::symlink, process::Stdio};

use gigadb_tests::programs;
use serde_json::Value;

use crate::{said, simulator};

/// Runs a shell's lines in the playground `p` of a folder.
fn lines(folder: &std::path::Path, text: &str) -> crate::Said {
    said(simulator(
        folder,
        &["play", "p", "--latency", "0", "--", "sh", "-ec", text],
    ))
}

#[test]
fn a_command_finds_everything_set_and_its_exit_code_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let play = lines(folder.path(), "gigadb-roles status --environment live");
    play.expect(0).tells(&[
        "production   gigadb-website",
        "Nothing leaves this machine",
        "not there      SSH and FTP after a greeting",
    ]);
    for name in [
        "topology.yaml",
        "main.tf",
        "env.sh",
        ".playground/aws/config",
    ] {
        assert!(folder.path().join("p").join(name).is_file(), "{name}");
    }
    lines(folder.path(), "exit 7").expect(7);
}

/// Where `verify` was led, by name.
fn asked(verified: &crate::Said) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&verified.stdout).unwrap();
    let names = document["names"].as_array().unwrap();
    let asked = names.iter().flat_map(|name| {
        let asked = name["asked"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        asked.map(move |one| (text(&name["hostname"]), text(&one["address"])))
    });
    asked.collect()
}

const VERIFY: &str = "gigadb-roles verify --environment live --format json";

/// Names that Cloudflare proxies among them.
#[test]
fn every_name_is_answered_and_nobody_is_led_off_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let play = lines(folder.path(), VERIFY);
    play.expect(0);
    let asked = asked(&play);
    let of = |hostname: &str| asked.iter().filter(|(name, _)| name == hostname).count();
    assert_eq!(of("gigadb.org"), 2, "the edge has two addresses: {asked:?}");
    for (name, address) in &asked {
        assert!(address.starts_with("127."), "{name} leads to {address}");
    }
}

/// The second of two playgrounds does not have the usual ports, whoever plays.
#[test]
fn where_the_usual_ports_are_not_free_others_are_asked_and_the_reason_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = programs::ours("gigadb-simulator");
    let simulator = simulator.display();
    let two = format!("echo INNER >&2; {simulator} play q --latency 0 -- {VERIFY}");
    let play = lines(folder.path(), &two);
    play.expect(0);
    assert!(!asked(&play).is_empty());
    let (outer, inner) = play.stderr.split_once("INNER").unwrap();
    let why = if outer.contains("(443 needs root here)") {
        "(443 needs root here)"
    } else {
        "(443 is in use"
    };
    assert!(inner.contains(why), "{}", play.stderr);
}

#[test]
fn the_world_and_the_players_files_outlast_the_play() {
    let folder = tempfile::tempdir().unwrap();
    lines(
        folder.path(),
        "gigadb-roles swap --environment live --yes; echo '# mine' >> main.tf",
    )
    .expect(0);
    let again = lines(folder.path(), "gigadb-roles status --environment live");
    again.expect(0).tells(&["production   alt-gigadb-website"]);
    let main = fs::read_to_string(folder.path().join("p/main.tf")).unwrap();
    assert!(
        main.ends_with("# mine\n"),
        "the player's file was written over"
    );
}

#[test]
fn another_terminal_has_the_same_with_env_sh() {
    let folder = tempfile::tempdir().unwrap();
    let other =
        ". ./env.sh; test -z \"$AWS_PROFILE$https_proxy\"; gigadb-roles status --environment live";
    lines(
        folder.path(),
        &format!(
            "env -i PATH=/usr/bin:/bin HOME=/nonexistent AWS_PROFILE=real https_proxy=http://192.0.2.1:1 sh -ec '{other}'"
        ),
    )
    .expect(0)
    .tells(&["production   gigadb-website"]);
}

#[test]
fn what_the_terminal_had_set_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = simulator(
        folder.path(),
        &[
            "play",
            "p",
            "--",
            "sh",
            "-ec",
            "env; gigadb-roles status --environment live",
        ],
    );
    command
        .env("CLOUDFLARE_API_TOKEN", "real")
        .env("GITLAB_PRIVATE_TOKEN", "real")
        .env("AWS_ACCESS_KEY_ID", "real")
        .env("TF_REATTACH_PROVIDERS", "{}")
        .env("HTTPS_PROXY", "http://192.0.2.1:1");
    let play = said(command);
    play.expect(0);
    for line in play.stdout.lines() {
        assert!(
            !line.ends_with("=real") && !line.contains("192.0.2.1:1"),
            "{line}"
        );
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = said(simulator(folder.path(), &["play", ".", "--", "true"]));
    refused
        .expect(1)
        .tells(&["is not empty", "Nothing was changed", "new folder"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn without_the_other_programs_it_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let only = folder.path().join("only");
    fs::create_dir(&only).unwrap();
    fs::copy(
        programs::ours("gigadb-simulator"),
        only.join("gigadb-simulator"),
    )
    .unwrap();
    symlink("/bin/sh", only.join("sh")).unwrap();
    let mut command = std::process::Command::new(only.join("gigadb-simulator"));
    command
        .args(["play", "p", "--", "sh", "-c", "echo played"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", &only)
        .stdin(Stdio::null());
    said(command).expect(0).tells(&[
        "played",
        "gigadb-roles   not found: put it beside this program",
        "provider       not found: name it with --provider",
    ]);
}

#[test]
fn aws_files_makes_the_missing_folder_and_names_one_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let refused = said(simulator(folder.path(), &["--aws-files", "file/below"]));
    refused.expect(1).tells(&["file/below"]);

    let mut command = simulator(folder.path(), &["--aws-files", "not/there/yet"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("cloudflare"), "{line}");
    assert!(folder.path().join("not/there/yet/credentials").is_file());
}
