//! One swap, two doors: each world is met by the provider and by the helper, and what they say of
//! each object is the same, and so.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use gigadb_simulator::{Api, Effect, Fault, World};
use gigadb_tests::objects::table;
use gigadb_tests::procedure::Side;

use crate::{
    helper::{self, Said},
    judge,
    stage::{Policy, Stage, Told},
};

/// What happens while the swap of `live` is carried out.
struct Misfortune {
    name: &'static str,
    policy: Policy,
    /// Whether the plan was reviewed before it happens; else the helper plans in the midst of it.
    saved: bool,
    faults: fn() -> Vec<Fault>,
}

/// After this, whatever was sent has been carried out.
const LATE: Duration = Duration::from_millis(500);
const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
const RECORDS: &str = "/zones/{zone_id}/dns_records";
const VARIABLES: &str = "/projects/{id}/variables";
const VARIABLE: &str = "/projects/{id}/variables/{key}";

/// The zone of the apex.
fn apex() -> String {
    World::sop()
        .cloudflare
        .zone("gigadb.org")
        .unwrap()
        .id
        .clone()
}

fn last_batch(effect: Effect) -> Fault {
    Fault::new(effect).template(BATCH).path_contains(&apex())
}

fn variables_of(project: &str, effect: Effect) -> Fault {
    let fault = Fault::new(effect).api(Api::Gitlab).template(VARIABLE);
    fault.method("PUT").path_contains(project)
}

/// The zone of the apex is read before the first write, and never again.
fn unreadable_after_the_look() -> Fault {
    let fault = Fault::new(Effect::ServerError).template(RECORDS);
    fault.method("GET").path_contains(&apex()).skip(1).always()
}

const WORLDS: [Misfortune; 12] = [
    Misfortune {
        name: "the promoted side's project refuses every write",
        policy: Policy::Failover,
        saved: false,
        faults: || vec![variables_of("upstream/alt-gigadb-website", Effect::Refuse).always()],
    },
    Misfortune {
        name: "the first readings of the variables are old",
        policy: Policy::Failover,
        saved: false,
        faults: || vec![Fault::new(Effect::StaleRead).template(VARIABLES).times(3)],
    },
    Misfortune {
        name: "the lost side's project fails, and the plan was saved",
        policy: Policy::Failover,
        saved: true,
        faults: || {
            let fault = Fault::new(Effect::ServerError).api(Api::Gitlab);
            vec![
                fault
                    .path_contains("upstream/gigadb-website/variables")
                    .always(),
            ]
        },
    },
    Misfortune {
        name: "the last answer is lost, and its zone cannot be read for a while",
        policy: Policy::Revert,
        saved: true,
        faults: || {
            let reading = Fault::new(Effect::ServerError)
                .template(RECORDS)
                .method("GET");
            vec![
                last_batch(Effect::ResetAfterCommit),
                reading.path_contains(&apex()).skip(1).times(3),
            ]
        },
    },
    Misfortune {
        name: "the last batch is refused in Cloudflare's own words, and carried out",
        policy: Policy::Revert,
        saved: true,
        faults: || {
            let (status, html) = (400, false);
            vec![last_batch(Effect::RefuseAfterCommit { status, html })]
        },
    },
    Misfortune {
        name: "the last batch is answered with a page, and carried out",
        policy: Policy::Stop,
        saved: true,
        faults: || {
            let (status, html) = (403, true);
            vec![last_batch(Effect::RefuseAfterCommit { status, html })]
        },
    },
    Misfortune {
        name: "a gateway gives the last batch up, which is carried out later",
        policy: Policy::Revert,
        saved: true,
        faults: || vec![last_batch(Effect::GatewayTimeout { ms: 400 })],
    },
    Misfortune {
        name: "the last batch is refused",
        policy: Policy::Revert,
        saved: true,
        faults: || vec![last_batch(Effect::Refuse).always()],
    },
    Misfortune {
        name: "the last batch is refused, and what was written stays",
        policy: Policy::Stop,
        saved: true,
        faults: || vec![last_batch(Effect::Refuse).always()],
    },
    Misfortune {
        name: "the closing reading fails",
        policy: Policy::Revert,
        saved: true,
        faults: || vec![unreadable_after_the_look()],
    },
    Misfortune {
        name: "the last batch is refused, what was written is undone, and the closing reading fails",
        policy: Policy::Revert,
        saved: true,
        faults: || {
            // The executor reads the zone of the refused batch before it believes the refusal.
            let readings = unreadable_after_the_look();
            vec![last_batch(Effect::Refuse).always(), readings.skip(5)]
        },
    },
    Misfortune {
        name: "one variable is refused, of the side that is production",
        policy: Policy::Stop,
        saved: true,
        // By its name: the four of a project are sent at once.
        faults: || {
            let one = "upstream/gigadb-website/variables/HOME_URL";
            vec![variables_of(one, Effect::Refuse).times(1)]
        },
    },
];

