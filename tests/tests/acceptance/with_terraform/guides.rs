//! Every block of commands in the guides runs, in the order of its page, against simulated APIs.
//!
//! Blocks of `sh` are given to bash, which stops at the first command that fails; `hcl` becomes
//! the configuration. What only an operator's own machines have is stood in for, see
//! [`STAND_INS`]; pages and blocks that are not run are named with the reason.

use std::{cell::Cell, fs, path::Path};

use gigadb_simulator::{
    Api, Effect, Fault, World,
    world::{ALT_PROJECT, REGION_ALT},
};
use gigadb_tests::{
    Scene,
    guide::{Block, blocks, page, patched, without},
    procedure::Side,
    scene::example,
};
use serde_json::Value;

/// Programs that reach what no simulator has: each stands in by checking how it is called.
const STAND_INS: [(&str, &str, &str); 7] = [
    (
        "ansible-playbook",
        "it logs in to real machines by SSH; the tests of the collection run this playbook",
        "test \"$1\" = gigascience.gigadb.data_sync && test \"$2\" = -i
case \"$*\" in *--limit*) ansible \"${*##*--limit }\";; esac",
    ),
    (
        "ansible",
        "it logs in to real machines by SSH; the group must exist",
        "gigadb-roles inventory --list | grep -q \"\\\"$1\\\"\"",
    ),
    ("aws", "it makes keys in a real account", "test -n \"$2\""),
    (
        "certbot",
        "it asks a real authority",
        "test \"$1\" = certonly",
    ),
    ("curl", "it asks a real web server", "test -n \"$2\""),
    (
        "dig",
        "it asks the Internet",
        "test \"$1\" = +short && echo 203.0.113.10",
    ),
    (
        "openssl",
        "it asks a real web server",
        "test \"$1\" = s_client || test \"$1\" = x509",
    ),
];

/// Blocks that are not run: page, how the block begins (all of them where empty), reason.
const NOT_RUN: [(&str, &str, &str); 6] = [
    (
        "playground.md",
        "",
        "tests/playground runs all of it, with the shell that it opens",
    ),
    (
        "network.md",
        "cat /etc/ssl",
        "it joins the authority of a real network; the helper's tests set what it sets",
    ),
    (
        "README.md",
        "gigadb-simulator play",
        "it opens a shell; tests/playground does",
    ),
    (
        "without-terraform.md",
        "",
        "the helper's own tests run it, with a terminal",
    ),
    (
        "ansible.md",
        "",
        "ansible/tests/test_guide.py runs all of it, with the real Ansible",
    ),
    (
        "README.md",
        "cargo",
        "a build within a build; CI runs these",
    ),
];

/// Who is production of live once all of a page was done, for pages that act.
const ENDS_WITH: [(&str, Side); 1] = [("incident-failover.md", Side::Alt)];

fn not_run(page: &str, block: &Block) -> bool {
    NOT_RUN
        .iter()
        .any(|(name, start, _)| *name == page && block.text.starts_with(start))
}

/// A stage on which live and staging were adopted, as the guides find it.
fn stage(world: World) -> Scene {
    let mut scene = Scene::with_world(world);
    scene.set("TF_CLI_ARGS_apply", "-auto-approve");
    for (program, _, script) in STAND_INS {
        scene.stand_in(program, script);
    }
    scene.write("main.tf", &example("upstream/main.tf"));
    let _ = scene.apply().expect(0);
    scene
}

