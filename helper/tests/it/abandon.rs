//! `release abandon` at every step of every way: what it lists as open is what is open in the world.

use gigadb_simulator::{
    World,
    world::{ALT_PROJECT, Job, JobRun, PROJECT},
};

use crate::{
    release::{confirm, document, next, release, stage, start, trace},
    stage::Stage,
};

/// The steps of a complex release up to the swap.
const FORWARD: [&str; 11] = [
    "embargo",
    "pause-sync",
    "backup",
    "restore",
    "deploy-standby",
    "validate-business",
    "validate-technical",
    "prepare",
    "rebuild",
    "probe",
    "swap",
];
const SIDES: [(&str, &str); 2] = [
    ("gigadb-website", PROJECT),
    ("alt-gigadb-website", ALT_PROJECT),
];

/// Takes one step, or the way back.
fn take(stage: &Stage, step: &str) {
    match step {
        "back" => drop(release(stage, 0, &["back"])),
        "embargo" | "validate-business" | "validate-technical" | "probe" | "lift-embargo"
        | "table" => confirm(stage, step, step),
        _ => {
            let told = next(stage);
            assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
        }
    }
}

/// The ref that the project's last deployment to live brought.
fn carried(world: &World, project: &str) -> String {
    let project = world.gitlab.project(project).unwrap();
    let live = |one: &&_| is_live(one);
    let last = project.deployments.iter().filter(live);
    last.max_by_key(|one| one.id).unwrap().reference.clone()
}

fn is_live(one: &gigadb_simulator::world::Deployment) -> bool {
    one.environment == "live" && one.status == "success"
}

/// What is open by the world and by what people were told, not by the program's record.
fn open(stage: &Stage, taken: &[&str], is_last: bool) -> Vec<String> {
    let mut world = stage.simulator.world();
    let mut open = Vec::new();
    let apex = world.cloudflare.record_mut("gigadb.org", "A").unwrap();
    let apex = apex.content.clone();
    let variable = |project: &str| {
        let project = world.gitlab.project(project).unwrap();
        let rows = &mut project.variables.iter();
        let row = rows.find(|row| row.key == "HOME_URL" && row.environment_scope == "live");
        row.unwrap().value.clone()
    };
    if apex == "203.0.113.10" {
        if !is_last {
            open.push(
                "`alt-gigadb-website` is production; before this release it was `gigadb-website`."
                    .to_owned(),
            );
        }
    } else if variable(ALT_PROJECT) == variable(PROJECT) {
        open.push(
            "`alt-gigadb-website` carries production's variables and is hot standby. Set them \
             back: take `prepare` out of Terraform's configuration and apply it, or run \
             `gigadb-roles plan -e live --production gigadb-website --hot-standby alt-gigadb-website --out FILE` and `gigadb-roles \
             apply FILE`."
                .to_owned(),
        );
    }
    for (side, project) in SIDES {
        let jobs = &world.gitlab.project(project).unwrap().jobs;
        let active = jobs
            .iter()
            .filter(|job| ["running", "pending"].contains(&job.status.as_str()));
        open.extend(active.map(|job| {
            format!(
                "A deployment runs or waits on `{side}`: job `{}` ({}) is {}.",
                job.name, job.id, job.status
            )
        }));
    }
    let [one, other] = SIDES.map(|(_, project)| carried(&world, project));
    if one != other {
        open.push(format!(
            "`gigadb-website` carries `{one}`, `alt-gigadb-website` carries `{other}`."
        ));
    }
    let data = trace(stage);
    let mut data = data.lines().rev();
    let last = data.find(|line| line.starts_with("paused") || line.starts_with("synchronized"));
    if last.is_some_and(|line| line.starts_with("paused")) {
        open.push(
            "This release paused the synchronization of data, and none of its steps turned it on \
             again: decide whose data counts, then see that it runs."
                .to_owned(),
        );
    }
    let backs_up = trace(stage).contains("backups on alt-gigadb-website");
    if backs_up && apex != "203.0.113.10" {
        open.push(
            "`backup-on` was taken while `alt-gigadb-website` was production: the nightly backups \
             are `alt-gigadb-website`'s. Where `gigadb-website` is production again, turn them on \
             there."
                .to_owned(),
        );
    }
    if taken.contains(&"embargo") && !taken.contains(&"lift-embargo") {
        open.push("The embargo on changes to production stands.".to_owned());
    }
    if !taken.is_empty() && !taken.contains(&"table") {
        open.push("The team's table may not say what is so.".to_owned());
    }
    open
}

