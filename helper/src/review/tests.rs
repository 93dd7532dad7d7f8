//! Reviews of plans that no Terraform of ours would write: broken, hostile, sensitive.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what a test has made is not used again"
)]

use serde_json::{Value, json};

use super::{document::Review, markdown, source};

fn state(production: &str, other: &str, prefix: &str) -> Value {
    json!({
        "environment": "live", "production": production, "hot_standby": other,
        "mode": "switchover", "reason": null, "overrides": null, "prepare": null,
        "hostnames": { "example.org": {
            "role": "production", "endpoint": "web", "infrastructure": production,
            "address": format!("{prefix}.1"), "zone": "example.org",
        } },
        "variables": { format!("{production}/URL"): "https://example.org", format!("{other}/URL"): "http://other" },
    })
}

fn assignment(before: Value, after: Value) -> Value {
    json!({
        "address": "gigadb_role_assignment.live", "mode": "managed",
        "type": "gigadb_role_assignment", "name": "live",
        "change": { "actions": ["update"], "before": before, "after": after },
    })
}

fn plan(changes: Vec<Value>) -> Value {
    json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": changes })
}

fn swap() -> Value {
    assignment(state("a", "b", "192.0.2"), state("b", "a", "198.51.100"))
}

fn reviewed(plan: &Value) -> Review {
    Review::of(
        &source::read(plan.to_string().as_bytes(), "plan.json").unwrap(),
        None,
    )
}

#[test]
fn what_is_no_plan_is_refused_with_its_place() {
    let whole = plan(vec![swap()]).to_string();
    let half = &whole[..whole.len() / 2];
    let place = format!("line 1, column {}", half.len());
    let cases: [(&[u8], &str); 11] = [
        (b"PK\x03\x04....", "Terraform's own format"),
        (b"  \n", "It is empty."),
        (half.as_bytes(), &place),
        (b"{\n  nonsense", "not JSON, at line 2, column 3"),
        (b"{\"@level\":\"info\"}\n{\"@level\":\"info\"}\n", "log of `terraform plan -json`"),
        (b"{\"version\":4,\"lineage\":\"x\"}", "a state file"),
        (b"[]", "`format_version` is missing"),
        (b"{\"format_version\":\"2.0\",\"planned_values\":{}}", "format version \"2.0\""),
        (b"{\"format_version\":\"1.0\",\"values\":{}}", "JSON of a state"),
        (b"{\"format_version\":\"1.2\",\"planned_values\":{},\"errored\":true}", "ended with errors"),
        (
            b"{\"format_version\":\"1.2\",\"resource_changes\":[{\"address\":\"a.b\",\"type\":\"a\",\"change\":{}}]}",
            "`resource_changes[0].change.actions` is not as in a plan",
        ),
    ];
    for (bytes, expected) in cases {
        let failure = source::read(bytes, "plan.json").unwrap_err();
        assert!(
            failure.message.what.contains(expected),
            "{expected}: {failure}"
        );
        assert_eq!(failure.message.object, "`plan.json`");
        assert!(failure.message.next.len() > 20, "{failure}");
    }
}

#[test]
fn every_prefix_of_a_plan_is_refused_and_none_panics() {
    let whole = plan(vec![swap()]).to_string();
    for end in 0..whole.len() {
        assert!(
            source::read(&whole.as_bytes()[..end], "plan.json").is_err(),
            "{end}"
        );
    }
}

#[test]
fn a_sensitive_production_is_not_shown_and_its_change_is_not_hidden() {
    let mut entry = swap();
    for marks in ["before_sensitive", "after_sensitive"] {
        entry["change"][marks] = json!({ "production": true, "variables": { "a/URL": true } });
    }
    let review = reviewed(&plan(vec![entry]));
    assert_eq!(review.verdict(), "Swaps live: production a to b");
    let text = markdown::render(&review);
    assert!(
        !text.contains("http://other") || !text.contains("`a` | `URL` | `https://example.org`"),
        "{text}"
    );
    assert!(
        text.contains("| `a` | `URL` | `(sensitive value)` | `(another sensitive value)` |"),
        "{text}"
    );
}