/// Runs the blocks of a page; each command ends with the code that is given for its block.
fn run_on(scene: &mut Scene, name: &str, page: &str, code: impl Fn(&Scene, &Block) -> i32) {
    let mut ran = 0;
    for block in blocks(page) {
        if not_run(name, &block) {
            continue;
        }
        match block.language.as_str() {
            "sh" | "shell" | "bash" => {
                if block.text.contains("\"$RUN\"") && !block.text.contains("RUN=") {
                    scene.set("RUN", &last_run(scene));
                }
                let expected = code(scene, &block);
                let output = scene.shell(&block.text);
                assert_eq!(output.code, expected, "{name}:\n{}\n{output:?}", block.text);
                ran += 1;
            }
            "hcl"
                if block
                    .text
                    .contains("resource \"gigadb_role_assignment\" \"live\"") =>
            {
                scene.configure(&block.text);
            }
            "diff" => scene.write("main.tf", &patched(&scene.read("main.tf"), &block.text)),
            "yaml" if name == "blue-green-release.md" => {
                let topology = scene.read("topology.yaml");
                scene.write("topology.yaml", &format!("{topology}\n{}", block.text));
            }
            "yaml" if name == "third-infrastructure.md" => {
                let (section, entry) = block.text.split_once('\n').unwrap();
                scene.edit_topology(section, &format!("{section}\n{}", entry.trim_end()));
            }
            "hcl" | "yaml" | "ini" | "json" | "text" | "mermaid" => {}
            other => panic!("{name}: nobody knows how to run {other:?}"),
        }
    }
    let acts = ENDS_WITH.iter().any(|(page, _)| *page == name);
    assert!(ran > 0 || !acts, "{name}");
}

fn last_run(scene: &Scene) -> String {
    let history = scene
        .gigadb_roles(&["history", "--format", "json"])
        .expect(0);
    let history: Value = serde_json::from_str(&history.stdout).unwrap();
    history["runs"][0]["id"].as_str().unwrap().to_owned()
}

fn run(name: &str, page: &str) {
    let mut scene = stage(World::sop().with_release("v4.4.0"));
    run_on(&mut scene, name, page, |_, _| 0);
    if let Some((_, production)) = ENDS_WITH.iter().find(|(page, _)| *page == name) {
        assert_eq!(production_of_live(&scene), production.name(), "{name}");
    }
}

/// The probe is switched off in a scene: it is refused, and a person looks, as the page says.
fn probe_is_refused(block: &Block) -> i32 {
    i32::from(block.text.contains("# probe"))
}

#[test]
fn a_blue_green_release_that_goes_well_goes_back_or_is_made_by_hand() {
    let name = "blue-green-release.md";
    let whole = page(name);
    let by_hand = [
        "Once", "1", "2", "3", "4", "5", "6", "7", "A", "B", "Always",
    ];
    let ways = [
        (&["B", "Out of reach"][..], Side::Alt),
        (&["A:", "Out of reach"], Side::Upstream),
        (&by_hand, Side::Alt),
    ];
    for (left_out, production) in ways {
        let mut scene = stage(World::sop().with_release("v4.4.0"));
        let text = without(&whole, left_out);
        run_on(&mut scene, name, &text, |_, block| probe_is_refused(block));
        assert_eq!(
            production_of_live(&scene),
            production.name(),
            "{left_out:?}"
        );
        let _ = scene.plan(&[]).expect(0).says(&["No changes"]);
    }
}

/// Who is production of live, as `status` says.
fn production_of_live(scene: &Scene) -> String {
    let output = scene.gigadb_roles(&["status", "--environment", "live", "--format", "json"]);
    let status: Value = serde_json::from_str(&output.expect(0).stdout).unwrap();
    let live = &status["environments"]["live"];
    live["production"].as_str().unwrap().to_owned()
}

