//! Answers that come late, come wrong or do not come, with the waits that people really have: each
//! door ends with what the world is once everything that was sent has taken effect.

use std::{
    fmt,
    thread::sleep,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault, LoggedRequest, World};
use gigadb_tests::{Output, Scene, objects, procedure::Side, proof, side_by_side, wait_until};

use super::LIVE;

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
const RECORDS: &str = "/zones/{zone_id}/dns_records";
const VARIABLE: &str = "/projects/{id}/variables/{key}";

/// Most of a case is waiting.
const WORKERS: usize = 8;

#[derive(Clone, Copy)]
enum Door {
    Terraform,
    Helper,
}

/// What is met by a swap of live, and until when a request of it may take effect.
struct Misfortune {
    name: &'static str,
    faults: fn() -> Vec<Fault>,
    late: Duration,
}

struct Case<'a> {
    door: Door,
    misfortune: &'a Misfortune,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terraform => "terraform",
            Self::Helper => "gigadb-roles",
        })
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.door, self.misfortune.name)
    }
}

/// The batch that decides who is production: the last one.
fn decisive(effect: Effect) -> Fault {
    let world = World::sop();
    let zone = world.cloudflare.zone("gigadb.org").unwrap();
    Fault::new(effect).template(BATCH).path_contains(&zone.id)
}

fn lie(status: u16, html: bool) -> Effect {
    Effect::RefuseAfterCommit { status, html }
}

const NONE: Duration = Duration::ZERO;

const WORLDS: [Misfortune; 9] = [
    Misfortune {
        name: "the last batch is carried out 22 s after it was sent",
        faults: || vec![decisive(Effect::CommitLate { ms: 22_000 })],
        late: Duration::from_secs(22),
    },
    Misfortune {
        name: "every sending of the last batch is carried out 22 s later",
        faults: || vec![decisive(Effect::CommitLate { ms: 22_000 }).always()],
        late: Duration::from_secs(22),
    },
    Misfortune {
        name: "a gateway answers 504 at once, and the batch is carried out 5.5 s later",
        faults: || vec![decisive(Effect::GatewayTimeout { ms: 5500 })],
        late: Duration::from_secs(6),
    },
    Misfortune {
        name: "the answer is lost, and four readings of the zone are old",
        faults: || {
            let zone = decisive(Effect::StaleRead).path_contains.unwrap();
            let old = Fault::new(Effect::StaleRead).template(RECORDS);
            vec![
                decisive(Effect::ResetAfterCommit),
                old.path_contains(&zone).times(4),
            ]
        },
        late: NONE,
    },
    Misfortune {
        name: "the last batch is carried out and answered with 403",
        faults: || vec![decisive(lie(403, false))],
        late: NONE,
    },
    Misfortune {
        name: "the last batch is carried out and answered with 400 and a page",
        faults: || vec![decisive(lie(400, true))],
        late: NONE,
    },
    Misfortune {
        name: "the first batch is carried out and answered with 403",
        faults: || vec![Fault::new(lie(403, false)).template(BATCH)],
        late: NONE,
    },
    Misfortune {
        name: "a variable is written and answered with 403",
        faults: || {
            let fault = Fault::new(lie(403, false)).template(VARIABLE);
            vec![fault.api(Api::Gitlab).method("PUT").skip(2)]
        },
        late: NONE,
    },
    Misfortune {
        name: "the last batch is carried out and answered with 520",
        faults: || vec![decisive(lie(520, true))],
        late: NONE,
    },
];

fn carried_out(scene: &Scene, door: Door) -> Output {
    match door {
        Door::Terraform => scene.terraform(&["apply", "-no-color", "swap.tfplan"]),
        Door::Helper => scene.gigadb_roles(&["swap", "--environment", "live", "--yes"]),
    }
}

/// The swap is done, both doors know it, and the next plan finds nothing to do.
fn met(case: &Case<'_>) {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    if matches!(case.door, Door::Terraform) {
        let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
    }
    for fault in (case.misfortune.faults)() {
        scene.simulator().fault(fault);
    }
    let output = carried_out(&scene, case.door).expect(0);
    output.omits(&["as before", "put back", "undone"]);
    sleep(case.misfortune.late);
    scene.simulator().clear_faults();
    let world = scene.simulator().world();
    assert_eq!(
        objects::held("live", &world),
        objects::table("live", Side::Alt)
    );
    match case.door {
        Door::Terraform => {
            assert_eq!(scene.attributes(LIVE)["status"], "consistent");
            let _ = scene.plan(&[]).expect(0);
        }
        Door::Helper => {
            let status = ["status", "--environment", "live", "--require", "consistent"];
            let _ = scene.gigadb_roles(&status).expect(0);
        }
    }
}

#[test]
fn both_doors_end_with_what_is() {
    let started = Instant::now();
    let mut cases = Vec::new();
    for misfortune in &WORLDS {
        for door in [Door::Terraform, Door::Helper] {
            cases.push(Case { door, misfortune });
        }
    }
    side_by_side(&cases, WORKERS, met);
    proof(format_args!(
        "late and lying answers through Terraform and the helper: {} swaps in {:.0?}",
        cases.len(),
        started.elapsed()
    ));
}

/// How long a write is open there: much longer than by default.
const OPEN_FOR: u64 = 3000;

/// Seconds from now until the time of day that an output names after "open until".
fn seconds_until(output: &str) -> u64 {
    const DAY: u64 = 24 * 60 * 60;
    let (_, rest) = output.split_once("open until ").unwrap();
    let time = rest.split_whitespace().next().unwrap();
    let then = time
        .split(':')
        .map(|part| part.parse::<u64>().unwrap())
        .fold(0, |sum, part| sum * 60 + part);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    (then + DAY - now.as_secs() % DAY) % DAY
}

/// Whoever presses Ctrl-C while a batch may still be carried out is told until when, and so is the
/// journal.
fn stopped_while_open(door: Door) {
    let mut scene = Scene::new();
    scene.set("GIGADB_OPEN_FOR", &OPEN_FOR.to_string());
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let hour = Effect::GatewayTimeout { ms: 3_600_000 };
    scene.simulator().fault(decisive(hour).always());
    let run = match door {
        Door::Terraform => scene.start_terraform(&["apply", "-no-color", "-auto-approve"]),
        Door::Helper => scene.start_gigadb_roles(&["swap", "--environment", "live", "--yes"]),
    };
    let answered = |one: &LoggedRequest| one.template == BATCH && one.status == Some(504);
    wait_until("the gateway's answer", || {
        scene.simulator().requests().iter().any(answered)
    });
    run.interrupt();
    let output = match door {
        Door::Terraform => run.end().expect(1),
        Door::Helper => run.end().expect(3),
    };
    output.says(&["open until ", " UTC", "gigadb-roles resume "]);
    let left = seconds_until(&output.flat());
    assert!(
        (OPEN_FOR - 300..=OPEN_FOR + 2).contains(&left),
        "{left}: {output:?}"
    );
    output.omits(&["as before", "was put back", "undone:"]);
    let history = scene.gigadb_roles(&["history"]).expect(0);
    history.says(&["open until "]);
}

#[test]
fn what_may_still_take_effect_is_open_until_a_time() {
    let doors = [Door::Terraform, Door::Helper];
    side_by_side(&doors, doors.len(), |door| stopped_while_open(*door));
}
