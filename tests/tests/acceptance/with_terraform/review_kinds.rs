//! `gigadb-roles review` on the unusual plans, all written by real Terraform: each is said as what
//! it is.

use gigadb_simulator::Edit;
use gigadb_tests::{Scene, assignment, procedure, procedure::Side};
use serde_json::Value;

use super::review::plan_json;

const KEEP: &str = "  on_external_swap = \"keep\"";

fn adopted(further: &str) -> Scene {
    let scene = Scene::new();
    scene.configure(&assignment("live", Side::Upstream, further));
    let _ = scene.apply().expect(0);
    scene
}

/// Live's roles are traded by hand: records and variables.
fn traded_elsewhere(further: &str) -> Scene {
    let scene = adopted(further);
    scene
        .simulator()
        .edit(|world| *world = procedure::world(Side::Alt, Side::Upstream));
    scene
}

fn set_record(scene: &Scene, name: &str, content: &str) {
    let edit = Edit::SetRecord {
        name: name.to_owned(),
        kind: "A".to_owned(),
        content: content.to_owned(),
    };
    scene.simulator().edit(|world| world.apply(&edit)).unwrap();
}

/// Only the records are traded by hand; the variables are left.
fn trade_records(scene: &Scene) {
    for (name, content) in [
        ("gigadb.org", "203.0.113.10"),
        ("portainer.gigadb.org", "203.0.113.10"),
        ("bastion.gigadb.org", "203.0.113.11"),
        ("files.gigadb.org", "203.0.113.12"),
        ("alt-live.gigadb.host", "198.51.100.10"),
        ("portainer.alt-live.gigadb.host", "198.51.100.10"),
        ("bastion.alt-live.gigadb.host", "198.51.100.11"),
        ("files.alt-live.gigadb.org", "198.51.100.12"),
    ] {
        set_record(scene, name, content);
    }
}

/// The first line and the kind of a review, which must end with `code`.
fn reviewed(scene: &Scene, further: &[&str], code: i32) -> (String, Value) {
    let review = |format: &[&str]| {
        let output = scene.gigadb_roles(&[&["review", "plan.json"], further, format].concat());
        output.expect(code).stdout
    };
    let text = review(&[]);
    let json: Value = serde_json::from_str(&review(&["--format", "json"])).unwrap();
    scene.assert_nothing_written();
    let first = text.lines().next().unwrap_or_default();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/review.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let faults: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&json)
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}\n{json:#}");
    (first.to_owned(), json)
}

#[test]
fn a_trade_by_hand_that_is_kept_names_the_side_that_serves() {
    let scene = traded_elsewhere(KEEP);
    plan_json(&scene, &assignment("live", Side::Upstream, KEEP));
    let (first, json) = reviewed(&scene, &[], 0);
    let kept = "alt-gigadb-website (Sydney), not gigadb-website (Hong Kong) as Terraform's state says: roles were traded outside Terraform; kept";
    assert_eq!(
        first,
        format!("**Changes no role: live stays with production {kept}**")
    );
    let live = &json["environments"][0];
    assert_eq!(live["kind"], "keep");
    assert_eq!(live["production"], "alt-gigadb-website");
    assert_eq!(live["traded_outside"], true);
    assert_eq!(json["changes_pending"], false);
    let settings = format!("{KEEP}\n  on_failure = \"stop\"");
    plan_json(&scene, &assignment("live", Side::Upstream, &settings));
    let (first, json) = reviewed(&scene, &[], 2);
    assert!(
        first.ends_with(&format!("production stays {kept}**")),
        "{first}"
    );
    assert_eq!(
        json["role_changes"][0]["holder"]["to"],
        "alt-gigadb-website"
    );
}