#[test]
fn an_incident_with_a_side_that_is_really_lost() {
    let name = "incident-failover.md";
    let mut scene = stage(World::sop());
    let gone = || Fault::new(Effect::ResetBeforeCommit).always();
    let before = scene.world();
    let lost = Cell::new(false);
    run_on(&mut scene, name, &page(name), |scene, block| {
        // The page begins with a good day.
        if block.text.contains("gigadb-roles status") && !lost.replace(true) {
            let simulator = scene.simulator();
            simulator.fault(gone().api(Api::Ec2).region(Side::Upstream.region()));
            simulator.fault(gone().api(Api::Gitlab).path_contains("/gigadb-website"));
        }
        if block.text.contains("apply failover.json") {
            return 3;
        }
        if block.text.contains("resume") {
            // Production moved in the night; what the lost side holds is as it was.
            scene.assert_records_led_by(Side::Alt);
            let project = Side::Upstream.project();
            let lost = |world: &World| world.gitlab.project(project).cloned();
            assert_eq!(lost(&scene.world()), lost(&before));
            let again = scene.gigadb_roles(&["resume", &last_run(scene), "--yes"]);
            let _ = again.expect(3).says(&["4 items are owed"]);
            scene.simulator().clear_faults();
        }
        0
    });
    scene.assert_world(Side::Alt, Side::Upstream);
}

/// The page is for somebody who swapped: by Terraform for its first half, by the helper for its second.
#[test]
fn going_back() {
    let name = "rollback.md";
    let mut scene = stage(World::sop());
    let swap = blocks(&page("first-swap.md"));
    let swap = swap.iter().find(|block| block.language == "diff").unwrap();
    scene.write("main.tf", &patched(&scene.read("main.tf"), &swap.text));
    let _ = scene.apply().expect(0);
    scene.assert_records_led_by(Side::Alt);
    // The guide's own plan tells that nothing would change while the line is as it was.
    let plan = |block: &&Block| block.text.contains("-detailed-exitcode");
    let blocks = blocks(&page(name));
    let unchanged = scene.shell(&blocks.iter().find(plan).unwrap().text);
    let _ = unchanged.expect(0).says(&["No changes"]);

    let ends = Cell::new(0);
    run_on(&mut scene, name, &page(name), |scene, block| {
        if block.text.contains("gigadb-roles history") {
            scene.assert_world(Side::Upstream, Side::Upstream);
            let swap = ["swap", "--environment", "live", "--yes"];
            let _ = scene.gigadb_roles(&swap).expect(0);
            scene.assert_records_led_by(Side::Alt);
        }
        if block.text.contains("gigadb-roles status") {
            scene.assert_records_led_by(Side::Upstream);
            ends.set(ends.get() + 1);
        }
        if plan(&block) { 2 } else { 0 }
    });
    assert_eq!(ends.get(), 2, "each half ends with a look at who serves");
    scene.assert_world(Side::Upstream, Side::Upstream);
    let _ = scene.plan(&[]).expect(0).says(&["No changes"]);
}

/// The procedure's world with a third side, built like the second one.
fn world_of_three() -> World {
    let mut world = World::sop();
    let (project, region) = ("gigascience/upstream/third-gigadb-website", "eu-central-1");
    let mut third = world.gitlab.project(ALT_PROJECT).unwrap().clone();
    third.id += 1;
    project.clone_into(&mut third.path);
    world.gitlab.projects.push(third);
    for token in &mut world.gitlab.tokens {
        if let Some(level) = token.access.get(ALT_PROJECT).copied() {
            token.access.insert(project.to_owned(), level);
        }
    }
    let account = &mut world.aws.accounts[0];
    let machines = account.regions[REGION_ALT].clone();
    let mut text = serde_json::to_string(&machines).unwrap();
    for (from, to) in [
        ("203.0.113.", "192.0.2."),
        ("\"i-", "\"i-3"),
        ("\"eipalloc-", "\"eipalloc-3"),
        (REGION_ALT, region),
    ] {
        text = text.replace(from, to);
    }
    let machines = serde_json::from_str(&text).unwrap();
    account.regions.insert(region.to_owned(), machines);
    let mut key = account.keys[1].clone();
    "AKIATHIRDGIGADBSIDE0".clone_into(&mut key.id);
    key.profile = Some(("UpstreamThird".to_owned(), region.to_owned()));
    account.keys.push(key);
    world
}

