//! What the pages of this crate say is so.

#[path = "../examples/hello.rs"]
#[expect(dead_code, reason = "a program of its own")]
mod hello;

use std::path::Path;
use std::sync::Arc;

use tfplug::Value;
use tfplug::testing::{Action, Driver};

const README: &str = include_str!("../README.md");
const PROTOCOL: &str = include_str!("../PROTOCOL.md");
const HELLO: &str = include_str!("../examples/hello.rs");
const FACTS: &str = include_str!("../proto/tfplugin6.json");

#[test]
fn the_provider_of_the_readme_is_the_example_and_is_short() {
    let (_, shown) = HELLO.split_once("\n\n").unwrap();
    assert!(
        README.contains(&format!("```rust,no_run\n{shown}```")),
        "copy examples/hello.rs into README.md"
    );
    let code = shown.lines().filter(|line| !line.trim().is_empty());
    assert!(code.count() <= 65);
}

#[tokio::test]
async fn the_provider_of_the_readme_works() {
    let driver = Driver::new(|| Arc::new(hello::Hello));
    let mut greeting = driver.resource("hello_greeting");
    let named = |name: &str| Value::object([("name", name.into())]);
    let planned = greeting.plan(named("world")).await;
    assert_eq!(planned.action, Action::Create, "{}", planned.diagnostics);
    let applied = greeting.apply().await;
    assert_eq!(
        applied.state.get("text").as_str(),
        Some("Hello, world."),
        "{}",
        applied.diagnostics
    );
    let again = greeting.plan(named("world")).await;
    assert_eq!(again.action, Action::NoOp, "{}", again.diagnostics);
    let other = greeting.plan(named("you")).await;
    assert_eq!(other.action, Action::Update, "{}", other.diagnostics);
    let applied = greeting.apply().await;
    assert_eq!(applied.state.get("text").as_str(), Some("Hello, you."));
    let gone = greeting.plan_destroy().await;
    assert_eq!(gone.action, Action::Destroy, "{}", gone.diagnostics);
}

/// The cells of a page's table rows.
fn rows(page: &str) -> impl Iterator<Item = [&str; 3]> {
    page.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<&str> = line.split(" | ").collect();
        cells.try_into().ok()
    })
}

#[test]
fn every_row_of_the_protocol_names_a_test_that_is_there() {
    let mut count = 0;
    for [what, _, test] in rows(PROTOCOL).filter(|row| row[2] != "Test") {
        let (file, name) = test.split_once(": ").unwrap();
        let (file, name) = (file.trim_matches('`'), name.trim_matches('`'));
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains(&format!("fn {name}(")),
            "{what}: {file} has no test {name}"
        );
        count += 1;
    }
    assert!(count > 30, "only {count} rows");
}

#[test]
fn every_call_of_the_protocol_has_its_row() {
    let facts: serde_json::Value = serde_json::from_str(FACTS).unwrap();
    let methods = facts["tfplugin6"]["services"]["tfplugin6.Provider"]["methods"]
        .as_array()
        .unwrap();
    let unserved = include_str!("process.rs");
    for method in methods {
        let name = method["name"].as_str().unwrap();
        let row = rows(PROTOCOL).find(|row| row[0] == format!("`{name}`"));
        let [_, served, _] = row.unwrap_or_else(|| panic!("no row for {name}"));
        let asked = unserved.contains(&format!("\"/tfplugin6.Provider/{name}\""));
        assert_eq!(served == "no", asked, "{name}: {served}");
    }
}
