//! A provider that is killed at any point leaves a world that the next plan describes, and the next
//! apply completes; its lease is taken over, or given back where nothing is left to write.

use std::{
    fmt, fs,
    thread::sleep,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault, World, world::PROJECT};
use gigadb_tests::{
    Scene, assignment, objects,
    places::{Place, places},
    procedure::Side,
    proof, side_by_side, wait_until,
};

use super::{LIVE, assert_live, lease, name_a_lock};

/// How many scenes at once: much of a case is spent in starting programs.
const WORKERS: usize = 4;

const BATCH: &str = "/zones/{zone_id}/dns_records/batch";
/// How late the batch is that is on its way when the provider is killed.
const LATE: Duration = Duration::from_secs(8);

const MODES: [&str; 2] = ["switchover", "failover"];

/// A write of a swap, and whether it was carried out when the provider is killed.
struct Case<'a> {
    swap: &'a Swap,
    write: &'a Place,
    effect: Effect,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} at {}", self.swap.mode, self.effect, self.write)
    }
}

/// A swap that goes well, and what it begins with.
struct Swap {
    mode: &'static str,
    hcl: String,
    state: String,
    plan: Vec<u8>,
    writes: Vec<Place>,
}

fn swap(mode: &'static str) -> Swap {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.adopt_live();
    let hcl = assignment("live", Side::Alt, &format!("mode = \"{mode}\""));
    scene.configure(&hcl);
    let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
    let state = scene.read("terraform.tfstate");
    let plan = std::fs::read(scene.root().join("swap.tfplan")).unwrap();
    scene.simulator().clear_requests();
    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    assert_live(&scene, Side::Alt);
    let mut writes = places(&scene.simulator().requests());
    writes.retain(|place| place.is_write);
    // The lease and its end, eight variables, a batch for each of two zones, the summary of the run.
    assert_eq!(writes.len(), 13);
    Swap {
        mode,
        hcl,
        state,
        plan,
        writes,
    }
}

/// The scene in which the provider was killed while the write was held.
fn kill(case: &Case<'_>) -> Scene {
    let swap = case.swap;
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.configure(&swap.hcl);
    scene.write("terraform.tfstate", &swap.state);
    std::fs::write(scene.root().join("swap.tfplan"), &swap.plan).unwrap();
    scene
        .simulator()
        .fault(case.write.fault(case.effect.clone()));
    let apply = scene.start_terraform(&["apply", "-no-color", "swap.tfplan"]);
    wait_until("the request that is held", || {
        scene.simulator().pending_faults() == 0
    });
    apply.kill_provider();
    let output = apply.end();
    assert_ne!(output.code, 0, "{output:?}");
    scene
}

/// The next plan shows what is left, and the next apply brings it about. Returns what became of
/// the lease.
fn goes_on(scene: &Scene) -> &'static str {
    let left = lease(scene);
    let world = scene.simulator().world();
    let done = objects::held("live", &world) == objects::table("live", Side::Alt);
    let plan = scene.plan_to("next.tfplan");
    let planned = &plan["resource_changes"][0]["change"];
    assert_eq!(planned["actions"][0], "update");
    assert_eq!(
        objects::shown(&planned["before"]),
        objects::held("live", &world)
    );
    assert_eq!(
        objects::shown(&planned["after"]),
        objects::table("live", Side::Alt)
    );

    let output = scene
        .terraform(&["apply", "-no-color", "next.tfplan"])
        .expect(0);
    let told = match (&left, done) {
        (None, _) => {
            output.omits(&["one-swap-at-a-time"]);
            "free"
        }
        (Some(_), false) => {
            output.says(&[
                "live one-swap-at-a-time",
                "that process is gone",
                "The lease was taken over",
            ]);
            "taken over"
        }
        (Some(_), true) => {
            output.says(&[
                "live one-swap-at-a-time",
                "that process is gone",
                "The lease was given back; there was nothing to write.",
            ]);
            "given back"
        }
    };
    assert_eq!(lease(scene), None);
    assert_live(scene, Side::Alt);
    assert_eq!(scene.attributes(LIVE)["production"], Side::Alt.name());
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
    for commit in scene.simulator().history() {
        objects::sound(&commit.world, &["live"]);
    }
    let _ = scene.plan(&[]).expect(0);
    told
}