/// What the provider says of each object. Success says that all are in force.
fn said(told: &Told) -> Said {
    if told.diagnostics.has_errors() {
        return judge::said(&told.diagnostics);
    }
    let all = table("live", Side::Alt).into_keys();
    all.map(|object| (object, "in_force".to_owned())).collect()
}

async fn through_the_provider(stage: &Stage, world: &Misfortune) -> Told {
    stage.reset();
    let mut swap = stage.planned(&["live"], world.policy).await;
    for fault in (world.faults)() {
        stage.simulator.fault(fault);
    }
    let told = swap.apply().await.remove(0);
    tokio::time::sleep(LATE).await;
    told
}

async fn through_the_helper(stage: &Stage, world: &Misfortune) -> helper::Run {
    stage.reset();
    let file = PathBuf::from(&stage.environment()["HOME"]).join("plan.json");
    let saved = file.display().to_string();
    let command = if world.saved {
        stage.save_plan(world.policy, &file).await;
        vec!["apply", &saved]
    } else {
        helper::swap(world.policy)
    };
    for fault in (world.faults)() {
        stage.simulator.fault(fault);
    }
    let run = stage.run(&command).await;
    tokio::time::sleep(LATE).await;
    run
}

#[tokio::test]
async fn both_doors_say_the_same_of_every_object() {
    let stage = Stage::sop().await;
    for world in &WORLDS {
        let name = world.name;
        let told = through_the_provider(&stage, world).await;
        judge::applied(&told, &stage.simulator.world(), world.policy, false);
        let run = through_the_helper(&stage, world).await;
        run.judge(&stage.simulator.world(), world.policy, false);
        assert_eq!(
            said(&told),
            run.said(),
            "{name}: {}\n{run}",
            told.diagnostics
        );
        // With the same causes, and the same that is due.
        let text = || format!("{name}: {}\n{run}", told.diagnostics);
        let causes = judge::causes(&told.diagnostics);
        assert_eq!(causes, run.causes(), "{}", text());
        let due = judge::due(&told.diagnostics);
        assert_eq!(due, run.due(), "{}", text());
        assert!(!causes.is_empty() || !due.is_empty(), "{}", text());
    }
}

/// Rule `separate-credentials`: keys that became one after the review stop both.
#[tokio::test]
async fn both_doors_judge_the_keys_of_now() {
    let stage = Stage::sop().await;
    let home = PathBuf::from(&stage.environment()["HOME"]);
    let file = home.join("plan.json");
    stage.save_plan(Policy::Revert, &file).await;
    let mut swap = stage.planned(&["live"], Policy::Revert).await;
    let credentials = stage.environment()["AWS_SHARED_CREDENTIALS_FILE"].clone();
    let text = std::fs::read_to_string(&credentials).unwrap();
    let keys: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("aws_access_key_id"))
        .map(|rest| rest.trim_start_matches([' ', '=']))
        .collect();
    std::fs::write(&credentials, text.replace(keys[1], keys[0])).unwrap();
    let told = swap.apply().await.remove(0);
    let run = stage.run(&["apply", file.to_str().unwrap()]).await;
    for text in [told.diagnostics.to_string(), run.to_string()] {
        assert!(text.contains("separate-credentials"), "{text}");
        assert!(text.contains("Nothing was changed"), "{text}");
    }
    assert_eq!(run.said(), Said::new());
    assert_eq!(
        stage.simulator.world().normalized(),
        World::sop().normalized()
    );
}

/// The requests of a swap that goes well, however often each: neither door asks for more.
#[tokio::test]
async fn both_doors_send_the_same_requests() {
    let stage = Stage::sop().await;
    let count = |stage: &Stage| {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for request in stage.requests() {
            *counts.entry((request.method, request.path)).or_default() += 1;
        }
        counts
    };
    let mut swap = stage.planned(&["live"], Policy::Revert).await;
    stage.simulator.clear_requests();
    assert!(!swap.apply().await[0].diagnostics.has_errors());
    let provider = count(&stage);
    stage.reset();
    let file = PathBuf::from(&stage.environment()["HOME"]).join("plan.json");
    stage.save_plan(Policy::Revert, &file).await;
    stage.simulator.clear_requests();
    let run = stage.run(&["apply", file.to_str().unwrap()]).await;
    run.judge(&stage.simulator.world(), Policy::Revert, true);
    assert_eq!(count(&stage), provider);
}
