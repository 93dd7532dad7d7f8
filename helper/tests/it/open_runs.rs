//! Runs of which something may still take effect, or took effect although it was told otherwise.

use gigadb_simulator::{Effect, Fault};
use insta::assert_snapshot;

use crate::earlier::killed_swap;
use crate::runs::{SWAP, without_due};
use crate::stage::Stage;

#[test]
fn beside_an_open_run_only_the_same_is_written() {
    let stage = Stage::sop();
    killed_swap(&stage);
    let to = |side: &str, file: &str, further: &[&str]| {
        let plan = ["plan", "-e", "live", "--production", side, "--out", file];
        let output = stage.output(&[&plan[..], further].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stage.told(&output));
        stage.simulator.clear_requests();
        let told = stage.run(&["apply", file]);
        without_due(&told)
    };
    // The way back would be overtaken by what was sent.
    let back = to("gigadb-website", "back.json", &[]);
    let open = stage.simulator.world().normalized();
    let error = back.split_once("error: ").unwrap().1;
    let until = error.split_once("until ").unwrap().1;
    let until = until.split_once(" UTC").unwrap().0;
    assert_snapshot!(error.replace(until, "TIME"), @r"
    Run RUN sent other values, which may still take effect until TIME UTC.
      on:      environment `live`: A record of `alt-live.gigadb.host`, A record of `bastion.alt-live.gigadb.host`, A record of `portainer.alt-live.gigadb.host`
      changed: Nothing was changed.
      next:    Complete that run with `gigadb-roles resume RUN`, or wait until TIME UTC and plan again.
    ");
    assert_eq!(stage.writes(), 0);
    // The way forth writes the same.
    let forth = to("alt-gigadb-website", "forth.json", &[]);
    assert!(forth.starts_with("exit 0\n"), "{forth}");
    assert_ne!(stage.simulator.world().normalized(), open);
    // The first run's request may still come, whatever the second did.
    let back = to("gigadb-website", "again.json", &[]);
    assert!(back.contains("sent other values"), "{back}");
    assert_eq!(stage.writes(), 0);
    let waive = ["--override", "one-swap-at-a-time"];
    let waived = to("gigadb-website", "waived.json", &waive);
    assert!(waived.starts_with("exit 0\n"), "{waived}");
    assert!(waived.contains("This run goes on beside it."), "{waived}");
}

#[test]
fn a_failover_does_not_wait_for_an_open_run() {
    let stage = Stage::sop();
    killed_swap(&stage);
    let told = stage.run(&[
        "failover",
        "-e",
        "live",
        "--production",
        "gigadb-website",
        "--yes",
    ]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    let warned = "Run RUN sent other values, which may still take effect until ";
    assert!(told.contains(warned), "{told}");
}

/// A swap that ended with "everything reads as before", whose last batch takes effect after all,
/// long after anybody waited for it.
fn told_wrongly(stage: &Stage) -> String {
    let swapped = Stage::sop();
    swapped.answer(&SWAP);
    let swapped = swapped.simulator.world();
    let zone = swapped.cloudflare.zone("gigadb.org").unwrap().id.clone();
    let batch = Fault::new(Effect::Refuse)
        .method("POST")
        .path_contains(&zone);
    stage.simulator.fault(batch.always());
    let output = stage.output(&SWAP);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("reads as before"), "{told}");
    stage.simulator.clear_faults();
    stage.simulator.edit(|world| {
        for (name, address) in swapped.cloudflare.a_records() {
            // `rounds.gigadb.org` has two, and is none of ours.
            if name.ends_with("gigadb.org") && !name.starts_with("rounds.") {
                let record = world.cloudflare.record_mut(name, "A").unwrap();
                address.clone_into(&mut record.content);
            }
        }
    });
    stage.last_run()
}

#[test]
fn a_run_that_was_told_wrongly_is_completed_and_taken_back() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let id = told_wrongly(&stage);
    assert_ne!(stage.simulator.world().normalized(), before);
    let history = stage.answer(&["history"]);
    assert!(history.contains("put back"), "{history}");
    let told = without_due(&stage.run(&["resume", &id]));
    assert!(
        told.starts_with(
            "exit 0\n-- stdout\nCompleted the run of live: production is alt-gigadb-website, hot \
             standby is gigadb-website. Changed 3 records and 8 variables"
        ),
        "{told}"
    );
    let status = stage.answer(&["status", "-e", "live"]);
    assert!(status.contains("consistent"), "{status}");

    let stage = Stage::sop();
    let id = told_wrongly(&stage);
    let told = stage.run(&["revert", &id]);
    assert!(
        told.starts_with(
            "exit 0\n-- stdout\nTook back the run of live: production is gigadb-website, hot \
             standby is alt-gigadb-website. Changed "
        ),
        "{told}"
    );
    let after = stage.simulator.world().normalized();
    assert_eq!(after.cloudflare.a_records(), before.cloudflare.a_records());
    assert!(after == before, "something else is not as before");
}
