//! What policies refuse, and what is told where there is none.

use serde_json::{Value, json};

use super::{document::Review, gates::Gates, markdown, source};

fn reviewed(further: &Value) -> Review {
    let mut plan = json!({ "format_version": "1.2", "planned_values": {}, "resource_changes": [] });
    for (key, value) in further.as_object().unwrap() {
        plan[key] = value.clone();
    }
    Review::of(
        &source::read(plan.to_string().as_bytes(), "plan.json").unwrap(),
        None,
    )
}

fn provisioner(kind: &str) -> Value {
    json!({
        "address": "gigadb_role_assignment.live", "mode": "managed", "type": "gigadb_role_assignment",
        "provisioners": [{ "type": kind, "expressions": {} }],
    })
}

fn foreign(kind: &str, mode: &str, provider: &str) -> Value {
    json!({
        "address": format!("{kind}.x"), "mode": mode, "type": kind, "provider_name": provider,
        "change": { "actions": ["delete", "create"], "before": {}, "after": {} },
    })
}

/// A data source that is read at the apply.
fn waiting(kind: &str, provider: &str) -> Value {
    json!({
        "address": format!("data.{kind}.x"), "mode": "data", "type": kind, "provider_name": provider,
        "action_reason": "read_because_dependency_pending",
        "change": { "actions": ["read"], "before": null, "after": {} },
    })
}

/// What happens at an apply beside changes of resources is told always, and refused under a gate.
#[test]
fn what_no_list_of_changes_shows_is_told_and_refused() {
    let evil = "registry.terraform.io/evil/gigadb";
    let cases: [(Value, &str, bool); 15] = [
        (
            json!({ "configuration": { "root_module": { "resources": [provisioner("local-exec")] } } }),
            "1 provisioner** (`gigadb_role_assignment.live (local-exec)`",
            true,
        ),
        (
            json!({ "configuration": { "root_module": { "module_calls": { "m": { "module": { "module_calls": { "n": { "module": { "resources": [provisioner("remote-exec")] } } } } } } } } }),
            "`module.m.module.n.gigadb_role_assignment.live (remote-exec)`",
            true,
        ),
        (
            json!({ "configuration": { "root_module": { "resources": [{ "address": "ephemeral.vault_secret.t", "mode": "ephemeral", "type": "vault_secret" }] } } }),
            "1 ephemeral resource** (`ephemeral.vault_secret.t`)",
            false,
        ),
        (
            json!({ "resource_changes": [{ "address": "ephemeral.x.t", "mode": "ephemeral", "type": "x", "change": { "actions": ["open"] } }] }),
            "1 ephemeral resource** (`ephemeral.x.t`)",
            false,
        ),
        (
            json!({ "action_invocations": [{ "address": "action.aws_lambda_invoke.x", "type": "aws_lambda_invoke" }] }),
            "1 action** (`action.aws_lambda_invoke.x`)",
            true,
        ),
        (
            json!({ "deferred_action_invocations": [{ "reason": "unknown", "action_invocation": { "address": "action.a.b" } }] }),
            "1 action** (`action.a.b`)",
            true,
        ),
        (
            json!({ "deferred_changes": [{ "reason": "unknown", "resource_change": { "address": "gigadb_role_assignment.live" } }] }),
            "1 deferred change** (`gigadb_role_assignment.live`)",
            true,
        ),
        (
            json!({ "resource_changes": [waiting("external", "registry.terraform.io/hashicorp/external")] }),
            "Everything else in this plan: **1 program that runs at the apply** (`data.external.x`).",
            true,
        ),
        (
            json!({ "resource_changes": [waiting("external", "evil.example.org/x/external")] }),
            "1 program that runs at the apply** (`data.external.x`)",
            true,
        ),
        (
            json!({ "resource_changes": [waiting("http", "registry.terraform.io/hashicorp/http")] }),
            "Everything else in this plan: **1 data source that is read at the apply** (`data.http.x`).",
            false,
        ),
        (
            json!({ "resource_changes": [waiting("gigadb_infrastructure", evil)] }),
            "1 object of another provider with a type name of this one** (`data.gigadb_infrastructure.x`)",
            true,
        ),
        (
            json!({ "resource_changes": [foreign("gigadb_preflight", "managed", evil)] }),
            "1 object of another provider with a type name of this one** (`gigadb_preflight.x`)",
            true,
        ),
        (
            json!({ "resource_changes": [foreign("gigadb_role_assignment", "managed", "evil.example.org/gigascience/gigadb")] }),
            "**1 to replace** (`gigadb_role_assignment.x`)",
            true,
        ),
        (
            json!({ "resource_changes": [foreign("gigadb_preflight", "data", evil)] }),
            "(`gigadb_preflight.x`)",
            true,
        ),
        (
            json!({ "resource_changes": [foreign("gigadb_preflight", "managed", "registry.terraform.io/gigascience/gigadb")] }),
            "**1 to replace** (`gigadb_preflight.x`)",
            false,
        ),
    ];
    for (further, told, refused_without_failover) in cases {
        let review = reviewed(&further);
        let text = markdown::render(&review);
        assert!(text.contains(told), "{told}: {text}");
        assert!(text.contains("holds no role assignment"), "{text}");
        let refusals = |gates: Gates<'_>| !gates.refusals(&review).is_empty();
        let only = Gates {
            only_role_change: true,
            ..Gates::default()
        };
        let no_failover = Gates {
            no_failover: true,
            ..Gates::default()
        };
        assert!(refusals(only), "{told}");
        assert_eq!(refusals(no_failover), refused_without_failover, "{told}");
        assert!(!refusals(Gates::default()), "{told}");
    }
}

