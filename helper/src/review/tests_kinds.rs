//! Every kind of change, by what happens to the apex and by what Terraform is told.

use serde_json::{Value, json};

use super::{document::Review, source};

/// Where the names of one moment lead: the apex, another name of production, the standby's name.
type Led = [&'static str; 3];

const A: Led = ["a", "a", "b"];
const B: Led = ["b", "b", "a"];

fn address(side: &str) -> Value {
    match side {
        "a" | "hongkong" => "192.0.2.1".into(),
        "b" | "sydney" => "198.51.100.1".into(),
        "c" => "203.0.113.1".into(),
        "foreign" => "203.0.113.99".into(),
        other => panic!("{other}"),
    }
}

/// A state or a plan of it: the roles by word, and where the names lead.
fn state(production: &str, hot_standby: &str, led: Led, values: &str) -> Value {
    let infrastructure = |side: &str| match side {
        // A foreign address, or a side by a name that this state does not know.
        side if side == production || side == hot_standby => side.into(),
        _ => Value::Null,
    };
    let name = |role: &str, zone: &str, side: &str| {
        json!({ "role": role, "endpoint": "web", "zone": zone,
                "infrastructure": infrastructure(side), "address": address(side) })
    };
    let value = |side: &str| match (values, side == production) {
        ("by role", true) => "https://example.org",
        ("by role", false) => "http://alt.example.net",
        (fixed, _) => {
            let holds_production = fixed.split(' ').any(|one| one == side);
            if holds_production {
                "https://example.org"
            } else {
                "http://alt.example.net"
            }
        }
    };
    json!({
        "environment": "live", "production": production, "hot_standby": hot_standby,
        "mode": "switchover", "on_failure": "revert", "on_external_swap": "error",
        "hostnames": {
            "example.org": name("production", "example.org", led[0]),
            "portal.example.org": name("production", "example.org", led[1]),
            "alt.example.net": name("hot_standby", "example.net", led[2]),
        },
        "variables": {
            format!("{production}/URL"): value(production),
            format!("{hot_standby}/URL"): value(hot_standby),
        },
    })
}

fn with(mut value: Value, key: &str, set: Value) -> Value {
    value[key] = set;
    value
}

fn entry(action: &str, before: &Value, after: &Value) -> Value {
    json!({
        "address": "gigadb_role_assignment.live", "mode": "managed", "name": "live",
        "type": "gigadb_role_assignment", "provider_name": "registry.terraform.io/gigascience/gigadb",
        "change": { "actions": [action], "before": before, "after": after },
    })
}

fn reviewed(plan: &Value) -> Review {
    Review::of(
        &source::read(plan.to_string().as_bytes(), "plan.json").unwrap(),
        None,
    )
}

fn update(before: &Value, after: &Value) -> Review {
    let entry = entry("update", before, after);
    reviewed(&json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [entry] }))
}