#[test]
fn a_third_infrastructure() {
    let name = "third-infrastructure.md";
    let mut scene = stage(world_of_three());
    run_on(&mut scene, name, &page(name), |_, _| 0);
    assert_eq!(production_of_live(&scene), "third-gigadb-website");
    let _ = scene.plan(&[]).expect(0);
}

macro_rules! guides {
    ($($test:ident: $page:literal,)+) => {
        const PAGES: &[&str] = &[
            "third-infrastructure.md",
            "rollback.md",
            "blue-green-release.md",
            // In tests/playground, with the provider installed as there.
            "first-swap.md",
            "simple-release.md",
            $($page),+
        ];
        $(#[test] fn $test() { run($page, &page($page)); })+
    };
}

guides! {
    the_readme: "README.md",
    moving_from_terraform_inventory: "ansible.md",
    operating_without_terraform: "without-terraform.md",
    least_privilege: "least-privilege.md",
    an_incident: "incident-failover.md",
    certificates: "certificates.md",
    rotating_credentials: "rotating-credentials.md",
    play_and_practise: "playground.md",
    proxies_and_certificates: "network.md",
}

#[test]
fn every_guide_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(PAGES.contains(&name.as_str()), "{name} is in no test");
    }
}

#[test]
fn what_is_not_run_is_there_and_has_a_reason() {
    for (name, start, reason) in NOT_RUN {
        assert!(reason.len() > 10);
        let found = blocks(&page(name))
            .iter()
            .any(|block| block.text.starts_with(start));
        assert!(found, "{name}: no block begins with {start:?}");
    }
}

#[test]
fn the_gitlab_pipeline_plans_reviews_and_applies_the_same_plan() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/gitlab-ci/.gitlab-ci.yml");
    let mut scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let url = scene.simulator().gitlab_url().to_owned();
    scene
        .set("CI_API_V4_URL", &url)
        .set("CI_PROJECT_ID", gigadb_simulator::world::PROJECT)
        .set("CI_MERGE_REQUEST_IID", "7");
    let pipeline = scene.yaml(&file);
    let gates = pipeline["variables"]["REVIEW_GATES"].as_str().unwrap();
    assert_eq!(gates, "--require-only-role-change --forbid-failover");
    scene.set("REVIEW_GATES", gates);
    assert_eq!(pipeline["default"]["image"], "$GIGADB_IMAGE");
    assert_eq!(
        pipeline["stages"],
        serde_json::json!(["plan", "review", "apply"])
    );
    assert_eq!(pipeline["apply"]["rules"][0]["when"], "manual");
    let paths = pipeline["plan"]["artifacts"]["paths"].to_string();
    for job in ["plan", "review", "apply"] {
        assert_eq!(pipeline[job]["stage"], job);
        for line in pipeline[job]["script"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            // The provider is not in a registry yet, so there is nothing to install it from.
            if line == "terraform init" {
                continue;
            }
            let output = scene.shell(line);
            assert_eq!(output.code, 0, "{line}: {output:?}");
        }
    }
    for made in ["swap.tfplan", "plan.json"] {
        assert!(
            paths.contains(made) && scene.root().join(made).exists(),
            "{made}"
        );
    }
    let report = pipeline["review"]["artifacts"]["reports"]["terraform"]
        .as_str()
        .unwrap();
    assert_eq!(
        scene.read(report),
        "{\"create\":0,\"delete\":0,\"update\":1}\n"
    );
    assert!(pipeline["review"]["allow_failure"].is_null());
    scene.assert_records_led_by(Side::Alt);
    // Applying starts with a review, which stops at another change than the reviewed one.
    let review = pipeline["apply"]["script"][1].as_str().unwrap();
    let expected = scene.set("EXPECT_DIGEST", &"0".repeat(64)).shell(review);
    assert!(expected.code != 0, "{expected:?}");
    let _ = expected.says(&["--expect-digest"]);
}
