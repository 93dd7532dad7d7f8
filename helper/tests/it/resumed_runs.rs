//! Runs that were resumed, and ways back that were: each is one run with what completed it.

use std::fs;

use gigadb_simulator::{Api, Edit, Effect, Fault, world};

use crate::earlier::partly_applied;
use crate::runs::{FAILOVER, SWAP};
use crate::stage::Stage;

fn exits(stage: &Stage, code: i32, arguments: &[&str]) -> String {
    let output = stage.output(arguments);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    told
}

#[test]
fn a_run_and_what_completed_it_are_taken_back_as_one() {
    for named in ["the first", "the last", "--last"] {
        let stage = Stage::sop();
        let before = stage.simulator.world().normalized();
        let first = partly_applied(&stage);
        stage.answer(&["resume", &first]);
        let last = stage.last_run();
        let which = match named {
            "the first" => &first,
            "the last" => &last,
            _ => "--last",
        };
        let told = exits(&stage, 0, &["revert", which, "-y"]);
        assert!(
            told.contains("Run RUN was resumed by run RUN: they are taken as one."),
            "{told}"
        );
        assert!(
            told.contains("Took back the run of live: production is gigadb-website"),
            "{told}"
        );
        assert!(stage.simulator.world().normalized() == before, "{named}");
        let told = exits(&stage, 1, &["revert", "--last", "-y"]);
        assert!(told.contains("put back what run RUN had changed"), "{told}");
        exits(&stage, 1, &["resume", "--last", "-y"]);
    }
}

#[test]
fn a_way_back_that_another_one_completed_is_not_taken_back_alone() {
    let batch = || {
        Fault::new(Effect::Refuse)
            .api(Api::Cloudflare)
            .method("POST")
    };
    // The first way back is put back itself, or leaves half of it.
    for refused in [batch(), batch().skip(1).always()] {
        let stage = Stage::sop();
        let before = stage.simulator.world().normalized();
        stage.answer(&SWAP);
        let swap = stage.last_run();
        stage.simulator.fault(refused);
        let output = stage.output(&["revert", &swap]);
        assert_ne!(output.status.code(), Some(0), "{}", stage.told(&output));
        stage.simulator.clear_faults();
        let first = stage.last_run();
        exits(&stage, 0, &["revert", &swap]);
        assert!(stage.simulator.world().normalized() == before);
        for command in ["revert", "resume"] {
            stage.simulator.clear_requests();
            let output = stage.output(&[command, &first, "-y"]);
            let told = stage.told(&output);
            assert!(
                output.status.code() != Some(3) && stage.writes() == 0,
                "{command}: {told}"
            );
        }
        assert!(stage.simulator.world().normalized() == before);
    }
}

#[test]
fn a_zone_that_two_runs_wrote_is_taken_back_in_one_batch() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let edit = Edit::SetRecord {
        name: "gigadb.org".to_owned(),
        kind: "A".to_owned(),
        content: "198.51.100.10".to_owned(),
    };
    let lost = Fault::new(Effect::EditAfter(vec![edit]));
    let lost = lost.api(Api::Cloudflare).method("POST").skip(1);
    stage.simulator.fault(lost);
    exits(&stage, 5, &SWAP);
    exits(&stage, 0, &["resume", "--last", "-y"]);
    stage.simulator.clear_requests();
    let told = exits(&stage, 0, &["revert", "--last", "-y"]);
    assert_eq!(
        told.matches("zone gigadb.org (one batch").count(),
        1,
        "{told}"
    );
    let requests = stage.simulator.requests();
    let batches = requests
        .iter()
        .filter(|one| one.template.ends_with("/batch"));
    assert_eq!(batches.count(), 2, "{told}");
    assert!(stage.simulator.world().normalized() == before);
}

#[test]
fn what_a_later_run_changed_is_no_riddle() {
    let stage = Stage::sop();
    let first = partly_applied(&stage);
    exits(&stage, 0, &["revert", &first]);
    let told = exits(&stage, 4, &["resume", &first]);
    assert!(
        told.contains("A later run changed the same environment: RUN"),
        "{told}"
    );
    assert!(!told.contains("Find out who"), "{told}");
}

#[test]
fn a_run_is_taken_back_behind_one_that_was_taken_back_in_pieces() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    stage.answer(&SWAP);
    let first = stage.last_run();
    stage.answer(&SWAP);
    let second = stage.last_run();
    let refuse = Fault::new(Effect::Refuse).api(Api::Gitlab).method("PUT");
    stage.simulator.fault(refuse.skip(2).always());
    exits(&stage, 3, &["revert", &second]);
    stage.simulator.clear_faults();
    exits(&stage, 0, &["revert", &second]);
    exits(&stage, 0, &["revert", &first]);
    assert!(stage.simulator.world().normalized() == before);
}

