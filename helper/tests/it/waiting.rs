//! Waits on a terminal: a line says for what, and until when; Ctrl-C is answered while they last.

use gigadb_simulator::{Api, Effect, Fault};

use crate::{
    lease::locked,
    release::{confirm, document, release, stage, start, trace},
    stage::Stage,
};

const RECORD: &str = "terraform/state/release-live";

fn hangs(stage: &Stage, fault: Fault) {
    stage.simulator.fault(fault.always());
}

/// Whatever hangs, at every command that reads it.
#[test]
fn every_wait_says_what_for_and_until_when() {
    let all = |api| Fault::new(Effect::Hang).api(api);
    let read = "Reading what is there, each answer within 60 s at most";
    let check = "Asking Cloudflare, GitLab and AWS, each answer within 60 s at most";
    let record = "Reading the record of the release, until ";
    let init = [
        "init",
        "--out",
        "other.yaml",
        "--project",
        "gigascience/upstream/gigadb-website",
    ];
    for (api, arguments, line) in [
        (Api::Cloudflare, &["check"][..], check),
        (Api::Gitlab, &["check"], check),
        (Api::Ec2, &["check"], check),
        (Api::Cloudflare, &init, read),
        (Api::Gitlab, &init, read),
        (Api::Ec2, &init, read),
        (
            Api::Gitlab,
            &["unlock", "gigadb-1:x"],
            "Asking GitLab who holds the lease, each",
        ),
        (
            Api::Gitlab,
            &["history"],
            "Asking GitLab for the runs of other machines, until ",
        ),
        (Api::Gitlab, &["release", "status", "-e", "live"], record),
        (Api::Gitlab, &["release", "next", "-e", "live"], record),
        (Api::Gitlab, &["release", "finish", "-e", "live"], record),
    ] {
        let stage = if arguments[0] == "release" {
            stage()
        } else {
            locked()
        };
        hangs(&stage, all(api));
        let mut terminal = stage.on_terminal(120, arguments);
        terminal.wait_for(line);
        terminal.keys("\u{3}");
        let (code, shown) = terminal.end();
        assert_eq!(code, 130, "{api:?} {arguments:?}: {shown}");
        assert!(
            shown.contains("interrupted:"),
            "{api:?} {arguments:?}: {shown}"
        );
    }
}

/// What is written is not cut off: that is said at once, and a second Ctrl-C ends it.
#[test]
fn ctrl_c_is_answered_while_the_record_is_written() {
    let write = |method| Fault::new(Effect::Hang).api(Api::Gitlab).method(method);
    for (fault, changed) in [
        (
            write("POST").template("/projects/{id}/terraform/state/{name}"),
            "may have been carried",
        ),
        (write("DELETE"), "may have been carried"),
    ] {
        let stage = stage();
        start(&stage, "complex");
        hangs(&stage, fault.path_contains(RECORD));
        let words = ["release", "confirm", "embargo", "-e", "live", "--by", "Ada"];
        let mut terminal = stage.on_terminal(120, &words);
        terminal.wait_for("Writing the record of the release, each answer within 60 s at most");
        terminal.keys("\u{3}");
        terminal.wait_for("Stopping: what is under way is written down first.");
        terminal.keys("\u{3}");
        let (code, shown) = terminal.end();
        assert_eq!(code, 3, "{shown}");
        assert!(shown.contains(changed), "{shown}");
        assert!(
            shown.contains("`gigadb-roles release status -e live`"),
            "{shown}"
        );
    }
}

/// The command may restore a database: it is not started once somebody has said stop.
#[test]
fn what_is_stopped_while_its_begin_is_written_is_not_begun() {
    let stage = stage();
    start(&stage, "complex");
    confirm(&stage, "embargo", "Ada");
    let slow = Fault::new(Effect::Delay { ms: 2000 }).api(Api::Gitlab);
    let slow = slow.method("DELETE").path_contains(RECORD);
    stage.simulator.fault(slow.times(1));
    let words = ["release", "next", "-e", "live", "--yes"];
    let mut terminal = stage.on_terminal(120, &words);
    terminal.wait_for("Writing the record of the release");
    terminal.keys("\u{3}");
    terminal.wait_for("Stopping: what is under way is written down first.");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("It was stopped before it began."), "{shown}");
    assert!(shown.contains("\nNothing was run."), "{shown}");
    assert_eq!(trace(&stage), "");
    let steps = document(&stage)["steps"].to_string();
    assert!(!steps.contains("\"begun\""), "{steps}");
    // And is taken up again.
    let told = release(&stage, 0, &["next", "--yes"]);
    assert!(told.contains("Step `pause-sync` is done"), "{told}");
}

/// The probes have answered; what is waited for is another thing.
#[test]
fn giving_the_lease_back_is_told_as_that() {
    let stage = locked();
    let slow = Fault::new(Effect::Delay { ms: 1500 }).api(Api::Gitlab);
    stage
        .simulator
        .fault(slow.method("DELETE").path_contains("gigadb-roles-live"));
    let terminal = stage.on_terminal(120, &["swap", "-e", "live", "--yes"]);
    terminal.wait_for("the lease is given back, until ");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

/// Environments besides are asked beside each other, and not once somebody has said stop.
#[test]
fn where_no_release_is_under_way_the_others_are_asked_as_long_as_nobody_says_stop() {
    let stage = stage();
    let other = Fault::new(Effect::Hang).api(Api::Gitlab);
    hangs(&stage, other.path_contains("release-staging"));
    let mut terminal = stage.on_terminal(120, &["release", "next", "-e", "live", "--yes"]);
    terminal.wait_for("Reading the record of the release, until ");
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
}
