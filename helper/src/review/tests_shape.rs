//! What a review cannot read never passes as nothing.

use serde_json::{Value, json};

use super::{document::Review, gates::Gates, source};

fn state(production: &str, other: &str, address: &str) -> Value {
    json!({
        "environment": "live", "production": production, "hot_standby": other, "mode": "switchover",
        "hostnames": { "example.org": {
            "role": "production", "endpoint": "web", "infrastructure": production,
            "address": address, "zone": "example.org",
        } },
        "variables": { format!("{production}/URL"): "https://example.org" },
    })
}

/// A swap of roles.
fn swap() -> Value {
    json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [{
        "address": "gigadb_role_assignment.live", "mode": "managed", "type": "gigadb_role_assignment",
        "change": {
            "actions": ["update"],
            "before": state("a", "b", "192.0.2.1"), "after": state("b", "a", "198.51.100.1"),
        },
    }] })
}

/// The swap with one place set to something else.
fn with(place: &str, value: Value) -> Value {
    let mut plan = swap();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = plan.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items.push(value),
        parent => parent[key] = value,
    }
    plan
}

fn without(place: &str) -> Value {
    let mut plan = swap();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = plan.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key).unwrap();
    plan
}

fn read(plan: &Value) -> Result<source::Source, String> {
    source::read(plan.to_string().as_bytes(), "plan.json").map_err(|failure| failure.to_string())
}

/// A plan that is of another shape than Terraform writes, or newer, is refused with its place.
#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    const CHANGE: &str = "/resource_changes/0/change";
    let change = |key: &str, value: Value| with(&format!("{CHANGE}/{key}"), value);
    let other = |actions: Value| {
        json!({ "address": "x.y", "mode": "managed", "type": "x",
                "change": { "actions": actions, "before": {}, "after": {} } })
    };
    let mut cases: Vec<(Value, &str)> = vec![
        (
            change("actions", json!(["renew"])),
            "[\"renew\"], which this version",
        ),
        (
            change("actions", json!(["read"])),
            "[\"read\"], which this version",
        ),
        (
            change("actions", json!(["update", "renew"])),
            "which this version",
        ),
        (change("actions", json!([])), "change.actions` is not as"),
        (change("actions", json!([1])), "change.actions` is not as"),
        (
            change("actions", json!("update")),
            "change.actions` is not as",
        ),
        (change("actions", json!(["no-op"])), "`production` differs"),
        (
            change("actions", json!(["delete"])),
            "is after [\"delete\"] is not told",
        ),
        (
            change("actions", json!(["create"])),
            "is before [\"create\"] is not told",
        ),
        (
            change("after", Value::Null),
            "is after [\"update\"] is not told",
        ),
        (
            change("after", json!([])),
            "is after [\"update\"] is not told",
        ),
        (
            change("before", Value::Null),
            "is before [\"update\"] is not told",
        ),
        (change("before_sensitive", json!(true)), "hidden as a whole"),
        (change("after_sensitive", json!(true)), "hidden as a whole"),
        (
            change("after_sensitive", json!([true])),
            "hidden as a whole",
        ),
        (change("after_unknown", json!(true)), "hidden as a whole"),
        (
            change("after_unknown", json!("all")),
            "change.after_unknown` is not as",
        ),
        (
            change("after_sensitive", json!({ "mode": 1 })),
            "change.after_sensitive` is not as",
        ),
        (
            without("/resource_changes/0/change/after/production"),
            "hidden as a whole",
        ),
        (
            without("/resource_changes/0/change/after/environment"),
            "hidden as a whole",
        ),
        (
            with("/resource_changes/-", other(json!([null]))),
            "`resource_changes[1].change.actions`",
        ),
        (
            with("/resource_changes", json!({})),
            "`resource_changes` is not as",
        ),
        (
            with("/output_changes", json!({ "x": { "actions": "create" } })),
            "`output_changes.x` is not as",
        ),
        (
            with("/configuration", json!([])),
            "`configuration` is not as",
        ),
        (with("/errored", json!("true")), "ended with errors"),
        (with("/format_version", json!("2.0")), "format version"),
    ];
    for list in [
        "resource_drift",
        "deferred_changes",
        "action_invocations",
        "deferred_action_invocations",
    ] {
        cases.push((with(&format!("/{list}"), json!({ "0": {} })), list));
    }
    for (key, odd) in [
        ("resources", json!({})),
        ("ephemeral_resources", json!({})),
        ("module_calls", json!([])),
        ("module_calls", json!({ "m": { "module": "x" } })),
        (
            "resources",
            json!([{ "address": "x.y", "provisioners": {} }]),
        ),
    ] {
        cases.push((
            with("/configuration", json!({ "root_module": { key: odd } })),
            "is not as in a plan",
        ));
    }
    for (plan, expected) in cases {
        let Err(refused) = read(&plan) else {
            panic!("taken: {plan}")
        };
        assert!(refused.contains(expected), "{expected}: {refused}");
        assert!(refused.contains("plan.json"), "{refused}");
    }
    assert!(read(&swap()).is_ok());
}

