//! A clock that somebody, or the network, sets while a write is open: the program runs under Debian's
//! `faketime`, which reads its offset from a file at every look at the clock.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{Effect, Fault};

use crate::earlier::killed_swap;
use crate::release;
use crate::runs::SWAP;
use crate::stage::{Stage, not_run};

const AHEAD: &str = "+1d";
const BACK: &str = "-1d";

/// How long a write is open on every stage: `GIGADB_OPEN_FOR`.
const OPEN_FOR: Duration = Duration::from_secs(30);
/// The same, less what passes between two looks of a test.
const AT_LEAST: Duration = Duration::from_secs(27);

/// Where the library is, whatever machine this is.
fn library() -> Option<PathBuf> {
    let places = fs::read_dir("/usr/lib").ok()?.flatten();
    places
        .map(|place| place.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
}

/// The program with a clock of its own, which [`set`] sets; nothing where there is no `faketime`.
fn start(stage: &Stage, arguments: &[&str]) -> Option<Child> {
    let Some(library) = library() else {
        not_run("a clock that is set while a write is open: faketime is not installed");
        return None;
    };
    let child = stage
        .command(arguments)
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", stage.write("clock", "+0"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Some(child.unwrap())
}

fn set(folder: &Path, offset: &str) {
    fs::write(folder.join("clock"), offset).unwrap();
}

/// Waits until the program asks nothing more; returns since when.
fn quiet(stage: &Stage) -> Instant {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let asked = stage.simulator.requests().len();
        if asked != seen {
            (seen, since) = (asked, Instant::now());
        }
        // Pauses between two sendings are shorter.
        if seen > 0 && since.elapsed() > Duration::from_secs(5) {
            return since;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A swap whose last batch a gateway refuses again and again, so that nothing tells whether it was
/// carried out: the run waits until it can no longer be, and the clock is set meanwhile.
fn a_swap_waits_as_long_under(offset: &str) {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let zone = &before.cloudflare.zone("gigadb.org").unwrap().id;
    let edge = Fault::new(Effect::BadGateway)
        .method("POST")
        .path_contains(zone);
    stage.simulator.fault(edge.always());
    let Some(child) = start(&stage, &SWAP) else {
        return;
    };
    let since = quiet(&stage);
    set(stage.folder(), offset);
    let output = child.wait_with_output().unwrap();
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let waited = since.elapsed();
    assert!(waited >= AT_LEAST, "{waited:?}");
    assert!(waited < OPEN_FOR + Duration::from_secs(10), "{waited:?}");
    assert!(told.contains("everything reads as before"), "{told}");
    assert!(stage.simulator.world().normalized() == before, "{told}");

    // Under the machine's own clock, its record is read as what it is.
    stage.simulator.clear_faults();
    let history = stage.answer(&["history"]);
    assert!(history.contains("put back"), "{history}");
    assert!(!history.contains("open until"), "{history}");
    let again = stage.run(&SWAP);
    assert!(again.starts_with("exit 0\n"), "{again}");
    assert!(stage.simulator.world().normalized() != before);
}

#[test]
fn a_swap_waits_as_long_when_the_clock_is_set_ahead() {
    a_swap_waits_as_long_under(AHEAD);
}

#[test]
fn a_swap_waits_as_long_when_the_clock_is_set_back() {
    a_swap_waits_as_long_under(BACK);
}

/// Nothing is put back while what a killed run sent may still be carried out, whatever the clock says.
fn a_revert_waits_as_long_under(offset: &str) {
    if library().is_none() {
        return not_run("a clock that is set while a run is taken back: faketime is not installed");
    }
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let id = killed_swap(&stage);
    let killed = Instant::now();
    stage.simulator.clear_requests();
    let mut child = start(&stage, &["revert", &id]).unwrap();
    // It says so, and then it waits.
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut waits = String::new();
    told.read_line(&mut waits).unwrap();
    assert!(
        waits.contains(" may still take effect: waiting until"),
        "{waits}"
    );
    assert_eq!(stage.writes(), 0, "it did not wait");
    set(stage.folder(), offset);
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    let code = child.wait().unwrap().code();
    let waited = killed.elapsed();
    assert!(waited >= AT_LEAST, "{waited:?}");
    if offset == BACK {
        // Under a clock from before the journal, what it names may be open as long again: refused, and
        // nothing is changed. Once the clock is right, it is over.
        assert_eq!(code, Some(1), "{rest}");
        assert!(rest.contains("sent other values"), "{rest}");
        assert!(rest.contains("Nothing was changed."), "{rest}");
        assert_eq!(stage.writes(), 0);
        rest = stage.answer(&["revert", &id]);
    } else {
        assert_eq!(code, Some(0), "{rest}");
    }
    assert!(stage.simulator.world().normalized() == before, "{rest}");
    let status = stage.answer(&["status", "-e", "live"]);
    assert!(status.contains("consistent"), "{status}");
}

#[test]
fn a_run_is_taken_back_no_earlier_when_the_clock_is_set_ahead() {
    a_revert_waits_as_long_under(AHEAD);
}

#[test]
fn a_run_is_taken_back_once_a_clock_that_was_set_back_is_right() {
    a_revert_waits_as_long_under(BACK);
}

/// Two operators take the steps of a release in turn, and their clocks are two hours apart.
#[test]
fn two_operators_whose_clocks_differ_make_one_release() {
    let Some(library) = library() else {
        return not_run("two operators whose clocks differ: faketime is not installed");
    };
    for (mine, theirs) in [("-1h", "+1h"), ("+1h", "-1h")] {
        let library = library.to_str().unwrap();
        let stage = release::stage()
            .with("LD_PRELOAD", library)
            .with("FAKETIME", mine);
        let mut stage = stage.with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        release::start(&stage, "complex");
        release::confirm(&stage, "embargo", "Ada");
        let steps = [
            "pause-sync",
            "backup",
            "restore",
            "deploy-standby",
            "validate-technical",
            "validate-business",
            "prepare",
            "rebuild",
            "probe",
            "swap",
            "verify",
            "backup-on",
            "deploy-former",
            "sync-on",
            "lift-embargo",
            "table",
        ];
        for (number, step) in steps.into_iter().enumerate() {
            stage = stage.with("FAKETIME", if number % 2 == 0 { theirs } else { mine });
            match step {
                "validate-technical" | "validate-business" => {
                    release::confirm(&stage, step, step);
                }
                "probe" | "lift-embargo" | "table" => release::confirm(&stage, step, "Ada"),
                _ => {
                    let told = release::next(&stage);
                    let done = format!("Step `{step}` is done");
                    assert!(told.contains(&done), "{mine} {step}: {told}");
                }
            }
        }
        let told = release::release(&stage, 0, &["finish"]);
        assert!(told.contains("Nothing of it is open."), "{told}");
    }
}