/// The kind and the verdict of each change.
#[test]
fn each_is_said_as_what_it_is() {
    let (a, b) = (state("a", "b", A, "by role"), state("b", "a", B, "by role"));
    let failover = |value: &Value| with(value.clone(), "mode", "failover".into());
    let cases: Vec<(&str, Value, Value, &str, &str)> = vec![
        (
            "swap",
            a.clone(),
            b.clone(),
            "swap",
            "Swaps live: production a to b",
        ),
        (
            "swap back",
            b.clone(),
            a.clone(),
            "swap",
            "Swaps live: production b to a",
        ),
        (
            "failover",
            a.clone(),
            failover(&b),
            "failover",
            "Fails over live: production a to b",
        ),
        (
            "repair of one name of production that leads to the other side",
            state("a", "b", ["a", "b", "b"], "by role"),
            a.clone(),
            "align",
            "Aligns live with its topology: writes 1 record and 0 variables, production stays a",
        ),
        (
            "the same in failover",
            failover(&state("a", "b", ["a", "b", "b"], "by role")),
            failover(&a),
            "align",
            "Aligns live with its topology: writes 1 record and 0 variables, production stays a",
        ),
        (
            "repair of the standby's name",
            state("a", "b", ["a", "a", "a"], "by role"),
            a.clone(),
            "align",
            "Aligns live with its topology: writes 1 record and 0 variables, production stays a",
        ),
        (
            "repair of the apex that leads to neither side",
            state("a", "b", ["foreign", "a", "b"], "by role"),
            a.clone(),
            "align",
            "Aligns live with its topology: writes 1 record and 0 variables, production is a; example.org led to neither side (203.0.113.99) before",
        ),
        (
            "repair of a variable",
            with(
                a.clone(),
                "variables",
                json!({ "a/URL": "x", "b/URL": "http://alt.example.net" }),
            ),
            a.clone(),
            "align",
            "Aligns live with its topology: writes 0 records and 1 variable, production stays a",
        ),
        (
            "swap away from an apex that leads to neither side",
            state("a", "b", ["foreign", "a", "b"], "by role"),
            b.clone(),
            "swap",
            "Swaps live: production neither side (203.0.113.99) to b",
        ),
        (
            "settings, and an apex that leads to neither side is kept",
            state("a", "b", ["c", "a", "b"], "by role"),
            with(
                state("a", "b", ["c", "a", "b"], "by role"),
                "on_failure",
                "stop".into(),
            ),
            "settings",
            "Changes settings of live: no record, no variable, example.org leads to neither side (203.0.113.1)",
        ),
        (
            "trade back of what was done by hand",
            state("a", "b", B, "a"),
            a.clone(),
            "trade_back",
            "Trades live back: production b to a, after roles were traded outside Terraform",
        ),
        (
            "only the apex was moved by hand, and goes back",
            state("a", "b", ["b", "a", "b"], "a"),
            a.clone(),
            "trade_back",
            "Trades live back: production b to a, after roles were traded outside Terraform",
        ),
        (
            "acceptance, records by hand",
            state("a", "b", B, "a"),
            b.clone(),
            "take_note",
            "Takes note that production of live is b, no longer a, as roles were traded outside Terraform: writes 0 records and 2 variables",
        ),
        (
            "acceptance, all by hand",
            state("a", "b", B, "b"),
            b.clone(),
            "take_note",
            "Takes note that production of live is b, no longer a, as roles were traded outside Terraform: writes nothing",
        ),
        (
            "acceptance, half by hand",
            state("a", "b", ["b", "a", "b"], "a"),
            b.clone(),
            "take_note",
            "Takes note that production of live is b, no longer a, as roles were traded outside Terraform: writes 2 records and 2 variables",
        ),
        (
            "other names of the same sides",
            state("a", "b", A, "by role"),
            state(
                "hongkong",
                "sydney",
                ["hongkong", "hongkong", "sydney"],
                "by role",
            ),
            "rename",
            "Renames a to hongkong and b to sydney in live: writes nothing, production stays hongkong",
        ),
        (
            "another name of the standby",
            state("a", "b", A, "by role"),
            state("a", "sydney", ["a", "a", "sydney"], "by role"),
            "rename",
            "Renames b to sydney in live: writes nothing, production stays a",
        ),
        (
            "other names and a swap",
            state("a", "b", A, "by role"),
            state(
                "sydney",
                "hongkong",
                ["sydney", "sydney", "hongkong"],
                "by role",
            ),
            "swap",
            "Swaps live: production hongkong to sydney",
        ),
        (
            "other names and a repair",
            state("a", "b", ["a", "b", "b"], "by role"),
            state(
                "hongkong",
                "sydney",
                ["hongkong", "hongkong", "sydney"],
                "by role",
            ),
            "align",
            "Aligns live with its topology: writes 1 record and 0 variables, production stays hongkong",
        ),
        (
            "a third side becomes the standby",
            a.clone(),
            state("a", "c", ["a", "a", "c"], "by role"),
            "hot_standby",
            "Makes c the hot standby of live, no longer b: writes 1 record and up to 1 variable, production stays a",
        ),
        (
            "a third side becomes production",
            a.clone(),
            state("c", "a", ["c", "c", "a"], "by role"),
            "swap",
            "Swaps live: production a to c",
        ),
        (
            "preparation",
            a.clone(),
            with(state("a", "b", A, "a b"), "prepare", "b".into()),
            "prepare",
            "Prepares live on b: writes 0 records and 1 variable, production stays a",
        ),
        (
            "end of it",
            with(state("a", "b", A, "a b"), "prepare", "b".into()),
            a.clone(),
            "align",
            "Aligns live with its topology: writes 0 records and 1 variable, production stays a",
        ),
        (
            "settings",
            a.clone(),
            with(a.clone(), "on_failure", "stop".into()),
            "settings",
            "Changes settings of live: no record, no variable, production stays a",
        ),
        (
            "settings, and a trade by hand is kept",
            state("a", "b", B, "b"),
            with(state("a", "b", B, "b"), "on_failure", "stop".into()),
            "settings",
            "Changes settings of live: no record, no variable, production stays b, not a as Terraform's state says: roles were traded outside Terraform; kept",
        ),
    ];
    for (what, before, after, kind, verdict) in cases {
        let review = update(&before, &after);
        let json: Value = serde_json::from_str(&super::document::json(&review)).unwrap();
        assert_eq!(json["role_changes"][0]["kind"], kind, "{what}");
        assert_eq!(json["environments"][0]["kind"], kind, "{what}");
        assert_eq!(review.verdict(), verdict, "{what}");
    }
}

