//! The test driver against the example provider: an object's whole life, and what happens to misbehaviour.

#[path = "../examples/notes/corner.rs"]
mod corner;
#[path = "../examples/notes/note.rs"]
mod note;
#[path = "../examples/notes/provider.rs"]
mod provider;

use std::path::Path;
use std::sync::Arc;

use tfplug::Value;
use tfplug::testing::{Action, Driver};

const TOKEN: &str = "planted-token-7f3a";

fn driver(folder: &Path) -> Driver {
    Driver::new(|| Arc::new(provider::Notes::new())).configured_with(Value::object([
        ("folder", folder.to_string_lossy().as_ref().into()),
        ("token", TOKEN.into()),
    ]))
}

fn note(name: &str, text: &str) -> Value {
    Value::object([("name", name.into()), ("text", text.into())])
}

fn corner(fault: &str) -> Value {
    Value::object([("fault", fault.into()), ("secret", TOKEN.into())])
}

#[tokio::test]
async fn a_note_lives_and_dies() {
    let folder = tempfile::tempdir().unwrap();
    let mut resource = driver(folder.path()).resource("notes_note");

    let planned = resource.plan(note("a", "first")).await;
    assert_eq!(planned.action, Action::Create, "{}", planned.diagnostics);
    assert_eq!(planned.state.get("size").as_i64(), Some(5));
    let applied = resource.apply().await;
    assert!(applied.diagnostics.is_empty(), "{}", applied.diagnostics);
    assert_eq!(applied.state.get("title").as_str(), Some("a"));
    assert_eq!(resource.private(), b"written");

    assert_eq!(resource.plan(note("a", "first")).await.action, Action::NoOp);
    assert_eq!(
        resource.plan(note("a", "second")).await.action,
        Action::Update
    );
    assert_eq!(
        resource.apply().await.state.get("text").as_str(),
        Some("second")
    );

    std::fs::write(folder.path().join("a"), "drifted").unwrap();
    let refreshed = resource.refresh().await;
    assert_eq!(refreshed.state.get("text").as_str(), Some("drifted"));
    let planned = resource.plan(note("b", "second")).await;
    assert_eq!(planned.action, Action::Replace);
    assert_eq!(planned.requires_replace[0].to_string(), "name");
    resource.apply().await;
    assert!(!folder.path().join("a").exists());

    let planned = resource.plan_destroy().await;
    assert_eq!(planned.action, Action::Destroy);
    assert_eq!(
        planned.diagnostics.warnings().next().unwrap().summary,
        "note b will be deleted"
    );
    assert!(resource.apply().await.state.is_null());
    assert!(!folder.path().join("b").exists());
}

#[tokio::test]
async fn what_is_gone_is_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut resource = driver(folder.path()).resource("notes_note");
    resource.plan_and_apply(note("a", "text")).await;
    std::fs::remove_file(folder.path().join("a")).unwrap();
    let unseen = resource
        .clone()
        .plan_without_refresh(note("a", "text"))
        .await;
    assert_eq!(unseen.action, Action::NoOp);
    assert_eq!(
        resource.plan(note("a", "text")).await.action,
        Action::Create
    );
}

#[tokio::test]
async fn import_upgrade_and_data() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.txt"), "text").unwrap();
    let driver = driver(folder.path());

    let mut imported = driver.resource("notes_note");
    assert_eq!(
        imported.import("old.txt").await.state.get("text").as_str(),
        Some("text")
    );
    assert_eq!(
        imported.plan(note("old.txt", "text")).await.action,
        Action::NoOp
    );
    let missing = driver.resource("notes_note").import("none").await;
    assert_eq!(
        missing.diagnostics.errors().next().unwrap().summary,
        "there is no note none"
    );

    let mut upgraded = driver.resource("notes_note");
    upgraded.set_state(0, r#"{"name":"old.txt","body":"text"}"#, []);
    assert_eq!(
        upgraded.plan(note("old.txt", "text")).await.action,
        Action::NoOp
    );

    let config = Value::object([("suffix", ".txt".into())]);
    let read = driver.read_data("notes_count", config).await;
    assert_eq!(
        read.state.get("total").as_i64(),
        Some(1),
        "{}",
        read.diagnostics
    );
}

