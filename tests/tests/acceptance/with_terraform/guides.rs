//! Every block of commands in the guides runs, in the order of its page, against simulated APIs.
//!
//! Blocks of `sh` are given to bash, which stops at the first command that fails; `hcl` becomes
//! the configuration. What only an operator's own machines have is stood in for, see
//! [`STAND_INS`]; pages and blocks that are not run are named with the reason.

use std::{fs, path::Path};

use gigadb_tests::{Scene, procedure::Side, scene::example};

/// Programs that reach what no simulator has: each stands in by checking how it is called.
const STAND_INS: [(&str, &str, &str); 7] = [
    (
        "ansible-playbook",
        "it logs in to real machines by SSH; the tests of the collection run this playbook",
        "test \"$1\" = gigascience.gigadb.data_sync && test \"$2\" = -i",
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
        "test \"$1\" = s_client",
    ),
];

/// Blocks that are not run: page, how the block begins (all of them where empty), reason.
const NOT_RUN: [(&str, &str, &str); 5] = [
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
    ("README.md", "export", "it holds no token but dots"),
    ("first-swap.md", "export", "it holds no token but dots"),
];

/// Who is production of live once all of a page was done, for pages that act.
const ENDS_WITH: [(&str, Side); 4] = [
    ("blue-green-release.md", Side::Upstream),
    ("incident-failover.md", Side::Alt),
    ("rollback.md", Side::Upstream),
    ("first-swap.md", Side::Alt),
];

struct Block {
    language: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim().strip_prefix("```")) {
            (None, Some(language)) => {
                let block = Block {
                    language: language.to_owned(),
                    text: String::new(),
                };
                open = Some((indent, block));
            }
            (Some(_), Some("")) => blocks.extend(open.take().map(|(_, block)| block)),
            (Some((indent, block)), _) => {
                block.text.push_str(line.get(*indent..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn not_run(page: &str, block: &Block) -> bool {
    NOT_RUN
        .iter()
        .any(|(name, start, _)| *name == page && block.text.starts_with(start))
}

/// Puts the lines with `+` in the place of the lines with `-`.
fn patched(text: &str, diff: &str) -> String {
    let lines = |sign: char| {
        let kept = diff.lines().filter_map(|line| line.strip_prefix(sign));
        kept.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    let (old, new) = (lines('-'), lines('+'));
    assert!(
        !old.is_empty() && text.contains(&old),
        "{old:?} is not in {text}"
    );
    text.replacen(&old, &new, 1)
}

fn run(name: &str, page: &str) {
    let mut scene = Scene::new();
    scene.set("TF_CLI_ARGS_apply", "-auto-approve");
    for (program, _, script) in STAND_INS {
        scene.stand_in(program, script);
    }
    scene.write("main.tf", &example("upstream/main.tf"));
    let _ = scene.apply().expect(0);
    let mut ran = 0;
    for block in blocks(page) {
        if not_run(name, &block) {
            continue;
        }
        match block.language.as_str() {
            "sh" | "shell" | "bash" => {
                let output = scene.shell(&block.text);
                assert_eq!(output.code, 0, "{name}:\n{}\n{output:?}", block.text);
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
            "hcl" | "yaml" | "ini" | "json" | "text" | "mermaid" => {}
            other => panic!("{name}: nobody knows how to run {other:?}"),
        }
    }
    if let Some((_, production)) = ENDS_WITH.iter().find(|(page, _)| *page == name) {
        assert!(ran > 0);
        let output = scene.gigadb_roles(&["status", "--environment", "live", "--format", "json"]);
        let status: serde_json::Value = serde_json::from_str(&output.expect(0).stdout).unwrap();
        let text = status.to_string();
        let production = format!("\"production\":\"{}\"", production.name());
        assert!(text.contains(&production), "{name}: {text}");
    }
}

fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = if name == "README.md" {
        root.join(name)
    } else {
        root.join("docs/guides").join(name)
    };
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

macro_rules! guides {
    ($($test:ident: $page:literal,)+) => {
        const PAGES: &[&str] = &[$($page),+];
        $(#[test] fn $test() { run($page, &page($page)); })+
    };
}

guides! {
    the_readme: "README.md",
    moving_from_terraform_inventory: "ansible.md",
    a_first_swap: "first-swap.md",
    operating_without_terraform: "without-terraform.md",
    least_privilege: "least-privilege.md",
    a_blue_green_release: "blue-green-release.md",
    a_simple_release: "simple-release.md",
    an_incident: "incident-failover.md",
    going_back: "rollback.md",
    certificates: "certificates.md",
    rotating_credentials: "rotating-credentials.md",
    a_third_infrastructure: "third-infrastructure.md",
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
    assert_eq!(
        pipeline["review"]["allow_failure"]["exit_codes"],
        serde_json::json!([2])
    );
    scene.assert_records_led_by(Side::Alt);
}
