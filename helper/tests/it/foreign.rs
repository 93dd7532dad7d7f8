//! What others wrote never reaches a terminal or a document raw: hostile text is planted in every
//! field of all three APIs, one kind of field after the other.

use std::collections::BTreeSet;

use gigadb_simulator::World;
use serde_json::Value;

use crate::stage::Stage;

/// Moves the cursor, sets a title, forges a line, turns text around, and is markup.
const HOSTILE: &str = "\u{1b}[2A\u{1b}[2K\u{1b}]0;x\u{7}\r\nFORGED zone gigadb.org\u{202e}\u{2066}\u{200b}\u{85}\u{9b}2J`|<img/src=x>@all";
/// Fields without which no API lets anybody in, or no program finds an API.
const NEEDED: [&str; 4] = [".tokens", ".keys", ".terraform_states", "regions.us-east-1"];

/// The paths of all texts in a world, without positions in lists.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                paths(entry, &format!("{path}.{key}"), found);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                paths(entry, path, found);
            }
        }
        Value::String(_) => {
            found.insert(path.to_owned());
        }
        _ => {}
    }
}

/// Adds hostile text to every text at a path.
fn plant(value: &mut Value, path: &str, at: &str) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                plant(entry, &format!("{path}.{key}"), at);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                plant(entry, path, at);
            }
        }
        Value::String(text) if path == at => text.push_str(HOSTILE),
        _ => {}
    }
}

/// The world with hostile text at a path; `None` where no such world can be.
fn planted(world: &Value, at: &str) -> Option<World> {
    let mut planted = world.clone();
    plant(&mut planted, "", at);
    serde_json::from_value(planted).ok()
}

fn run(stage: &Stage, arguments: &[&str]) -> String {
    let output = stage.output(arguments);
    let text = format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    );
    let raw = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let found: Vec<char> = text.chars().filter(raw).collect();
    assert!(found.is_empty(), "{arguments:?} {found:?}: {text}");
    let forged = |line: &str| line.trim_start().starts_with("FORGED");
    assert!(!text.lines().any(forged), "{arguments:?}: {text}");
    text
}

/// Outside of code nothing of the planted markup is left; it holds a backquote, so two fence it.
fn assert_no_markup(text: &str) {
    for line in text.lines() {
        let outside = line.split("``").step_by(2).collect::<String>();
        assert!(
            !outside.contains("<img") && !outside.contains("@all"),
            "{line}"
        );
        if line.starts_with('|') {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 8, "{line}");
        }
    }
}

#[test]
fn hostile_text_in_every_field_of_the_apis_is_shown_and_never_obeyed() {
    let mut world = World::sop();
    // What stands beside records is shown too.
    let zone = world.cloudflare.zone_mut("gigadb.host").unwrap();
    zone.records
        .retain(|record| record.name != "portainer.alt-live.gigadb.host");
    zone.add("A", "*.alt-live.gigadb.host", "203.0.113.10");
    let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
    zone.add("NS", "files.alt-live.gigadb.org", "ns1.example.net");
    zone.add("HTTPS", "gigadb.org", "1 . ipv4hint=\"198.51.100.10\"");
    let world = serde_json::to_value(world).unwrap();
    let mut fields = BTreeSet::new();
    paths(&world, "", &mut fields);
    fields.retain(|path| !NEEDED.iter().any(|needed| path.contains(needed)));
    let stage = Stage::sop();
    let (mut tried, mut shown) = (0, 0);
    for at in &fields {
        let Some(world) = planted(&world, at) else {
            continue;
        };
        stage.simulator.edit(|present| *present = world);
        tried += 1;
        for arguments in [
            &["status", "--environment", "live"][..],
            &["plan", "--environment", "live", "--swap"],
        ] {
            shown += usize::from(run(&stage, arguments).contains("FORGED"));
        }
        let _ = run(&stage, &["check"]);
    }
    assert!(tried > 40 && shown > 2, "{tried} fields, {shown} shown");
}

#[test]
fn documents_and_json_hold_no_markup_and_no_hidden_characters() {
    let world = serde_json::to_value(World::sop()).unwrap();
    let stage = Stage::sop();
    for at in [
        ".gitlab.projects.deployments.ref",
        ".gitlab.projects.releases.tag_name",
        ".gitlab.projects.variables.value",
    ] {
        let world = planted(&world, at).unwrap();
        stage.simulator.edit(|present| *present = world);
        let table = run(
            &stage,
            &["status", "--environment", "live", "--format", "markdown"],
        );
        assert_no_markup(&table);
        let json = run(
            &stage,
            &["status", "--environment", "live", "--format", "json"],
        );
        let json: Value = serde_json::from_str(&json).unwrap();
        // What it means is what is there.
        if at.rsplit('.').next() == Some("value") {
            assert!(json.to_string().contains("\\r\\nFORGED"), "{json:#}");
        }
        let _ = run(&stage, &["inventory", "--graph"]);
    }
}