#[test]
fn the_repair_of_one_name_is_no_trade() {
    let scene = adopted("");
    set_record(&scene, "portainer.gigadb.org", "203.0.113.10");
    plan_json(&scene, &assignment("live", Side::Upstream, ""));
    let (first, json) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Aligns live with its topology: writes 1 record and 0 variables, production stays gigadb-website (Hong Kong)**: findings not known"
    );
    assert_eq!(json["role_changes"][0]["kind"], "align");
    assert_eq!(json["role_changes"][0]["due"].as_array().unwrap().len(), 0);
}

#[test]
fn accepting_what_was_done_by_hand_is_no_swap() {
    let scene = adopted("");
    trade_records(&scene);
    plan_json(&scene, &assignment("live", Side::Alt, ""));
    let (first, json) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Takes note that production of live is alt-gigadb-website (Sydney), no longer gigadb-website (Hong Kong), as roles were traded outside Terraform: writes 0 records and 8 variables**: findings not known"
    );
    assert_eq!(json["role_changes"][0]["kind"], "take_note");
    // The way back of the same is a trade.
    let revert = "  on_external_swap = \"revert\"";
    plan_json(&scene, &assignment("live", Side::Upstream, revert));
    let (first, _) = reviewed(&scene, &[], 2);
    assert!(
        first.starts_with("**Trades live back: production alt-gigadb-website (Sydney) to gigadb-website (Hong Kong)"),
        "{first}"
    );
}

#[test]
fn other_names_of_the_same_sides_are_a_rename() {
    let scene = adopted("");
    scene.edit_topology("\n  gigadb-website:\n", "\n  hongkong:\n");
    scene.edit_topology("\n  alt-gigadb-website:\n", "\n  sydney:\n");
    let body = assignment("live", Side::Upstream, "").replace("\"gigadb-website\"", "\"hongkong\"");
    plan_json(&scene, &body);
    let (first, json) = reviewed(&scene, &["--require-only-role-change"], 2);
    assert_eq!(
        first,
        "**Renames alt-gigadb-website to sydney (Sydney) and gigadb-website to hongkong (Hong Kong) in live: writes nothing, production stays hongkong (Hong Kong)**"
    );
    assert_eq!(json["role_changes"][0]["kind"], "rename");
    assert_eq!(
        json["role_changes"][0]["variables"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(json["role_changes"][0]["due"].as_array().unwrap().len(), 0);
    let body = body.replace("\"hongkong\"", "\"sydney\"");
    plan_json(&scene, &body);
    let (first, _) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Swaps live: production hongkong (Hong Kong) to sydney (Sydney)**: 8 records, up to 8 variables; findings not known"
    );
}

#[test]
fn a_refresh_only_plan_tells_what_drifted() {
    let scene = traded_elsewhere("");
    let plan = scene.plan(&["-out=tfplan", "-refresh-only"]);
    assert!(matches!(plan.code, 0 | 2), "{plan:?}");
    let shown = scene.terraform(&["show", "-json", "tfplan"]).expect(0);
    scene.write("plan.json", &shown.stdout);
    scene.simulator().clear_requests();
    let (first, json) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Takes up in Terraform's state what is there in live: 8 records and 8 variables differ, none is written, production is alt-gigadb-website (Sydney), not gigadb-website (Hong Kong) as Terraform's state says: roles were traded outside Terraform**"
    );
    assert_eq!(json["role_changes"][0]["kind"], "refresh");
}

#[test]
fn a_sensitive_production_is_told_by_its_hostnames() {
    let scene = adopted("");
    let body = assignment("live", Side::Alt, "  reason = \"a | b\"").replace(
        "\"alt-gigadb-website\"",
        "sensitive(\"alt-gigadb-website\")",
    );
    plan_json(&scene, &body);
    let (first, json) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)**: 8 records, 8 variables; findings not known"
    );
    let due = json["role_changes"][0]["due"].to_string();
    assert!(
        due.contains("Rebuild and deploy `gigascience/upstream/alt-gigadb-website`"),
        "{due}"
    );
    let text = scene
        .gigadb_roles(&["review", "plan.json"])
        .expect(2)
        .stdout;
    assert!(text.contains("- Reason: `a | b`"), "{text}");
    // Whether it is a failover is not to be hidden from a gate.
    let body = assignment("live", Side::Alt, "  mode = sensitive(\"failover\")");
    plan_json(&scene, &body);
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--forbid-failover"])
        .expect(1)
        .says(&["its mode is not shown"]);
}