#[test]
fn a_failover_is_taken_back_with_what_was_owed() {
    let stage = Stage::sop();
    let before = stage.simulator.world().normalized();
    let gone = Fault::new(Effect::ResetBeforeCommit).always();
    stage
        .simulator
        .fault(gone.api(Api::Gitlab).path_contains("/gigadb-website"));
    exits(&stage, 3, &FAILOVER);
    stage.simulator.clear_faults();
    exits(&stage, 0, &["resume", "--last", "-y"]);
    exits(&stage, 0, &["revert", "--last", "-y"]);
    assert!(stage.simulator.world().normalized() == before);
}

#[test]
fn a_way_back_that_was_cut_short_is_completed_to_where_it_was_going() {
    // As many stages as there are: behind each, the way back stops once.
    for refused in [
        Fault::new(Effect::Refuse)
            .api(Api::Cloudflare)
            .method("POST"),
        Fault::new(Effect::Refuse)
            .api(Api::Cloudflare)
            .method("POST")
            .skip(1),
        Fault::new(Effect::Refuse)
            .api(Api::Gitlab)
            .method("PUT")
            .skip(2),
    ] {
        let stage = Stage::sop();
        // One variable was ahead of the roles before anything ran, so no run has a step for it.
        let edit = Edit::SetVariable {
            project: world::PROJECT.to_owned(),
            key: "REMOTE_HOSTNAME".to_owned(),
            scope: "live".to_owned(),
            value: "alt-live.gigadb.host".to_owned(),
        };
        stage.simulator.edit(|world| world.apply(&edit)).unwrap();
        let before = stage.simulator.world().normalized();
        let plan = [
            "plan",
            "-e",
            "live",
            "--production",
            "alt-gigadb-website",
            "--out",
            "forth",
        ];
        exits(&stage, 2, &plan);
        exits(&stage, 0, &["apply", "forth"]);
        stage.simulator.fault(refused);
        let back = ["revert", "--last", "-y"];
        let output = stage.output(&back);
        let told = stage.told(&output);
        stage.simulator.clear_faults();
        // What was mixed before is mixed again, and is told as that.
        let told = if output.status.code() == Some(1) {
            // Everything was put back: the swap stands, and the way back is begun anew.
            exits(&stage, 3, &back)
        } else {
            assert_eq!(output.status.code(), Some(3), "{told}");
            let told = exits(&stage, 1, &back);
            assert!(told.contains("and did not complete"), "{told}");
            assert!(told.contains("gigadb-roles resume RUN"), "{told}");
            let told = exits(&stage, 3, &["resume", "--last", "-y"]);
            assert!(
                told.contains("Completed the run of live. Changed"),
                "{told}"
            );
            told
        };
        assert!(told.contains("live is mixed now: "), "{told}");
        assert!(stage.simulator.world().normalized() == before, "{told}");
        let told = exits(&stage, 1, &back);
        assert!(told.contains("put back what run RUN had changed"), "{told}");
    }
}

#[test]
fn a_run_whose_first_journal_is_gone_says_so() {
    let stage = Stage::sop();
    let first = partly_applied(&stage);
    stage.answer(&["resume", &first]);
    fs::remove_file(stage.journals().join(format!("{first}.jsonl"))).unwrap();
    let told = exits(&stage, 3, &["revert", "--last", "-y"]);
    assert!(
        told.contains("Run RUN, which run RUN resumed, was not considered: could not read"),
        "{told}"
    );
    assert_eq!(told.matches("was not considered").count(), 1, "{told}");
    assert!(told.contains("live is mixed now: "), "{told}");
}

#[test]
fn a_journal_without_its_end_accuses_nobody() {
    let stage = Stage::sop();
    let before = stage.simulator.world();
    let id = partly_applied(&stage);
    stage.simulator.edit(|world| *world = before);
    // What was written was put back, and the disk was full when that was to be noted.
    let path = stage.journals().join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&path).unwrap();
    let noted = text
        .lines()
        .take_while(|line| !line.contains("\"finished\""));
    let noted: Vec<&str> = noted.collect();
    fs::write(&path, noted.join("\n") + "\n").unwrap();
    let told = exits(&stage, 4, &["resume", &id]);
    assert!(
        told.contains("by the run itself or by somebody else: the journal lacks the run's end."),
        "{told}"
    );
    assert!(!told.contains("Find out who"), "{told}");
    let plan = "`gigadb-roles plan --environment live --production alt-gigadb-website`, or \
                `--production gigadb-website`";
    assert!(told.contains(plan), "{told}");
}