/// Whatever an import does beside importing, that it imports is said.
#[test]
fn an_import_is_said_whatever_else_happens() {
    let a = state("a", "b", A, "by role");
    let cases: [(Value, Value, &str); 6] = [
        (
            a.clone(),
            state("b", "a", B, "by role"),
            "Swaps live, imported: production a to b",
        ),
        (
            a.clone(),
            with(state("b", "a", B, "by role"), "mode", "failover".into()),
            "Fails over live, imported: production a to b",
        ),
        (
            a.clone(),
            with(a.clone(), "on_failure", "stop".into()),
            "Changes settings of live, imported: no record, no variable, production stays a",
        ),
        (
            a.clone(),
            with(state("a", "b", A, "a b"), "prepare", "b".into()),
            "Prepares live, imported, on b: writes 0 records and 1 variable, production stays a",
        ),
        (
            state("a", "b", ["a", "b", "b"], "by role"),
            a.clone(),
            "Aligns live, imported, with its topology: writes 1 record and 0 variables, production stays a",
        ),
        (
            a.clone(),
            state("a", "c", ["a", "a", "c"], "by role"),
            "Makes c the hot standby of live, imported, no longer b: ",
        ),
    ];
    for (before, after, verdict) in cases {
        let mut entry = entry("update", &before, &after);
        entry["change"]["importing"] = json!({ "id": "live" });
        let review = reviewed(&json!({
            "format_version": "1.2", "planned_values": {}, "resource_changes": [entry],
        }));
        assert!(
            review.verdict().starts_with(verdict),
            "{}",
            review.verdict()
        );
    }
}

/// Production's names were led to a third side by hand, and that is accepted; Terraform knows the
/// owners of the two sides' addresses alone.
#[test]
fn a_trade_to_a_third_side_is_no_new_name_with_and_without_a_topology() {
    let parsed = gigadb_engine::topology::Topology::parse(
        r#"
version: 1
endpoints: { web: { eip: "eip-{environment}-{owner}", instance: "web-{environment}-{owner}" } }
infrastructures:
  a: { checkout: a, gitlab_project: g/a, aws: { profile: A, region: ap-east-1 }, owner: o }
  b: { checkout: b, gitlab_project: g/b, aws: { profile: B, region: ap-southeast-2 }, owner: o }
  c: { checkout: c, gitlab_project: g/c, aws: { profile: C, region: eu-central-1 }, owner: o }
environments:
  live:
    production: { hostnames: { example.org: web }, variables: { URL: "https://example.org" } }
    hot_standby: { hostnames: { alt.example.net: web }, variables: { URL: "http://alt.example.net" } }
"#,
    )
    .unwrap();
    let topology = parsed.topology;
    let before = state("a", "b", ["c", "c", "b"], "by role");
    let after = state("c", "b", ["c", "c", "b"], "by role");
    let plan = json!({
        "format_version": "1.2", "planned_values": {},
        "resource_changes": [entry("update", &before, &after)],
        "resource_drift": [entry("update", &state("a", "b", A, "by role"), &before)],
    });
    let source = source::read(plan.to_string().as_bytes(), "plan.json").unwrap();
    let [with, without] = [Some(&topology), None].map(|topology| Review::of(&source, topology));
    for review in [&with, &without] {
        let (change, _) = &review.changes[0];
        assert_eq!(change.kind, super::change::Kind::TakeNote);
        assert!(change.renamed.is_empty());
        assert!(
            review
                .verdict()
                .ends_with("writes 0 records and up to 1 variable"),
            "{}",
            review.verdict()
        );
    }
    assert_eq!(with.digest(), without.digest());
}