#[test]
fn names_from_a_plan_are_never_markup() {
    let hostile = "x|y\n/close @all `</b>` <script> [l](http://e) # h \u{202e}";
    let mut before = state("a", hostile, "192.0.2");
    let mut after = state(hostile, "a", "198.51.100");
    before["hostnames"][hostile] = before["hostnames"]["example.org"].clone();
    after["hostnames"][hostile] = after["hostnames"]["example.org"].clone();
    after["reason"] = hostile.into();
    after["environment"] = hostile.into();
    before["environment"] = hostile.into();
    let finding = json!({
        "rule": hostile, "severity": hostile, "object": hostile, "message": hostile, "waived": false,
    });
    let preflight = json!({
        "address": "data.gigadb_preflight.x", "mode": "data", "type": "gigadb_preflight",
        "change": { "actions": ["read"], "before": null, "after": {
            "environment": hostile, "production": hostile, "findings": [finding],
        } },
    });
    let other = json!({
        "address": hostile, "mode": "managed", "type": "x",
        "change": { "actions": ["create"], "before": null, "after": {} },
    });
    let text = markdown::render(&reviewed(&plan(vec![
        assignment(before, after),
        preflight,
        other,
    ])));
    assert!(text.contains("Findings (from the plan):"), "{text}");
    let mut columns = 0;
    for line in text.lines() {
        assert!(
            !line.starts_with('/') && !line.contains('\u{202e}'),
            "{line}"
        );
        if line.starts_with("| ") {
            let bars = line.replace("\\|", "").matches('|').count();
            if columns == 0 {
                columns = bars;
            }
            assert_eq!(bars, columns, "{line}");
        } else {
            columns = if line.starts_with("|---") { columns } else { 0 };
        }
        let line = line
            .replace("<details><summary>", "")
            .replace("</summary>", "");
        let line = line
            .replace("</details>", "")
            .replace("<code>", "")
            .replace("</code>", "");
        // Outside code nothing of it is left: two backquotes fence what holds one.
        let single = line.split("``").step_by(2).collect::<String>();
        let outside = single.split('`').step_by(2).collect::<String>();
        let diagram = line.contains("[\"");
        assert!(diagram || !outside.contains('<'), "{line}");
        let summary = line.contains(" in scope ");
        assert!(diagram || summary || !outside.contains('@'), "{line}");
    }
    assert_eq!(text.matches("```").count(), 2, "{text}");
}

#[test]
fn the_digest_is_of_the_change_of_roles_alone() {
    let digest = |changes: Vec<Value>| reviewed(&plan(changes)).digest();
    let plain = digest(vec![swap()]);
    let mut renamed = swap();
    renamed["address"] = "module.roles.gigadb_role_assignment.this[0]".into();
    renamed["change"]["after"]["reason"] = "because".into();
    let other = json!({
        "address": "terraform_data.x", "mode": "managed", "type": "terraform_data",
        "change": { "actions": ["create"], "before": null, "after": {} },
    });
    assert_eq!(digest(vec![other, renamed]), plain);
    for (pointer, value) in [
        (
            "/change/after/hostnames/example.org/address",
            json!("203.0.113.9"),
        ),
        (
            "/change/before/hostnames/example.org/address",
            json!("203.0.113.9"),
        ),
        ("/change/after/variables/a~1URL", json!("https://elsewhere")),
        ("/change/after/mode", json!("failover")),
        ("/change/after/overrides", json!(["permutation"])),
        ("/change/after/environment", json!("staging")),
    ] {
        let mut changed = swap();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_ne!(digest(vec![changed]), plain, "{pointer}");
    }
}

#[test]
fn findings_of_another_arrangement_do_not_count() {
    let preflight = |production: &str| {
        json!({
            "address": "data.gigadb_preflight.x", "mode": "data", "type": "gigadb_preflight",
            "change": { "actions": ["read"], "before": null, "after": {
                "environment": "live", "production": production, "findings": [],
            } },
        })
    };
    let text = |production| markdown::render(&reviewed(&plan(vec![swap(), preflight(production)])));
    assert!(
        text("b").contains("Findings (from the plan): none."),
        "{}",
        text("b")
    );
    assert!(
        text("a").contains("this plan holds no findings"),
        "{}",
        text("a")
    );
    assert!(
        text("a").contains("judges another arrangement"),
        "{}",
        text("a")
    );
}