/// What a plan does not show of what it writes, no gate lets pass.
#[test]
fn what_is_hidden_passes_no_gate() {
    const AFTER: &str = "/resource_changes/0/change/after";
    let after = |key: &str, value: Value| with(&format!("{AFTER}/{key}"), value);
    let hides = "it hides records or variables";
    let cases: [(Value, &str, &str); 8] = [
        (
            without("/resource_changes/0/change/after/mode"),
            "n",
            "its mode is not shown",
        ),
        (
            after("mode", json!(["switchover"])),
            "n",
            "its mode is not shown",
        ),
        (
            after("mode", json!("swiftly")),
            "n",
            "its mode is not shown",
        ),
        (after("hostnames", json!([])), "rnd", hides),
        (
            without("/resource_changes/0/change/after/variables"),
            "rnd",
            hides,
        ),
        (
            after(
                "hostnames",
                json!({ "example.org": { "role": "production" } }),
            ),
            "rnd",
            hides,
        ),
        (after("variables", json!({ "a/URL": 7 })), "rnd", hides),
        (
            with(
                "/resource_changes/0/change/after_unknown",
                json!({ "variables": true }),
            ),
            "rnd",
            hides,
        ),
    ];
    for (plan, refusing, why) in cases {
        let review = Review::of(&read(&plan).unwrap(), None);
        let digest = review.digest();
        for gate in ["r", "n", "d"] {
            let gates = Gates {
                only_role_change: gate == "r",
                no_failover: gate == "n",
                digest: (gate == "d").then_some(&*digest),
                ..Gates::default()
            };
            let refused = gates.refusals(&review).join(" ");
            assert_eq!(
                refused.contains(why),
                refusing.contains(gate),
                "{gate}: {refused}: {plan}"
            );
        }
    }
}

/// A finding whose severity is none that is known stands in the way.
#[test]
fn a_finding_of_no_known_severity_blocks() {
    let preflight = |finding: Value| {
        json!({ "address": "data.gigadb_preflight.x", "mode": "data", "type": "gigadb_preflight",
                "change": { "actions": ["read"], "before": null, "after": {
                    "environment": "live", "production": "b", "findings": [finding] } } })
    };
    for (finding, blocks) in [
        (json!({ "severity": "fatal" }), true),
        (json!({}), true),
        (json!("hidden"), true),
        (json!({ "severity": "warning" }), false),
        (json!({ "severity": "fatal", "waived": true }), false),
    ] {
        let plan = with("/resource_changes/-", preflight(finding.clone()));
        let review = Review::of(&read(&plan).unwrap(), None);
        let refused = Gates::default().refusals(&review);
        assert_eq!(!refused.is_empty(), blocks, "{finding}: {refused:?}");
    }
}
