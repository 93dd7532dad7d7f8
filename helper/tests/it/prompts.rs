//! Questions, on a terminal.

use std::time::{Duration, Instant};

use gigadb_simulator::{Api, Effect, Fault};

use crate::{lease, runs, stage::Stage};

const SWAP: [&str; 3] = ["swap", "--environment", "live"];
const FAILOVER: [&str; 5] = [
    "failover",
    "-e",
    "live",
    "--production",
    "alt-gigadb-website",
];
const QUESTION: &str = "Type `gigadb.org` to trade the roles: ";

#[test]
fn the_apex_typed_right_swaps() {
    let stage = Stage::sop();
    let mut terminal = stage.on_terminal(200, &SWAP);
    terminal.wait_for(QUESTION);
    assert!(stage.writes() == 0);
    terminal.keys("gigadb.org\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.contains("Swapped live: production is alt-gigadb-website"),
        "{shown}"
    );
    assert!(
        shown.contains("in force: 5 records of zone `gigadb.org`"),
        "{shown}"
    );
}

/// Whoever waits is told for what, and until when, from half a second on; and can leave.
#[test]
fn a_reading_that_takes_long_is_told_while_it_lasts() {
    for arguments in [
        &SWAP[..],
        &["plan", "-e", "live", "--swap"],
        &FAILOVER,
        &["status", "-e", "live"],
        &["exec", "-e", "live", "--role", "production", "--", "true"],
    ] {
        let stage = Stage::sop();
        let hang = Fault::new(Effect::Hang).always();
        stage.simulator.fault(hang.api(Api::Cloudflare));
        let mut terminal = stage.on_terminal(100, arguments);
        terminal.wait_for("Reading what is there, until ");
        terminal.wait_for(" UTC at most");
        terminal.keys("\u{3}");
        let (code, shown) = terminal.end();
        assert_eq!(code, 130, "{arguments:?}: {shown}");
        assert!(shown.contains("interrupted:"), "{shown}");
    }
    // What is quick is not told, whatever this machine takes for a start.
    let stage = Stage::sop();
    let began = Instant::now();
    let (_, shown) = stage.on_terminal(100, &["status", "-e", "live"]).end();
    let quick = began.elapsed() < Duration::from_millis(500);
    assert!(
        !quick || !shown.contains("Reading what is there"),
        "{shown}"
    );
}

#[test]
fn a_lease_that_takes_long_is_told_while_it_lasts() {
    let stage = lease::locked();
    let hang = Fault::new(Effect::Hang).api(Api::Gitlab).method("POST");
    let lock = "/projects/{id}/terraform/state/{name}/lock";
    stage.simulator.fault(hang.template(lock).always());
    let mut terminal = stage.on_terminal(100, &runs::SWAP);
    terminal.wait_for("the lease is asked for, until ");
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
}

/// The plan has scrolled away on a small terminal: what is decided stands right above the question.
#[test]
fn the_last_lines_before_the_question_say_what_is_decided() {
    for (arguments, gitlab, expected) in [
        (
            &SWAP[..],
            true,
            "production: gigadb-website (Hong Kong) -> alt-gigadb-website (Sydney)\n\
             written: 8 records and 8 variables; 0 warnings\n\
             Type `gigadb.org` to trade the roles: ",
        ),
        (
            &FAILOVER[..],
            false,
            "production: gigadb-website (Hong Kong) -> alt-gigadb-website (Sydney)\n\
             written: 8 records; owed: 8 items; 2 warnings\n\
             Type `gigadb.org` to make `alt-gigadb-website` production: ",
        ),
    ] {
        let stage = Stage::sop();
        if !gitlab {
            let gone = Fault::new(Effect::ResetBeforeCommit).always();
            stage.simulator.fault(gone.api(Api::Gitlab));
        }
        let mut terminal = stage.on_terminal(80, arguments);
        terminal.wait_for("Type `gigadb.org`");
        terminal.keys("\n");
        let (_, shown) = terminal.end();
        assert!(shown.contains(expected), "{shown:?}");
    }
}

#[test]
fn from_and_to_and_states_have_colors_on_a_terminal_only() {
    let stage = Stage::sop();
    let plan = ["plan", "-e", "live", "--swap"];
    let (_, shown) = stage.on_terminal(200, &plan).end();
    let colored = "gigadb.org: \u{1b}[31m198.51.100.10\u{1b}[0m -> \u{1b}[32m203.0.113.10\u{1b}[0m";
    assert!(shown.contains(colored), "{shown:?}");
    let (_, shown) = stage.on_terminal(200, &["status"]).end();
    assert!(shown.contains("\u{1b}[32mconsistent\u{1b}[0m"), "{shown:?}");
    let always = stage.answer(&["status", "--color", "always"]);
    assert!(
        always.contains("\u{1b}[32mconsistent\u{1b}[0m"),
        "{always:?}"
    );
    for plain in [
        stage.answer_with(2, &plan),
        stage.answer(&["status"]),
        stage
            .with("NO_COLOR", "1")
            .on_terminal(200, &["status"])
            .end()
            .1,
    ] {
        assert!(!plain.contains("\u{1b}[3"), "{plain:?}");
    }
}