#[test]
fn a_preflight_that_is_read_at_the_apply_is_told_in_a_sentence() {
    let scene = adopted("");
    let check = "check \"preflight\" {\n  data \"gigadb_preflight\" \"live\" {\n    environment = gigadb_role_assignment.live.environment\n    production  = gigadb_role_assignment.live.production\n  }\n  assert {\n    condition     = data.gigadb_preflight.live.ok\n    error_message = \"not ok\"\n  }\n}\n";
    plan_json(
        &scene,
        &format!("{}{check}", assignment("live", Side::Alt, "")),
    );
    let text = scene
        .gigadb_roles(&["review", "plan.json"])
        .expect(2)
        .stdout;
    assert!(
        text.contains("this plan holds no findings: `data.gigadb_preflight.live` is not read before the apply."),
        "{text}"
    );
}

#[test]
fn a_review_says_when_the_plan_was_made_by_what_and_for_which_commit() {
    let mut scene = adopted("");
    plan_json(&scene, &assignment("live", Side::Alt, ""));
    let plan: Value = serde_json::from_str(&scene.read("plan.json")).unwrap();
    // As in `2026-11-22T09:30:00Z`.
    let at = plan["timestamp"].as_str().unwrap();
    let (year, time) = (&at[..4], &at[11..16]);
    let version = plan["terraform_version"].as_str().unwrap();
    let made = format!("{year} at {time} UTC by Terraform or OpenTofu `{version}`");
    let line = |scene: &Scene| {
        let review = scene.gigadb_roles(&["review", "plan.json"]).expect(2);
        let mut lines = review.stdout.lines();
        let line = lines.find_map(|line| line.strip_prefix("Planned on "));
        let (_day_and_month, rest) = line.unwrap().split_at(line.unwrap().find(year).unwrap());
        rest.to_owned()
    };
    assert_eq!(line(&scene), format!("{made}."));
    scene.set("CI_COMMIT_SHA", "1111111111111111111111111111111111111111");
    assert_eq!(line(&scene), format!("{made}, for commit `111111111111`."));
    // Of a merge request, GitLab tests a commit of its own; people know the branch's.
    let branch = "2222222222222222222222222222222222222222";
    scene.set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", branch);
    assert_eq!(line(&scene), format!("{made}, for commit `222222222222`."));
    let json = scene.gigadb_roles(&["review", "plan.json", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.expect(2).stdout).unwrap();
    assert_eq!(json["made"]["commit"], branch);
}

fn set_variable(scene: &Scene, value: &str) {
    let edit = Edit::SetVariable {
        project: "gigascience/upstream/gigadb-website".to_owned(),
        key: "HOME_URL".to_owned(),
        scope: "live".to_owned(),
        value: value.to_owned(),
    };
    scene.simulator().edit(|world| world.apply(&edit)).unwrap();
}

#[test]
fn a_live_review_names_what_moved_whether_the_plan_writes_it_or_not() {
    let scene = adopted("");
    let prepare = "  prepare = \"alt-gigadb-website\"";
    plan_json(&scene, &assignment("live", Side::Upstream, prepare));
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--live"])
        .expect(2)
        .says(&["0 errors"]);
    set_variable(&scene, "http://alt-live.gigadb.host");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--live"])
        .expect(1)
        .says(&[
            "1 error,",
            "The plan was made when `HOME_URL` of `gigadb-website` held `https://gigadb.org`; now it holds `http://alt-live.gigadb.host`.",
        ]);
    // What is as planned already is no conflict.
    plan_json(&scene, &assignment("live", Side::Upstream, ""));
    set_variable(&scene, "https://gigadb.org");
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--live"])
        .expect(2)
        .says(&["0 errors"]);
    let beside = Edit::AddRecord {
        zone: "gigadb.org".to_owned(),
        record: serde_json::from_value(serde_json::json!({
            "id": "0123456789abcdef0123456789abcdef", "name": "gigadb.org", "type": "AAAA",
            "content": "2001:db8::1", "ttl": 300, "proxied": false,
        }))
        .unwrap(),
    };
    scene
        .simulator()
        .edit(|world| world.apply(&beside))
        .unwrap();
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--live"])
        .expect(1)
        .says(&["now it leads to AAAA `2001:db8::1` and A `198.51.100.10`."]);
}

#[test]
fn what_an_adoption_may_create_is_said_in_plan_and_review() {
    let scene = Scene::new();
    let present = scene.read("topology.yaml");
    let policy = "\npolicy: { missing_variables: create, missing_records: create }\n";
    scene.write("topology.yaml", &format!("{present}{policy}"));
    for edit in [
        Edit::DeleteVariable {
            project: "gigascience/upstream/gigadb-website".to_owned(),
            key: "HOME_URL".to_owned(),
            scope: "live".to_owned(),
        },
        Edit::DeleteRecords {
            name: "portainer.gigadb.org".to_owned(),
            kind: "A".to_owned(),
        },
    ] {
        scene.simulator().edit(|world| world.apply(&edit)).unwrap();
    }
    scene.configure_live(Side::Upstream);
    let _ = scene.plan(&[]).expect(2).says(&[
        "live adopt: 2 objects are missing and will be created",
        "A record of `portainer.gigadb.org`: `198.51.100.10`",
        "variable `HOME_URL` of `gigadb-website`: `https://gigadb.org`",
    ]);
    plan_json(&scene, &assignment("live", Side::Upstream, ""));
    let (first, _) = reviewed(&scene, &[], 2);
    assert_eq!(
        first,
        "**Adopts live and changes nothing that is there, but may add what is missing: production stays gigadb-website (Hong Kong)**"
    );
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--live"])
        .expect(2)
        .says(&[
            "as it is, or missing",
            "0 errors, 2 warnings",
            "`adopt` | warning | The A record of `portainer.gigadb.org` is missing, and is created: `198.51.100.10`.",
        ]);
    let _ = scene.apply().expect(0);
}

#[test]
fn gates_see_a_provisioner_of_the_assignment() {
    let scene = adopted("");
    let body = assignment(
        "live",
        Side::Alt,
        "  provisioner \"local-exec\" {\n    command = \"true\"\n  }",
    );
    plan_json(&scene, &body);
    let _ = scene
        .gigadb_roles(&["review", "plan.json"])
        .expect(2)
        .says(&["Everything else in this plan: **1 provisioner** (`gigadb_role_assignment.live (local-exec)`)."]);
    for gate in ["--require-only-role-change", "--forbid-failover"] {
        let _ = scene
            .gigadb_roles(&["review", "plan.json", gate])
            .expect(1)
            .says(&["it holds 1 provisioner", gate]);
    }
}

#[test]
fn a_digest_that_was_reviewed_is_expected() {
    let scene = adopted("");
    plan_json(&scene, &assignment("live", Side::Alt, ""));
    let (_, json) = reviewed(&scene, &[], 2);
    let digest = json["digest"].as_str().unwrap();
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--expect-digest", digest])
        .expect(2);
    plan_json(
        &scene,
        &assignment("live", Side::Alt, "  mode = \"failover\""),
    );
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--expect-digest", digest])
        .expect(1)
        .says(&["not the expected one", "--expect-digest"]);
    let _ = scene
        .gigadb_roles(&["review", "plan.json", "--expect-digest", "sha256:4711"])
        .expect(64);
}
