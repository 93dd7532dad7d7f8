//! A topology with a third side: commands name the two that have a role, and leave the third alone.

use std::fs;

use crate::{
    release::{confirm, document, next, release, stage_of, start},
    stage::Stage,
};
use gigadb_simulator::{
    LoggedRequest, World,
    world::{ALT_PROJECT, REGION_ALT},
};

const THIRD: &str = "third-gigadb-website";
const THIRD_PROJECT: &str = "gigascience/upstream/third-gigadb-website";
const REGION: &str = "eu-central-1";

/// The procedure's world with a third side, built like the second one.
fn world_of_three() -> World {
    let mut world = World::sop();
    let mut third = world.gitlab.project(ALT_PROJECT).unwrap().clone();
    third.id += 1;
    THIRD_PROJECT.clone_into(&mut third.path);
    world.gitlab.projects.push(third);
    for token in &mut world.gitlab.tokens {
        let level = token.access.get(ALT_PROJECT).copied();
        token
            .access
            .extend(level.map(|level| (THIRD_PROJECT.to_owned(), level)));
    }
    let account = &mut world.aws.accounts[0];
    let mut text = serde_json::to_string(&account.regions[REGION_ALT]).unwrap();
    for (from, to) in [
        ("203.0.113.", "192.0.2."),
        ("\"i-", "\"i-3"),
        ("\"eipalloc-", "\"eipalloc-3"),
        (REGION_ALT, REGION),
    ] {
        text = text.replace(from, to);
    }
    let machines = serde_json::from_str(&text).unwrap();
    account.regions.insert(REGION.to_owned(), machines);
    let mut key = account.keys[1].clone();
    "AKIATHIRDGIGADBSIDE0".clone_into(&mut key.id);
    key.profile = Some(("UpstreamThird".to_owned(), REGION.to_owned()));
    account.keys.push(key);
    world
}

/// A stage of a release whose topology has the third side.
fn three() -> Stage {
    let stage = stage_of(world_of_three());
    let file = stage.folder().join("topology.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let third = format!(
        "infrastructures:\n  {THIRD}:\n    gitlab_project: {THIRD_PROJECT}\n    aws: {{ profile: UpstreamThird, region: {REGION} }}\n    owner: gigadb\n"
    );
    fs::write(&file, text.replacen("infrastructures:\n", &third, 1)).unwrap();
    stage
}

/// Nothing was written to the third side's project, and no name leads to its addresses.
fn is_left_alone(stage: &Stage, before: &World) {
    let project = THIRD_PROJECT.replace('/', "%2F");
    let writes = stage.simulator.requests();
    let writes = writes.iter().filter(|one| one.is_write());
    let written: Vec<&LoggedRequest> = writes
        .filter(|one| one.path.contains(&project) || one.path.contains(THIRD_PROJECT))
        .collect();
    assert!(written.is_empty(), "{written:?}");
    let world = stage.simulator.world();
    assert_eq!(
        world.gitlab.project(THIRD_PROJECT),
        before.gitlab.project(THIRD_PROJECT)
    );
    let mut zones = world.cloudflare.zones.iter();
    let of_the_third = |address: &str| {
        ["10", "11", "12", "20", "21", "22"]
            .iter()
            .any(|last| address == format!("192.0.2.{last}"))
    };
    assert!(zones.all(|zone| zone.records.iter().all(|one| !of_the_third(&one.content))));
}

#[test]
fn a_swap_and_a_plan_concern_two_sides() {
    let stage = three();
    let before = stage.simulator.world();
    let status = stage.answer(&["status", "-e", "live"]);
    for row in [
        "live         consistent  production   gigadb-website ",
        "live         consistent  hot standby  alt-gigadb-website ",
        "live         consistent  none         third-gigadb-website ",
    ] {
        assert!(status.contains(row), "{row:?} is not in {status}");
    }
    let plan = stage.answer_with(2, &["plan", "-e", "live", "--swap"]);
    let alone = "note: `third-gigadb-website` keeps what it has: this plan concerns `alt-gigadb-website` and `gigadb-website` alone.";
    assert!(plan.contains(alone), "{plan}");
    assert!(!plan.contains("192.0.2."), "{plan}");
    let told = stage.run(&["swap", "-e", "live", "--yes"]);
    assert!(told.starts_with("exit 0\n"), "{told}");
    let line = "set production = \"alt-gigadb-website\" and hot_standby = \"gigadb-website\", so that the next apply agrees";
    assert!(told.contains(line), "{told}");
    is_left_alone(&stage, &before);
    let status = stage.answer(&["status", "-e", "live"]);
    assert!(
        status.contains("none         third-gigadb-website "),
        "{status}"
    );
}

