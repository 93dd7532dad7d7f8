//! Somebody edits by hand while a swap is planned, written or undone.

use gigadb_simulator::{Api, Edit, Effect, Fault};
use gigadb_tests::procedure::Side;

use crate::{
    judge,
    stage::{Policy, Stage, Told},
};

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
const BY_HAND: &str = "192.0.2.66";

fn record(name: &str, content: &str) -> Edit {
    Edit::SetRecord {
        name: name.to_owned(),
        kind: "A".to_owned(),
        content: content.to_owned(),
    }
}

fn variable(key: &str, value: &str) -> Edit {
    Edit::SetVariable {
        project: Side::Alt.project().to_owned(),
        key: key.to_owned(),
        scope: "live".to_owned(),
        value: value.to_owned(),
    }
}

fn batch(number: u64, effect: Effect) -> Fault {
    let fault = Fault::new(effect).api(Api::Cloudflare).method("POST");
    fault.template(BATCH).skip(number)
}

fn says(told: &Told, texts: &[&str]) {
    let said = told.diagnostics.to_string();
    for text in texts {
        assert!(said.contains(text), "{text:?} is not in {said}");
    }
}

fn held(stage: &Stage) -> judge::Objects {
    judge::held("live", &stage.simulator.world())
}

/// What is there once the first world has got these edits.
fn with(edits: &[(&str, &str)], production: Side) -> judge::Objects {
    let mut table = judge::table("live", production);
    for (object, value) in edits {
        assert!(table.contains_key(*object), "{object}");
        table.insert((*object).to_owned(), (*value).to_owned());
    }
    table
}

#[tokio::test]
async fn an_edit_between_plan_and_apply_stops_the_apply_before_it_writes() {
    let new = judge::table("live", Side::Alt);
    for policy in Policy::ALL {
        for (edit, object, value) in [
            (record("gigadb.org", BY_HAND), "gigadb.org", BY_HAND),
            (
                variable("HOME_URL", "https://by-hand.example"),
                "alt-gigadb-website/HOME_URL",
                "https://by-hand.example",
            ),
            (
                record("files.gigadb.org", &new["bastion.gigadb.org"]),
                "files.gigadb.org",
                &new["bastion.gigadb.org"],
            ),
        ] {
            let stage = Stage::sop().await;
            let mut swap = stage.planned(&["live"], policy).await;
            stage.simulator.clear_requests();
            stage.simulator.edit(|world| world.apply(&edit)).unwrap();
            let told = swap.apply().await.remove(0);
            let name = object.rsplit('/').next().unwrap();
            says(
                &told,
                &["unchanged-since-plan", name, value, "Nothing was changed."],
            );
            assert_eq!(held(&stage), with(&[(object, value)], Side::Upstream));
            assert_eq!(stage.simulator.history().len(), leases(&stage));
        }
    }
}

/// Commits that take or give back a lease.
fn leases(stage: &Stage) -> usize {
    let requests = stage.requests();
    let lease = |number: u64| {
        let request = requests.iter().find(|request| request.number == number);
        request.is_some_and(|request| request.template.contains("terraform/state"))
    };
    let history = stage.simulator.history();
    history
        .iter()
        .filter(|commit| lease(commit.request))
        .count()
}

#[tokio::test]
async fn an_edit_between_the_look_and_the_batch_is_overwritten_by_what_was_reviewed() {
    for policy in Policy::ALL {
        let stage = Stage::sop().await;
        let mut swap = stage.planned(&["live"], policy).await;
        stage.simulator.clear_requests();
        let edits = vec![
            record("gigadb.org", BY_HAND),
            record("alt-live.gigadb.host", BY_HAND),
        ];
        stage.simulator.fault(batch(0, Effect::EditBefore(edits)));
        let told = swap.apply().await.remove(0);
        judge::settled(&told, &stage.simulator.world());
    }
}

#[tokio::test]
async fn an_edit_after_the_batch_is_read_back_stored_and_left_alone() {
    for policy in Policy::ALL {
        let stage = Stage::sop().await;
        let mut swap = stage.planned(&["live"], policy).await;
        let edits = vec![
            record("bastion.alt-live.gigadb.host", BY_HAND),
            record("files.gigadb.org", BY_HAND),
        ];
        stage.simulator.fault(batch(1, Effect::EditAfter(edits)));
        let told = swap.apply().await.remove(0);
        says(
            &told,
            &["bastion.alt-live.gigadb.host", "files.gigadb.org", BY_HAND],
        );
        let edited = [
            ("bastion.alt-live.gigadb.host", BY_HAND),
            ("files.gigadb.org", BY_HAND),
        ];
        assert_eq!(held(&stage), with(&edited, Side::Alt));
        assert_eq!(judge::shown(&told.state), held(&stage));

        let planned = swap.plan().await.remove(0);
        assert!(
            planned.diagnostics.has_errors(),
            "a value of neither side is no detail"
        );
        let new = judge::table("live", Side::Alt);
        for (name, _) in edited {
            let right = record(name, &new[name]);
            stage.simulator.edit(|world| world.apply(&right)).unwrap();
        }
        let (_, told) = swap.once_more().await;
        judge::settled(&told[0], &stage.simulator.world());
    }
}

#[tokio::test]
async fn an_undo_leaves_alone_what_somebody_else_has_edited_since() {
    let stage = Stage::sop().await;
    let mut swap = stage.planned(&["live"], Policy::Revert).await;
    let name = "bastion.alt-live.gigadb.host";
    let key = "alt-gigadb-website/REMOTE_HOSTNAME";
    let edits = vec![
        record(name, BY_HAND),
        variable("REMOTE_HOSTNAME", "by-hand.example"),
    ];
    stage.simulator.fault(batch(0, Effect::EditAfter(edits)));
    // The one after it: each fault counts what those before it let pass.
    stage.simulator.fault(batch(0, Effect::Refuse));
    let told = swap.apply().await.remove(0);
    says(
        &told,
        &[
            "Not put back",
            name,
            "REMOTE_HOSTNAME",
            "changed by somebody else since",
        ],
    );
    let left = [(name, BY_HAND), (key, "by-hand.example")];
    assert_eq!(held(&stage), with(&left, Side::Upstream));
}
