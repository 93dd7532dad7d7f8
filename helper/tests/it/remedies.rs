//! What a run that did not go as planned says to do first: what its cause asks for.

use gigadb_simulator::{Api, Edit, Effect, Fault, LoggedRequest};

use crate::runs::{FAILOVER, SWAP};
use crate::stage::Stage;

const WAIT: Effect = Effect::RateLimited {
    retry_after: Some(300),
};
const STOP: [&str; 6] = ["swap", "-e", "live", "--yes", "--on-failure", "stop"];

/// What is asked, what is answered to which write, the exit status, and what the advice is made of.
type Case<'a> = (&'a [&'a str], Fault, i32, [&'a str; 2]);

fn batch(effect: Effect) -> Fault {
    Fault::new(effect).api(Api::Cloudflare).method("POST")
}

fn variable(effect: Effect) -> Fault {
    Fault::new(effect).api(Api::Gitlab).method("PUT")
}

#[test]
fn the_advice_begins_with_what_the_cause_asks_for() {
    let wait = "next:    Wait until ";
    let token = "next:    Give the token Zone: Read and DNS: Edit ";
    let cases: [Case<'_>; 9] = [
        (&SWAP, batch(WAIT), 1, [wait, "Then run the swap again."]),
        (
            &SWAP,
            batch(WAIT).skip(1),
            1,
            [wait, "Then run the swap again."],
        ),
        (&SWAP, variable(WAIT), 1, [wait, "Then run the swap again."]),
        (
            &SWAP,
            variable(WAIT).skip(3),
            1,
            [wait, "Then run the swap again."],
        ),
        (
            &FAILOVER,
            batch(WAIT),
            1,
            [wait, "Then run the failover again."],
        ),
        (
            &STOP,
            batch(WAIT).skip(1),
            3,
            [
                wait,
                "Then complete it with `gigadb-roles resume RUN`, or go back",
            ],
        ),
        (
            &SWAP,
            batch(Effect::Refuse),
            1,
            [token, "(My Profile, API Tokens). Then run the swap again."],
        ),
        (
            &STOP,
            batch(Effect::Refuse).skip(1),
            3,
            [
                token,
                "Then complete it with `gigadb-roles resume RUN`, or go back",
            ],
        ),
        (
            &SWAP,
            variable(Effect::Refuse),
            1,
            [
                "next:    Give the token scope `api` and the role Maintainer in `",
                "Then run the swap",
            ],
        ),
    ];
    for (index, (arguments, fault, code, expected)) in cases.into_iter().enumerate() {
        let stage = Stage::sop();
        stage.simulator.fault(fault);
        let output = stage.output(arguments);
        let told = stage.told(&output);
        assert_eq!(output.status.code(), Some(code), "case {index}: {told}");
        for part in expected {
            assert!(told.contains(part), "case {index}: {told}");
        }
        assert!(!told.contains("Remove the cause"), "case {index}: {told}");
    }
}

#[test]
fn what_was_accepted_and_not_seen_is_written_again_or_taken_back() {
    for command in ["resume", "revert"] {
        let stage = Stage::sop();
        let before = stage.simulator.world().normalized();
        let edit = Edit::SetRecord {
            name: "gigadb.org".to_owned(),
            kind: "A".to_owned(),
            content: "198.51.100.10".to_owned(),
        };
        let lost = batch(Effect::EditAfter(vec![edit])).skip(1);
        stage.simulator.fault(lost);
        let output = stage.output(&SWAP);
        let told = stage.told(&output);
        assert_eq!(output.status.code(), Some(5), "{told}");
        let both =
            "`gigadb-roles resume RUN` writes it again, `gigadb-roles revert RUN` goes back.";
        assert!(told.contains(both), "{told}");
        let history = stage.answer(&["history"]);
        assert!(history.contains("1 not shown"), "{history}");
        let output = stage.output(&[command, "--last", "-y"]);
        let told = stage.told(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        let after = stage.simulator.world().normalized();
        let status = stage.answer(&["status", "-e", "live"]);
        assert!(status.contains("consistent"), "{status}");
        assert_eq!(after == before, command == "revert", "{told}");
    }
}

#[test]
fn a_closing_reading_that_is_refused_leads_to_what_it_asks_for() {
    // How many lists of records a swap reads before its last batch.
    let whole = Stage::sop();
    whole.answer(&SWAP);
    let requests = whole.simulator.requests();
    let of_records = |request: &&LoggedRequest| {
        request.api == Api::Cloudflare && request.path.ends_with("/dns_records")
    };
    let last = requests
        .iter()
        .rposition(|request| request.api == Api::Cloudflare && request.method == "POST");
    let before = requests[..last.unwrap()].iter().filter(of_records).count();
    for (effect, expected) in [
        (WAIT, ["next:    Wait until ", " Run `gigadb-roles status "]),
        (
            Effect::Unauthorized,
            [
                "next:    Make a token in Cloudflare's dashboard",
                " Run `gigadb-roles status ",
            ],
        ),
    ] {
        let stage = Stage::sop();
        let reads = Fault::new(effect)
            .api(Api::Cloudflare)
            .method("GET")
            .path_contains("/dns_records");
        stage.simulator.fault(reads.skip(before as u64).always());
        let output = stage.output(&SWAP);
        let told = stage.told(&output);
        assert_eq!(output.status.code(), Some(5), "{told}");
        for part in expected {
            assert!(told.contains(part), "{told}");
        }
        stage.simulator.clear_faults();
        // Everything is in force, and `resume` sees it.
        let told = stage.run(&["resume", "--last", "-y"]);
        assert!(
            told.starts_with("exit 0\n-- stdout\nNo changes in live"),
            "{told}"
        );
    }
}

#[test]
fn what_was_not_put_back_is_counted_as_the_last_reading_showed_it() {
    let stage = Stage::sop();
    stage
        .simulator
        .fault(batch(Effect::Refuse).skip(1).always());
    let output = stage.output(&SWAP);
    let told = stage.told(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("Not put back (3 of 16)"), "{told}");
    stage.simulator.clear_faults();
    let history = stage.answer(&["history"]);
    assert!(history.contains("1 of 10 in force"), "{history}");
    assert!(!history.contains("perhaps"), "{history}");
}