#[test]
fn who_is_hot_standby_is_named_where_it_is_not_the_other_one() {
    let stage = three();
    let before = stage.simulator.world();
    let failover = [
        "failover",
        "-e",
        "live",
        "--production",
        "alt-gigadb-website",
        "--yes",
    ];
    for words in [
        &["plan", "-e", "live", "--production", "alt-gigadb-website"][..],
        &failover,
    ] {
        let told = stage.run(words);
        assert!(told.starts_with("exit 64\n"), "{told}");
        for part in [
            "the topology has 3 infrastructures, so `hot_standby` must be named",
            "next:    Name the other side with --hot-standby",
        ] {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
    }
    let words = [
        "plan",
        "-e",
        "live",
        "--production",
        "gigadb-website",
        "--hot-standby",
        THIRD,
    ];
    let plan = stage.answer_with(2, &words);
    for part in [
        "live: production gigadb-website, hot standby third-gigadb-website (switchover)",
        "  ~ A alt-live.gigadb.host: 203.0.113.10 -> 192.0.2.10\n",
        "note: `alt-gigadb-website` keeps what it has: ",
    ] {
        assert!(plan.contains(part), "{part:?} is not in {plan}");
    }
    assert_eq!(stage.simulator.world(), before);
    let lost = [&failover[..], &["--hot-standby", "gigadb-website"]].concat();
    let told = stage.run(&lost);
    assert!(
        told.contains("Failed over live: production is alt-gigadb-website"),
        "{told}"
    );
    is_left_alone(&stage, &before);
}

#[test]
fn a_release_takes_its_two_sides_through_and_leaves_the_third_alone() {
    let stage = three();
    // Somebody builds the third side all the while.
    stage.simulator.edit(|world| {
        let project = world.gitlab.project_mut(THIRD_PROJECT).unwrap();
        let job = project.jobs.iter_mut().find(|job| job.name == "build_live");
        "pending".clone_into(&mut job.unwrap().status);
    });
    let before = stage.simulator.world();
    start(&stage, "complex");
    let roles = &document(&stage)["roles"];
    assert_eq!(roles["production"], "gigadb-website");
    assert_eq!(roles["hot_standby"], "alt-gigadb-website");
    for (step, by) in [
        ("embargo", "Ada"),
        ("pause-sync", ""),
        ("backup", ""),
        ("restore", ""),
        ("deploy-standby", ""),
        ("validate-business", "Ada"),
        ("validate-technical", "Grace"),
        ("prepare", ""),
    ] {
        if by.is_empty() {
            let told = next(&stage);
            assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
        } else {
            confirm(&stage, step, by);
        }
    }
    // What is said of a way out works with three sides as well.
    let kept = stage.simulator.world();
    let told = release(&stage, 1, &["abandon"]);
    assert!(!told.contains(THIRD), "{told}");
    let (_, command) = told.split_once("`gigadb-roles plan ").unwrap();
    let (command, _) = command.split_once(" --out FILE`").unwrap();
    let words: Vec<&str> = ["plan"].into_iter().chain(command.split(' ')).collect();
    let plan = stage.answer_with(2, &words);
    assert!(plan.contains("Would change 4 variables."), "{plan}");
    stage.simulator.edit(|world| *world = kept);

    next(&stage);
    confirm(&stage, "probe", "Ada");
    let told = next(&stage);
    assert!(told.contains("Step `swap` is done"), "{told}");
    let line = "`production = \"alt-gigadb-website\"` and `hot_standby = \"gigadb-website\"`.";
    assert!(told.contains(line), "{told}");
    release(&stage, 0, &["back"]);
    let told = next(&stage);
    assert!(told.contains("Step `swap-back` is done"), "{told}");
    confirm(&stage, "lift-embargo", "Ada");
    confirm(&stage, "table", "Ada");
    let told = release(&stage, 0, &["finish"]);
    assert!(!told.contains(THIRD), "{told}");
    is_left_alone(&stage, &before);
}