/// A job that deploys to live is started by hand, of an older pipeline.
fn started_by_hand(world: &mut World, project: &str, status: &str) {
    let project = world.gitlab.project_mut(project).unwrap();
    let pipeline = project.pipelines[0].id;
    project.jobs.push(Job {
        id: project.id * 1000 + 900,
        name: "ld_gigadb".to_owned(),
        status: status.to_owned(),
        pipeline,
        run: (status == "running").then(|| JobRun {
            looks: 1_000_000,
            ..JobRun::default()
        }),
        ..Job::default()
    });
}

/// Gives the release up in a copy of the world, and compares.
fn given_up(stage: &Stage, taken: &[&str], is_last: bool) {
    let kept = stage.simulator.world();
    for by_hand in [
        None,
        Some((PROJECT, "running")),
        Some((ALT_PROJECT, "pending")),
    ] {
        if let Some((project, status)) = by_hand {
            stage
                .simulator
                .edit(|world| started_by_hand(world, project, status));
        }
        let open = open(stage, taken, is_last);
        let stands = |sentence: &String| {
            sentence.starts_with("The embargo") || sentence.starts_with("The team's table")
        };
        let code = i32::from(open.iter().any(stands));
        let before = stage.simulator.world();
        let told = release(stage, code, &["abandon", "--reason", "enough"]);
        let end = &document(stage)["ended"];
        assert_eq!(end["how"], "abandoned", "{taken:?}");
        assert_eq!(end["reason"], "enough");
        let listed: Vec<String> = serde_json::from_value(
            end.get("open")
                .cloned()
                .unwrap_or_else(|| "[]".parse().unwrap()),
        )
        .unwrap();
        assert_eq!(listed, open, "{taken:?} {by_hand:?}");
        if open.is_empty() {
            assert!(told.contains("Nothing of it is open."), "{told}");
        }
        for sentence in open {
            assert!(told.contains(&format!("\n  {sentence}")), "{told}");
        }
        // Giving up changes the record, and nothing else.
        let after = stage.simulator.world();
        assert_eq!(after.cloudflare, before.cloudflare);
        let rows = |world: &World| {
            SIDES.map(|(_, project)| world.gitlab.project(project).unwrap().variables.clone())
        };
        assert_eq!(rows(&after), rows(&before));
        stage.simulator.edit(|world| *world = kept.clone());
    }
}

/// Walks a way; a release is given up at its beginning and behind each step.
fn walked(process: &str, ahead: &[&'static str], judged: &[&'static str]) {
    let stage = stage();
    start(&stage, process);
    let mut taken = Vec::new();
    for step in ahead {
        take(&stage, step);
        taken.push(*step);
    }
    given_up(&stage, &taken, false);
    for (number, step) in judged.iter().enumerate() {
        take(&stage, step);
        taken.push(*step);
        given_up(&stage, &taken, number + 1 == judged.len());
    }
}

#[test]
fn a_simple_release() {
    let steps = [
        "deploy-standby",
        "validate-technical",
        "deploy-production",
        "verify",
        "table",
    ];
    walked("simple", &[], &steps);
}

#[test]
fn a_complex_release_by_branch_a() {
    let rest = [
        "verify",
        "backup-on",
        "deploy-former",
        "sync-on",
        "lift-embargo",
        "table",
    ];
    walked("complex", &[], &[&FORWARD[..], &rest].concat());
}

#[test]
fn a_complex_release_by_branch_b() {
    let back = ["back", "swap-back", "lift-embargo", "table"];
    walked("complex", &FORWARD, &back);
}

#[test]
fn a_complex_release_that_goes_back_late() {
    let back = ["backup-on", "back", "swap-back", "lift-embargo", "table"];
    walked("complex", &[&FORWARD[..], &["verify"]].concat(), &back);
}