#[tokio::test]
async fn bad_configuration_stops_in_validation() {
    let folder = tempfile::tempdir().unwrap();
    let driver = driver(folder.path());
    let diagnostics = driver.validate("notes_note", note("a/b", "text")).await;
    assert_eq!(
        diagnostics.errors().next().unwrap().path.to_string(),
        "name"
    );
    let unknown = Value::object([("name", Value::Unknown), ("text", Value::Unknown)]);
    assert!(driver.validate("notes_note", unknown).await.is_empty());
}

#[tokio::test]
async fn misbehaviour_is_named_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    for (fault, at, state, tainted) in [
        ("plan another value", "fault", None, false),
        ("plan nothing", "", None, false),
        ("panic in plan", "", None, false),
        ("panic", "", None, false),
        ("leave unknown", "id", Some(Value::Null), true),
        ("forget", "", None, false),
        ("another value", "fault", Some("corner".into()), true),
        ("fail half-way", "", Some("corner".into()), true),
    ] {
        let mut resource = driver(folder.path()).resource("notes_corner");
        let applied = resource.plan_and_apply(corner(fault)).await;
        let errors: Vec<_> = applied.diagnostics.errors().collect();
        assert_eq!(errors.len(), 1, "{fault}: {}", applied.diagnostics);
        assert_eq!(errors[0].path.to_string(), at, "{fault}");
        let ours = errors[0]
            .summary
            .starts_with("bug in the provider: notes_corner");
        assert_eq!(ours, fault != "fail half-way", "{fault}: {}", errors[0]);
        let kept = (!applied.state.is_null()).then(|| applied.state.get("id").clone());
        assert_eq!((kept, applied.tainted), (state, tainted), "{fault}");
        assert!(!applied.diagnostics.to_string().contains(TOKEN));
    }
}

#[tokio::test]
async fn an_update_that_panics_keeps_the_prior_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut resource = driver(folder.path()).resource("notes_corner");
    let before = resource.plan_and_apply(corner("none")).await.state;
    for fault in ["panic", "forget"] {
        let applied = resource.plan_and_apply(corner(fault)).await;
        assert!(applied.diagnostics.has_errors());
        assert_eq!(applied.state, before, "{fault}");
        assert!(!applied.diagnostics.to_string().contains(TOKEN), "{fault}");
    }
}

#[tokio::test]
async fn a_secret_is_redacted_wherever_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let driver = driver(folder.path());
    let mut resource = driver.resource("notes_corner");
    let applied = resource.plan_and_apply(corner("tell the secret")).await;
    let warning = applied.diagnostics.warnings().next().unwrap();
    assert_eq!(warning.summary, "corner: [redacted]");
    assert_eq!(warning.detail, "The secret is [redacted].");
    assert_eq!(resource.private(), b"[redacted]");
    assert!(
        driver.answers_contain(TOKEN),
        "the planned state holds it, marked sensitive"
    );
}

#[tokio::test]
async fn the_providers_token_is_in_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let driver = driver(folder.path());
    let mut resource = driver.resource("notes_note");
    resource.plan_and_apply(note("a", "text")).await;
    resource.destroy().await;
    assert!(driver.answers_contain("text"));
    assert!(!driver.answers_contain(TOKEN));
}

#[tokio::test]
async fn a_stop_cancels_the_calls_in_flight_and_serving_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let driver = driver(folder.path());
    let mut resource = driver.resource("notes_corner");
    resource.plan(corner("wait for stop")).await;
    let walk = driver.walk().await.unwrap();
    let waiting = folder.path().join("waiting");
    let (applied, ()) = tokio::join!(resource.apply_in(&walk), async {
        while !waiting.exists() {
            tokio::task::yield_now().await;
        }
        walk.stop().await;
    });
    assert_eq!(applied.state.get("id").as_str(), Some("corner"));
    let later = driver
        .resource("notes_corner")
        .plan_in(&walk, corner("none"))
        .await;
    assert_eq!(later.action, Action::Create);
}
