//! `history`, `resume` and `revert`.

use std::{
    fs,
    process::{Command, Output, Stdio},
    thread,
};

use gigadb_simulator::{Api, Edit, Effect, Fault, world};
use insta::assert_snapshot;

use crate::runs::{FAILOVER, SWAP, without_due};
use crate::stage::{Stage, no_secret};

/// Kills a swap while its first zone's batch, which was carried out, waits for its answer.
pub(crate) fn killed_swap(stage: &Stage) -> String {
    killed_at_batch(stage, 1)
}

/// The same at its first or second zone's batch.
pub(crate) fn killed_at_batch(stage: &Stage, batch: usize) -> String {
    let hang = Fault::new(Effect::CommitThenHang)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(hang.skip(batch as u64 - 1));
    let mut child = stage
        .command(&SWAP)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let committed = || {
        let history = stage.simulator.history();
        let batches = history
            .iter()
            .filter(|commit| commit.api == Api::Cloudflare);
        batches.count() == batch
    };
    while !committed() {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    stage.simulator.clear_faults();
    stage.last_run()
}

/// `SWAP` while writes to one project are refused, so that it stops half-way.
pub(crate) fn partly_applied(stage: &Stage) -> String {
    let refuse = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(refuse);
    let swap = [&SWAP[..], &["--on-failure", "stop"]].concat();
    let output = stage.output(&swap);
    assert_eq!(output.status.code(), Some(3), "{}", stage.told(&output));
    stage.last_run()
}

#[test]
fn history_lists_every_run() {
    let stage = Stage::sop().with("USER", "ada");
    assert_snapshot!(stage.run(&["history"]), @r"
    exit 0
    -- stdout
    No runs have a journal in `$HOME/.local/state/gigadb/journal`.
    ");
    stage.answer(&[&SWAP[..], &["--reason", "release 4.4"]].concat());
    let id = partly_applied(&stage);
    stage.answer(&["revert", &id]);
    let told = stage.run(&["history"]);
    // The instants differ from run to run.
    let told: Vec<String> = told
        .lines()
        .map(|line| {
            line.split_whitespace()
                .filter(|word| !word.ends_with('Z'))
                .map(|word| {
                    if word.starts_with("ada@") {
                        "ada@HOST"
                    } else {
                        word
                    }
                })
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_snapshot!(told.join("\n"), @"
    exit 0
    -- stdout
    ID WHEN ENVIRONMENT WHAT ENDED PROGRAM REASON BY
    RUN live revert of RUN completed gigadb-roles 0.1.0 ada@HOST
    RUN live production gigadb-website partly applied: 8 of 10 in force gigadb-roles 0.1.0 ada@HOST
    RUN live production alt-gigadb-website completed gigadb-roles 0.1.0 release 4.4 ada@HOST
    ");
    let narrow = stage.with("COLUMNS", "40").run(&["history"]);
    assert!(
        narrow.contains("\n  ended: completed\n")
            && narrow.contains("\n  reason: release 4.4\n  by: ada@"),
        "{narrow}"
    );
}

#[test]
fn history_says_that_a_run_was_here_where_an_earlier_version_did_not_note_by_whom() {
    let stage = Stage::sop().with("USER", "ada");
    stage.answer(&SWAP);
    let file = stage.journals().join(format!("{}.jsonl", stage.last_run()));
    let journal = fs::read_to_string(&file).unwrap();
    let (before, by) = journal.split_once("\"by\":\"ada@").unwrap();
    let (_, after) = by.split_once("\",").unwrap();
    fs::write(&file, format!("{before}{after}")).unwrap();
    let history = stage.answer(&["history"]);
    assert!(history.contains("  this machine"), "{history}");
    assert!(!history.contains("ada@"), "{history}");
}

#[test]
fn a_killed_run_is_resumed() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let id = killed_swap(&stage);
    let history = stage.answer(&["history"]);
    assert!(
        history.contains("interrupted, open until ")
            && history.contains("Z: 8 of 10 in force, 1 perhaps"),
        "{history}"
    );
    stage.simulator.clear_requests();
    assert_snapshot!(without_due(&stage.run(&["resume", &id])), @r#"
    exit 0
    -- stdout
    Completed the run of live: production is alt-gigadb-website, hot standby is gigadb-website. Changed 5 records and read them back.
    -- stderr
    live: production alt-gigadb-website, hot standby gigadb-website (switchover)

    zone gigadb.org (one batch, decides who is production)
      ~ A bastion.gigadb.org: 198.51.100.11 -> 203.0.113.11
      ~ A files.alt-live.gigadb.org: 203.0.113.12 -> 198.51.100.12
      ~ A files.gigadb.org: 198.51.100.12 -> 203.0.113.12
      ~ A gigadb.org: 198.51.100.10 -> 203.0.113.10
      ~ A portainer.gigadb.org: 198.51.100.10 -> 203.0.113.10

    Would change 5 records. Nothing was changed yet.
    note: Writing; the journal of this run is RUN
    in force: 5 records of zone `gigadb.org`
    note: In the Terraform configuration of `live`, set production = "alt-gigadb-website", so that the next apply agrees.
    "#);
    assert_eq!(stage.writes(), 1, "only what was left is written");
    let resumed = stage.simulator.world().normalized();
    let other = Stage::sop();
    other.answer(&SWAP);
    assert_eq!(resumed, other.simulator.world().normalized());
    assert_ne!(resumed, before);
    // Nothing is left to do.
    let again = stage.run(&["resume", &id]);
    assert!(again.contains("No changes in live"), "{again}");
}

#[test]
fn a_killed_run_is_reverted() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let id = killed_swap(&stage);
    assert_ne!(stage.simulator.world().normalized(), before);
    let told = without_due(&stage.run(&["revert", &id]));
    // Nothing is put back while the batch without an answer may still be carried out.
    let (waits, told): (Vec<&str>, Vec<&str>) = told
        .lines()
        .partition(|line| line.starts_with("note: What run RUN sent"));
    assert_eq!(waits.len(), 1, "{told:?}");
    assert!(
        waits[0].contains(" may still take effect: waiting until 20"),
        "{waits:?}"
    );
    assert_snapshot!(told.join("\n"), @r#"
    exit 0
    -- stdout
    Took back the run of live: production is gigadb-website, hot standby is alt-gigadb-website. Changed 3 records and 8 variables and read them back.
    -- stderr
    live: production gigadb-website, hot standby alt-gigadb-website (switchover)

    zone gigadb.host (one batch)
      ~ A alt-live.gigadb.host: 198.51.100.10 -> 203.0.113.10
      ~ A bastion.alt-live.gigadb.host: 198.51.100.11 -> 203.0.113.11
      ~ A portainer.alt-live.gigadb.host: 198.51.100.10 -> 203.0.113.10

      ~ alt-gigadb-website HOME_URL: https://gigadb.org -> http://alt-live.gigadb.host
      ~ alt-gigadb-website REMOTE_HOME_URL: https://gigadb.org -> http://alt-live.gigadb.host
      ~ alt-gigadb-website REMOTE_HOSTNAME: gigadb.org -> alt-live.gigadb.host
      ~ alt-gigadb-website remote_fileserver_hostname: files.gigadb.org -> files.alt-live.gigadb.host
      ~ gigadb-website HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ gigadb-website REMOTE_HOME_URL: http://alt-live.gigadb.host -> https://gigadb.org
      ~ gigadb-website REMOTE_HOSTNAME: alt-live.gigadb.host -> gigadb.org
      ~ gigadb-website remote_fileserver_hostname: files.alt-live.gigadb.host -> files.gigadb.org

    Would change 3 records and 8 variables. Nothing was changed yet.
    note: Writing; the journal of this run is RUN
    in force: 3 records of zone `gigadb.host`
    in force: variable `HOME_URL` of `alt-gigadb-website`
    in force: variable `HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `alt-gigadb-website`
    in force: variable `REMOTE_HOME_URL` of `gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `alt-gigadb-website`
    in force: variable `REMOTE_HOSTNAME` of `gigadb-website`
    in force: variable `remote_fileserver_hostname` of `alt-gigadb-website`
    in force: variable `remote_fileserver_hostname` of `gigadb-website`
    note: In the Terraform configuration of `live`, set production = "gigadb-website", so that the next apply agrees.
    "#);
    assert_eq!(stage.simulator.world().normalized(), before);
    // What was taken back is not completed behind anybody's back.
    let output = stage.output(&["resume", &id]);
    assert_eq!(output.status.code(), Some(4), "{}", stage.told(&output));
    assert_eq!(stage.simulator.world().normalized(), before);
}

#[test]
fn a_completed_swap_is_reverted_and_that_again() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    stage.answer(&SWAP);
    let swapped = stage.simulator.world().normalized();
    let id = stage.last_run();
    stage.answer(&["revert", &id]);
    assert_eq!(stage.simulator.world().normalized(), before);
    let back = stage.last_run();
    stage.answer(&["revert", &back]);
    assert_eq!(stage.simulator.world().normalized(), swapped);
}

#[test]
fn nothing_is_done_over_somebodys_later_change() {
    for command in ["resume", "revert"] {
        let stage = Stage::sop();
        let id = partly_applied(&stage);
        let edit = Edit::SetVariable {
            project: world::PROJECT.to_owned(),
            key: "HOME_URL".to_owned(),
            scope: "live".to_owned(),
            value: "https://maintenance.gigadb.org".to_owned(),
        };
        stage.simulator.edit(|world| world.apply(&edit)).unwrap();
        stage.set_record("files.gigadb.org", "192.0.2.7");
        stage.simulator.clear_requests();
        let told = stage.run(&[command, &id]);
        assert!(told.starts_with("exit 4\n"), "{told}");
        assert!(told.contains("https://maintenance.gigadb.org"), "{told}");
        if command == "resume" {
            assert_snapshot!(told, @r"
            exit 4
            -- stderr
            error: 2 objects were changed since this run.
              on:      run `RUN`: A record of `files.gigadb.org`: `203.0.113.12` after the run, now `192.0.2.7`; variable `HOME_URL` of `gigadb-website`: `http://alt-live.gigadb.host` after the run, now `https://maintenance.gigadb.org`
              changed: Nothing was changed.
              next:    Find out who changed it. To go on from how things are now, plan the arrangement that shall hold: `gigadb-roles plan --environment live --production alt-gigadb-website`, or `--production gigadb-website`.
            ");
        } else {
            assert_snapshot!(told, @r"
            exit 4
            -- stderr
            error: 1 object was changed since this run.
              on:      run `RUN`: variable `HOME_URL` of `gigadb-website`: `http://alt-live.gigadb.host` after the run, now `https://maintenance.gigadb.org`
              changed: Nothing was changed.
              next:    Find out who changed it. To go on from how things are now, plan the arrangement that shall hold: `gigadb-roles plan --environment live --production alt-gigadb-website`, or `--production gigadb-website`.
            ");
        }
        assert_eq!(stage.writes(), 0);
    }
}

#[test]
fn a_later_run_is_taken_back_first() {
    let stage = Stage::sop();
    stage.answer(&SWAP);
    stage.answer(&SWAP);
    stage.answer(&SWAP);
    let first = stage.runs().remove(0);
    for command in ["resume", "revert"] {
        let output = stage.output(&[command, &first]);
        let told = stage.told(&output);
        let expected = if command == "resume" { 0 } else { 4 };
        assert_eq!(output.status.code(), Some(expected), "{told}");
    }
}

#[test]
fn what_a_failover_owes_is_settled_by_resuming_it() {
    let stage = Stage::sop();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage
        .simulator
        .fault(gone.api(Api::Gitlab).path_contains("/gigadb-website"));
    let output = stage.output(&FAILOVER);
    assert_eq!(output.status.code(), Some(3), "{}", stage.told(&output));
    let id = stage.last_run();
    let owing = stage.output(&["resume", &id]);
    assert_eq!(owing.status.code(), Some(3), "{}", stage.told(&owing));
    stage.simulator.clear_faults();
    stage.simulator.clear_requests();
    let told = stage.run(&["resume", &id]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert_eq!(stage.writes(), 4);
    let status = stage.answer(&["status", "--environment", "live"]);
    assert!(
        status.contains("consistent  production   alt-gigadb-website"),
        "{status}"
    );
}

#[test]
fn a_run_that_left_nothing_is_neither_completed_nor_taken_back() {
    let stage = Stage::sop();
    let refuse = Fault::new(Effect::Refuse)
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(refuse);
    assert_eq!(stage.output(&SWAP).status.code(), Some(1));
    let id = stage.last_run();
    assert_snapshot!(stage.run(&["resume", &id]), @r"
    exit 1
    -- stderr
    error: The run left nothing in force, so there is nothing to complete.
      on:      run `RUN`
      changed: Nothing was changed.
      next:    Run the command that began it again.
    ");
    assert_snapshot!(stage.run(&["revert", &id]), @r"
    exit 1
    -- stderr
    error: The run left nothing in force, so there is nothing to put back.
      on:      run `RUN`
      changed: Nothing was changed.
      next:    Run `gigadb-roles status` to see where things stand.
    ");
}

#[test]
fn what_is_no_journal_for_this_version_and_topology_is_refused() {
    let stage = Stage::sop();
    stage.answer(&SWAP);
    let id = stage.last_run();
    let topology = fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    stage.write(
        "other.yaml",
        &topology.replace("data_sync: true", "data_sync: false"),
    );
    let file = stage.journals().join(format!("{id}.jsonl"));
    let newer = fs::read_to_string(&file).unwrap().replacen(
        "\"format_version\":4",
        "\"format_version\":9",
        1,
    );
    let mut told = vec![
        stage.run(&["revert", "yesterday"]),
        stage.run(&["revert", "20200101T000000000Z-live-0000"]),
        stage.run(&["revert", &id, "--topology", "other.yaml"]),
    ];
    fs::write(&file, newer).unwrap();
    told.push(stage.run(&["resume", &id]));
    told.push(stage.run(&["history"]));
    fs::write(&file, "").unwrap();
    told.push(stage.run(&["revert", &id]));
    assert_snapshot!(told.join("\n\n"), @r"
    exit 1
    -- stderr
    error: No such run has a journal in `$HOME/.local/state/gigadb/journal`.
      on:      run `yesterday`
      changed: Nothing was changed.
      next:    Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals are.

    exit 1
    -- stderr
    error: No such run has a journal in `$HOME/.local/state/gigadb/journal`.
      on:      run `RUN`
      changed: Nothing was changed.
      next:    Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals are.

    exit 1
    -- stderr
    error: The run was planned from another topology, or the topology changed since.
      on:      run `RUN`
      changed: Nothing was changed.
      next:    Name the topology that it was planned from with --topology, or plan the arrangement that shall hold: `gigadb-roles plan --environment live --production alt-gigadb-website`, or `--production gigadb-website`.

    exit 1
    -- stderr
    error: The journal cannot be read: `$HOME/.local/state/gigadb/journal/RUN.jsonl` is not a journal that this version reads: it has format version 9, and this version knows 4 at most; use the version that wrote it, or a newer one.
      on:      the journal
      changed: Nothing was changed.
      next:    Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals are.

    exit 0
    -- stdout
    No runs have a journal in `$HOME/.local/state/gigadb/journal`.
    -- stderr
    warning: A run is not listed: `$HOME/.local/state/gigadb/journal/RUN.jsonl` is not a journal that this version reads: it has format version 9, and this version knows 4 at most; use the version that wrote it, or a newer one.

    exit 1
    -- stderr
    error: The journal cannot be read: `$HOME/.local/state/gigadb/journal/RUN.jsonl` is not a journal that this version reads: it is empty.
      on:      the journal
      changed: Nothing was changed.
      next:    Name a run that `gigadb-roles history` lists; GIGADB_JOURNAL_DIR says where journals are.
    ");
}

#[test]
fn journals_hold_no_secret_and_are_their_owners() {
    let stage = Stage::sop();
    killed_swap(&stage);
    let mut files = 0;
    for file in fs::read_dir(stage.journals()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.contains("files.gigadb.org"), "{text}");
        for secret in world::PLANTED {
            assert!(!text.contains(secret), "a secret is in the journal: {text}");
        }
        files += 1;
    }
    assert_eq!(files, 1);
}

/// Runs the program where a file may have this many KiB at most, as on a disk that is full then.
fn with_room(stage: &Stage, kibibytes: usize, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_gigadb-roles");
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec {program} \"$@\"");
    let output = Command::new("bash")
        .args(["-c", &script, "gigadb-roles"])
        .args(arguments)
        .env_clear()
        .envs(&stage.environment)
        .current_dir(stage.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    no_secret(&output);
    output
}

#[test]
fn a_disk_that_fills_in_the_middle_undoes_a_swap_and_does_not_stop_a_failover() {
    let measured = Stage::sop();
    measured.answer(&SWAP);
    let file = measured
        .journals()
        .join(format!("{}.jsonl", measured.runs()[0]));
    let journal = fs::read_to_string(file).unwrap();
    let room = journal.lines().next().unwrap().len().div_ceil(1024);
    assert!(
        room * 1024 < journal.len(),
        "the header fits, the rest does not"
    );
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let output = with_room(&stage, room, &SWAP);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the journal could not be written"), "{told}");
    assert_eq!(stage.simulator.world().normalized(), before);
    let output = with_room(&stage, room, &FAILOVER);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("warning: The journal is not complete"),
        "{told}"
    );
    let output = with_room(&Stage::sop(), 0, &SWAP);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn without_room_for_a_journal_a_swap_does_not_begin_and_a_failover_does() {
    let stage = Stage::sop();
    let file = stage.write("no-folder", "");
    let stage = stage.with("GIGADB_JOURNAL_DIR", file.join("journal").to_str().unwrap());
    let told = stage.run(&SWAP);
    let (_, error) = told.split_once("error: ").unwrap();
    assert_snapshot!(error, @r"
    The journal could not be begun: could not create `$HOME/no-folder/journal`: Not a directory (os error 20).
      on:      environment `live`
      changed: Nothing was changed.
      next:    Make room, or name a folder that can be written in `GIGADB_JOURNAL_DIR`, then plan and apply again.
    ");
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert_eq!(stage.writes(), 0);
    let told = stage.run(&FAILOVER);
    assert!(told.starts_with("exit 0\n"), "{told}");
    assert!(told.contains("warning: "), "{told}");
    assert_eq!(stage.writes(), 10);
}

/// A journal that was removed takes every line, and no command finds it: none is named.
#[test]
fn what_nobody_can_go_on_from_is_not_named() {
    let stage = Stage::sop();
    let folder = stage.journals();
    let remove = Fault::hook(move |_| fs::remove_dir_all(&folder).unwrap_or_default());
    let batch = |fault: Fault| fault.api(Api::Cloudflare).method("POST");
    stage.simulator.fault(batch(remove));
    let mut apex = String::new();
    stage.simulator.edit(|world| {
        apex.clone_from(&world.cloudflare.zone_mut("gigadb.org").unwrap().id);
    });
    let refused = batch(Fault::new(Effect::Refuse)).path_contains(&apex);
    stage.simulator.fault(refused.always());
    // What was written before cannot be taken back either.
    let back = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    stage.simulator.fault(back.skip(8).always());
    let told = stage.run(&SWAP);
    assert!(told.starts_with("exit 3\n"), "{told}");
    assert!(
        told.contains("warning: The journal is not complete: ")
            && told.contains(": it is no longer there."),
        "{told}"
    );
    assert!(
        !told.contains("gigadb-roles resume") && !told.contains("gigadb-roles revert"),
        "{told}"
    );
    let next = "next:    Run `gigadb-roles status --environment live`, then `gigadb-roles plan`";
    assert!(told.contains(next), "{told}");
}