/// The state before the refresh tells that an address was the former side's.
#[test]
fn a_new_name_is_proved_by_the_state_before_the_refresh() {
    let known = state("a", "b", A, "by role");
    let mut refreshed = known.clone();
    for (_, name) in refreshed["hostnames"].as_object_mut().unwrap() {
        name["infrastructure"] = Value::Null;
    }
    let after = state(
        "hongkong",
        "sydney",
        ["hongkong", "hongkong", "sydney"],
        "by role",
    );
    let plan = |drift: Value| {
        reviewed(&json!({
            "format_version": "1.2", "planned_values": {}, "resource_drift": drift,
            "resource_changes": [entry("update", &refreshed, &after)],
        }))
    };
    let told = plan(json!([entry("update", &known, &refreshed)]));
    assert_eq!(
        told.verdict(),
        "Renames a to hongkong and b to sydney in live: writes nothing, production stays hongkong"
    );
    let untold = plan(json!([]));
    assert!(
        !untold.verdict().contains("writes nothing"),
        "{}",
        untold.verdict()
    );
    assert_eq!(untold.digest(), told.digest());
}

/// What a failover owes is in no list of changes: the planned status tells of it.
#[test]
fn what_stays_uneven_afterwards_is_told() {
    let a = state("a", "b", A, "by role");
    for (status, told) in [("mixed", true), ("unknown", true), ("consistent", false)] {
        let after = with(state("b", "a", B, "a"), "status", status.into());
        let text = super::markdown::render(&update(&a, &with(after, "mode", "failover".into())));
        let line = format!("Afterwards live is `{status}`: what the plan leaves as it is, is owed");
        assert_eq!(text.contains(&line), told, "{text}");
    }
}

#[test]
fn what_is_due_follows_the_apex_and_no_other_name() {
    let a = state("a", "b", A, "by role");
    let due = |before: &Value, after: &Value| {
        let review = update(before, after);
        let (change, _) = &review.changes[0];
        review.due(change).join("\n")
    };
    assert_eq!(due(&state("a", "b", ["a", "b", "b"], "by role"), &a), "");
    let swap = due(&a, &state("b", "a", B, "by role"));
    assert!(swap.contains("on both bastions now"), "{swap}");
    let third = due(&a, &state("a", "c", ["a", "a", "c"], "by role"));
    assert_eq!(
        third,
        "The plan does not tell what `c` holds now: where the apply writes `URL`, rebuild and deploy `c`, or run the playbook that reads what was written."
    );
    let hidden = with(
        state("b", "a", B, "by role"),
        "production",
        "(another sensitive value)".into(),
    );
    assert!(
        due(&a, &hidden).contains("Rebuild and deploy `b`"),
        "{}",
        due(&a, &hidden)
    );
}

#[test]
fn a_plan_that_does_nothing_tells_whose_the_apex_is() {
    let plan = |state: &Value| {
        let entry = entry("no-op", state, state);
        reviewed(
            &json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [entry] }),
        )
    };
    let kept = plan(&state("a", "b", B, "b"));
    assert!(!kept.has_changes());
    assert_eq!(
        kept.verdict(),
        "Changes no role: live stays with production b, not a as Terraform's state says: roles were traded outside Terraform; kept"
    );
    let stray = plan(&state("a", "b", ["c", "a", "b"], "by role"));
    assert_eq!(
        stray.verdict(),
        "Changes no role: live stays as it is, and example.org leads to neither side (203.0.113.1)"
    );
    let json: Value = serde_json::from_str(&super::document::json(&stray)).unwrap();
    assert_eq!(json["environments"][0]["production"], Value::Null);
    let same = plan(&state("a", "b", A, "by role"));
    assert_eq!(
        same.verdict(),
        "Changes no role: live stays with production a"
    );
}

#[test]
fn a_refresh_only_plan_tells_what_the_state_takes_up() {
    let drift = entry(
        "update",
        &state("a", "b", A, "by role"),
        &state("a", "b", B, "by role"),
    );
    let review = reviewed(&json!({
        "format_version": "1.2", "planned_values": {}, "resource_changes": [], "resource_drift": [drift],
    }));
    assert_eq!(
        review.verdict(),
        "Takes up in Terraform's state what is there in live: 3 records and 0 variables differ, none is written, production is b, not a as Terraform's state says: roles were traded outside Terraform"
    );
    assert!(review.has_changes());
    let (change, _) = &review.changes[0];
    assert!(!change.writes() && review.due(change).is_empty());
}

#[test]
fn a_change_that_the_plan_hides_is_no_small_one() {
    let a = state("a", "b", A, "by role");
    let hidden = with(
        state("b", "a", B, "by role"),
        "hostnames",
        "(sensitive value)".into(),
    );
    let review = update(&a, &hidden);
    assert_eq!(review.verdict(), "Swaps live: production a to b");
    let gates = super::gates::Gates {
        no_failover: true,
        ..Default::default()
    };
    let refused = gates.refusals(&review).join(" ");
    assert!(refused.contains("hides records or variables"), "{refused}");
}