/// What is part of Terraform, and what is ours, is only read.
#[test]
fn a_data_source_that_runs_nothing_of_anybody_elses_passes() {
    let entries = json!([
        waiting("terraform_remote_state", "terraform.io/builtin/terraform"),
        waiting(
            "gigadb_infrastructure",
            "registry.terraform.io/gigascience/gigadb"
        ),
    ]);
    let review = reviewed(&json!({ "resource_changes": entries }));
    let gates = Gates {
        only_role_change: true,
        no_failover: true,
        ..Gates::default()
    };
    assert_eq!(gates.refusals(&review), Vec::<String>::new());
    let text = markdown::render(&review);
    assert!(
        text.contains("2 to read (`data.gigadb_infrastructure.x`, "),
        "{text}"
    );
}

#[test]
fn findings_of_another_providers_data_source_do_not_count() {
    let state = |side: &str, address: &str| {
        json!({ "environment": "live", "production": side, "mode": "switchover", "variables": {},
            "hostnames": { "example.org": { "role": "production", "endpoint": "web", "zone": "example.org", "infrastructure": side, "address": address } } })
    };
    let mut preflight = foreign(
        "gigadb_preflight",
        "data",
        "registry.terraform.io/evil/gigadb",
    );
    preflight["change"] = json!({ "actions": ["read"], "before": null, "after": { "environment": "live", "production": "b", "findings": [] } });
    let assignment = json!({
        "address": "gigadb_role_assignment.live", "mode": "managed", "type": "gigadb_role_assignment",
        "provider_name": "registry.opentofu.org/gigascience/gigadb",
        "change": { "actions": ["update"], "before": state("a", "192.0.2.1"), "after": state("b", "192.0.2.2") },
    });
    let review = reviewed(&json!({ "resource_changes": [preflight, assignment] }));
    assert_eq!(review.verdict(), "Swaps live: production a to b");
    assert!(markdown::render(&review).contains("this plan holds no findings"));
}

#[test]
fn a_digest_is_compared_as_a_whole() {
    let review = reviewed(&json!({}));
    let digest = review.digest();
    let gates = |digest| Gates {
        digest: Some(digest),
        ..Gates::default()
    };
    assert!(gates(&digest).refusals(&review).is_empty());
    let other = digest.replace(|c: char| c.is_ascii_digit(), "f");
    let refused = gates(&other).refusals(&review).join(" ");
    assert!(
        refused.contains(&digest) && refused.contains("--expect-digest"),
        "{refused}"
    );
}