#[test]
fn anything_else_changes_nothing() {
    for (keys, exit) in [
        ("gigadb.host\n", 1),
        ("GIGADB.ORG\n", 1),
        ("yes\n", 1),
        ("\n", 1),
        // End of input.
        ("\u{4}", 1),
        // Ctrl-C.
        ("\u{3}", 130),
    ] {
        let stage = Stage::sop();
        let mut terminal = stage.on_terminal(200, &SWAP);
        terminal.wait_for(QUESTION);
        terminal.keys(keys);
        let (code, shown) = terminal.end();
        assert_eq!(code, exit, "{keys:?}: {shown}");
        assert!(shown.contains("Nothing was changed."), "{keys:?}: {shown}");
        assert!(stage.writes() == 0, "{keys:?}");
    }
}

#[test]
fn a_failover_asks_as_well() {
    let failover = [
        "failover",
        "--environment",
        "live",
        "--production",
        "alt-gigadb-website",
    ];
    let question = "Type `gigadb.org` to make `alt-gigadb-website` production: ";
    for (keys, exit) in [
        ("\u{3}", 130),
        ("alt-gigadb-website\n", 1),
        ("gigadb.org\n", 0),
    ] {
        let stage = Stage::sop();
        let mut terminal = stage.on_terminal(200, &failover);
        terminal.wait_for(question);
        terminal.keys(keys);
        let (code, shown) = terminal.end();
        assert_eq!(code, exit, "{keys:?}: {shown}");
        assert_eq!(stage.writes() > 0, exit == 0, "{keys:?}");
    }
}

#[test]
fn what_goes_on_from_an_earlier_run_asks_as_well() {
    for (command, side) in [
        ("resume", "alt-gigadb-website"),
        ("revert", "gigadb-website"),
    ] {
        let stage = Stage::sop();
        let refuse = Fault::new(Effect::Refuse).api(Api::Cloudflare);
        stage.simulator.fault(refuse.method("POST"));
        let swap = [&runs::SWAP[..], &["--on-failure", "stop"]].concat();
        assert_eq!(stage.output(&swap).status.code(), Some(3));
        let id = stage.last_run();
        let question = format!("Type `gigadb.org` to make `{side}` production: ");
        let before = (stage.simulator.world(), stage.writes());
        for (keys, exit) in [("\u{3}", 130), ("\u{4}", 1), ("gigadb\n", 1)] {
            let mut terminal = stage.on_terminal(200, &[command, &id]);
            terminal.wait_for(&question);
            terminal.keys(keys);
            let (code, shown) = terminal.end();
            assert_eq!(code, exit, "{command} {keys:?}: {shown}");
            assert!(shown.contains("Nothing was changed."), "{shown}");
            assert!(
                before == (stage.simulator.world(), stage.writes()),
                "{shown}"
            );
        }
        // Nothing was lost: the same id still does it.
        let mut terminal = stage.on_terminal(200, &[command, &id]);
        terminal.wait_for(&question);
        terminal.keys("gigadb.org\n");
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{shown}");
    }
}

#[test]
fn a_lease_is_deleted_only_when_that_is_typed() {
    let stage = lease::locked();
    lease::hold(&stage);
    let question = "Type `unlock` to delete this lease: ";
    for (keys, exit) in [("\u{3}", 130), ("\u{4}", 1), ("yes\n", 1), ("unlock\n", 0)] {
        assert_eq!(lease::holder(&stage).as_deref(), Some(lease::THEIRS));
        let mut terminal = stage.on_terminal(200, &["unlock", lease::THEIRS]);
        terminal.wait_for(question);
        terminal.keys(keys);
        let (code, shown) = terminal.end();
        assert_eq!(code, exit, "{keys:?}: {shown}");
        let kept = shown.contains("Nothing was changed.");
        assert_eq!(kept, exit != 0, "{keys:?}: {shown}");
    }
    assert_eq!(lease::holder(&stage), None);
}

#[test]
fn a_narrow_terminal_shows_what_is_under_way_on_one_line() {
    let stage = Stage::sop();
    let slow = Fault::new(Effect::Delay { ms: 700 })
        .api(Api::Cloudflare)
        .method("POST");
    stage.simulator.fault(slow);
    let mut terminal = stage.on_terminal(40, &SWAP);
    terminal.wait_for("Type `gigadb.org`");
    terminal.keys("gigadb.org\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let passing: Vec<&str> = shown
        .split(['\r', '\n'])
        .filter(|line| line.starts_with("8/10, "))
        .collect();
    assert!(!passing.is_empty(), "{shown:?}");
    assert!(
        passing.iter().all(|line| line.chars().count() < 40),
        "{passing:?}"
    );
}

#[test]
fn the_second_ctrl_c_ends_at_once_and_says_what_that_means() {
    let stage = Stage::sop();
    let hang = Fault::new(Effect::CommitThenHang)
        .api(Api::Cloudflare)
        .method("POST")
        .always();
    stage.simulator.fault(hang);
    let mut terminal = stage.on_terminal(200, &SWAP);
    terminal.wait_for(QUESTION);
    terminal.keys("gigadb.org\n");
    terminal.wait_for("8/10, ");
    terminal.keys("\u{3}");
    terminal.wait_for("Press Ctrl-C again to end at once");
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("Ended at once."), "{shown}");
    assert!(shown.contains("gigadb-roles resume 2"), "{shown}");
}