/// Terraform's apply whose provider was killed while the batch that decides who is production is on
/// its way: it is carried out some seconds later.
fn killed_while_open() -> Scene {
    let mut scene = Scene::new();
    scene.set("GIGADB_OPEN_FOR", "30");
    name_a_lock(&scene);
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let _ = scene.plan(&["-out=swap.tfplan"]).expect(2);
    let zone = World::sop()
        .cloudflare
        .zone("gigadb.org")
        .unwrap()
        .id
        .clone();
    let ms = u64::try_from(LATE.as_millis()).unwrap();
    let late = Fault::new(Effect::CommitLate { ms }).template(BATCH);
    scene.simulator().fault(late.path_contains(&zone));
    let apply = scene.start_terraform(&["apply", "-no-color", "swap.tfplan"]);
    wait_until("the batch that is late", || {
        scene.simulator().pending_faults() == 0
    });
    apply.kill_provider();
    assert_ne!(apply.end().code, 0);
    scene
}

/// Everything is swapped, also once what was sent has been carried out, and nobody holds the lease.
fn is_swapped(scene: &Scene) {
    sleep(LATE);
    assert_live(scene, Side::Alt);
    assert_eq!(lease(scene), None);
    // The state learns of it.
    let _ = scene.apply().expect(0);
    assert_eq!(scene.attributes(LIVE)["status"], "consistent");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn while_a_write_is_open_the_helper_completes_the_run_here() {
    let scene = killed_while_open();
    let history = scene.gigadb_roles(&["history"]).expect(0);
    history.says(&["interrupted, open until", "terraform-provider-gigadb"]);
    let resumed = scene.gigadb_roles(&["resume", "--last", "--environment", "live", "--yes"]);
    resumed.expect(0).says(&[
        "that process is gone from this machine",
        "The lease was taken over",
        "Completed the run of live: production is alt-gigadb-website",
    ]);
    is_swapped(&scene);
}

#[test]
fn while_a_write_is_open_another_machine_waits_for_its_lease() {
    let scene = killed_while_open();
    // Another machine has no journal of it, and the lease names the first one.
    let run = fs::read_dir(scene.journals())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let run = run
        .path()
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    fs::rename(scene.journals(), scene.root().join("elsewhere")).unwrap();
    let held = lease(&scene).unwrap();
    let mut parts: Vec<&str> = held.split(':').collect();
    assert_eq!(parts[1], run);
    parts[2] = "elsewhere";
    let held = parts.join(":");
    scene.simulator().edit(|world| {
        let project = world.gitlab.project_mut(PROJECT).unwrap();
        let state = project
            .terraform_states
            .get_mut("gigadb-roles-live")
            .unwrap();
        state.lock.as_mut().unwrap().id.clone_from(&held);
    });
    let resumed = scene.gigadb_roles(&["resume", &run, "--yes"]).expect(1);
    resumed.says(&["No such run has a journal in", "Nothing was changed"]);
    let saved = |file: &str| {
        let to = ["--environment", "live", "--production", Side::Alt.name()];
        let plan = [&["plan"][..], &to, &["--out", file]].concat();
        let _ = scene.gigadb_roles(&plan).expect(2);
    };
    saved("first.json");
    scene.simulator().clear_requests();
    let applied = scene.gigadb_roles(&["apply", "first.json"]).expect(1);
    let unlock = format!("gigadb-roles unlock {held}");
    applied.says(&["Another swap is under way", "on `elsewhere`", &run, &unlock]);
    let records = scene
        .writes()
        .into_iter()
        .filter(|w| w.api == Api::Cloudflare);
    assert_eq!(records.count(), 0);
    let _ = scene.gigadb_roles(&["unlock", &held, "--yes"]).expect(0);
    saved("second.json");
    let _ = scene.gigadb_roles(&["apply", "second.json"]).expect(0);
    is_swapped(&scene);
}

#[test]
fn at_every_write_before_and_after_it_is_carried_out() {
    let started = Instant::now();
    let swaps = MODES.map(swap);
    let mut cases = Vec::new();
    for swap in &swaps {
        for write in &swap.writes {
            for effect in [Effect::Hang, Effect::CommitThenHang] {
                cases.push(Case {
                    swap,
                    write,
                    effect,
                });
            }
        }
    }
    let ends = side_by_side(&cases, WORKERS, |case| goes_on(&kill(case)));
    let count = |end| ends.iter().filter(|told| **told == end).count();
    proof(format_args!(
        "the provider killed at every write of live: {} cases in {:.0?}; lease taken over in {}, given back in {}, free in {}",
        cases.len(),
        started.elapsed(),
        count("taken over"),
        count("given back"),
        count("free"),
    ));
    // Killed after the last write of records and variables, and before the lease is given back; in
    // a failover the last write is one of four at once, so that the others may be left to write.
    assert!((7..=11).contains(&count("given back")));
}
