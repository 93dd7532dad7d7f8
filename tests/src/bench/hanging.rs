//! What an operator waits for while servers hang.

use std::{
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault, world::REGION_UPSTREAM};
use gigadb_tests::{Output, Scene, assignment, procedure::Side};

use crate::{
    hanging_runs,
    measure::{Row, median},
};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        first_batch("`gigadb-roles failover --yes`", nothing, nothing, |scene| {
            scene.gigadb_roles(&[
                "failover",
                "--environment",
                "live",
                "--production",
                Side::Alt.name(),
                "--yes",
            ])
        }),
        first_batch(
            "`gigadb-roles apply FILE`, saved while all was well",
            save,
            nothing,
            |scene| scene.gigadb_roles(&["apply", "failover.json"]),
        ),
        first_batch(
            "`gigadb-roles apply FILE`, saved while they hung",
            nothing,
            save,
            |scene| scene.gigadb_roles(&["apply", "failover.json"]),
        ),
        first_batch(
            "`terraform apply FILE`, saved while all was well",
            |scene| {
                scene.configure(&assignment("live", Side::Alt, "mode = \"failover\""));
                let _ = scene.plan(&["-out=failover.tfplan"]).expect(2);
            },
            nothing,
            |scene| scene.terraform(&["apply", "-no-color", "failover.tfplan"]),
        ),
        status(),
    ]
}

fn nothing(_: &Scene) {}

fn save(scene: &Scene) {
    let _ = scene
        .gigadb_roles(&[
            "plan",
            "--environment",
            "live",
            "--production",
            Side::Alt.name(),
            "--mode",
            "failover",
            "--out",
            "failover.json",
        ])
        .expect(2);
}

/// GitLab and the region of the present production hang.
fn hang(scene: &Scene) {
    let hang = || Fault::new(Effect::Hang).always();
    scene.simulator().fault(hang().api(Api::Gitlab));
    scene.simulator().fault(hang().region(REGION_UPSTREAM));
}

/// From the start of a command that asks nobody to the first batch's arrival. What comes before it is
/// done while all is well, and while the servers hang.
fn first_batch(
    what: &str,
    well: fn(&Scene),
    hanging: fn(&Scene),
    run: fn(&Scene) -> Output,
) -> Row {
    let times = (0..hanging_runs()).map(|_| {
        let scene = Scene::new();
        scene.adopt_live();
        well(&scene);
        hang(&scene);
        hanging(&scene);
        scene.simulator().clear_requests();
        let started = Instant::now();
        thread::scope(|scope| {
            let run = scope.spawn(|| run(&scene));
            while !run.is_finished() && !has_batch(&scene) {
                thread::sleep(Duration::from_millis(2));
            }
            assert!(has_batch(&scene), "no batch was sent: {:?}", run.join());
            started.elapsed()
        })
    });
    Row::new(
        &format!("{what}: to the first DNS batch, GitLab and the lost region hanging"),
        seconds(median(times)),
        "< 5 s",
    )
}

fn has_batch(scene: &Scene) -> bool {
    let log = scene.simulator().requests();
    log.iter()
        .any(|request| request.template.ends_with("/batch"))
}

fn status() -> Row {
    let scene = Scene::new();
    let hang = Fault::new(Effect::Hang).always().api(Api::Gitlab);
    scene.simulator().fault(hang);
    let times = (0..hanging_runs()).map(|_| {
        let status = scene.gigadb_roles(&["status", "--environment", "live"]);
        status.says(&[Side::Upstream.name()]).took
    });
    Row::new(
        "`gigadb-roles status`, GitLab hanging",
        seconds(median(times)),
        "< 2 s",
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
