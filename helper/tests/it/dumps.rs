//! What would be lost: the age of production's newest dump, where a command lists dumps.

use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::{release, runs::FAILOVER, stage::Stage};

/// A stage whose dumps are listed so.
fn listing(command: &str) -> Stage {
    let stage = release::stage();
    let topology = std::fs::read_to_string(&stage.environment["GIGADB_TOPOLOGY"]).unwrap();
    let own = "cat dumps 2>/dev/null || echo '[]'";
    assert!(topology.contains(own));
    stage.write("topology.yaml", &topology.replace(own, command));
    stage
}

/// A stage with one dump that is so many hours old.
fn with_dump(hours: u64) -> Stage {
    let stage = listing("cat dumps; echo {production} > asked");
    let then = SystemTime::now() - Duration::from_hours(hours) - Duration::from_mins(1);
    let file = stage.write("stamp", "");
    std::fs::File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_modified(then)
        .unwrap();
    let script = "printf '[{\"Name\":\"db.dump\",\"ModTime\":\"%s\",\"Size\":7}]' \
                  \"$(date -u -r stamp +%Y-%m-%dT%H:%M:%SZ)\" > dumps";
    let made = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(stage.folder())
        .status();
    assert!(made.unwrap().success());
    stage
}

fn json(stage: &Stage, words: &[&str]) -> Value {
    let answer = stage.answer(&[words, &["-e", "live", "--format", "json"]].concat());
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn the_age_is_in_status_and_in_a_release_for_people_and_programs() {
    let stage = with_dump(14);
    let line = "Production's newest dump is 14 h old: `db.dump`, of ";
    let told = stage.answer(&["status", "-e", "live"]);
    assert!(told.contains(&format!("live: {line}")), "{told}");
    let asked = std::fs::read_to_string(stage.folder().join("asked")).unwrap();
    assert_eq!(asked, "gigadb-website\n");
    let newest = json(&stage, &["status"])["environments"]["live"]["newest_dump"].clone();
    let age = newest["age_seconds"].as_i64().unwrap();
    assert!((14 * 3_600..15 * 3_600).contains(&age), "{newest}");
    release::start(&stage, "complex");
    let told = stage.answer(&["release", "status", "-e", "live"]);
    assert!(told.contains(line), "{told}");
    assert_eq!(
        json(&stage, &["release", "status"])["newest_dump"]["size"],
        7
    );
}

#[test]
fn the_age_stands_at_the_failovers_question() {
    let stage = with_dump(50);
    let mut failover = FAILOVER.to_vec();
    failover.retain(|word| *word != "--yes");
    let mut terminal = stage.on_terminal(100, &failover);
    terminal.wait_for("Type `gigadb.org` to make");
    terminal.keys("no\r");
    let (_, told) = terminal.end();
    let line = told.find("Production's newest dump is 2 days old").unwrap();
    assert!(line < told.find("Type `gigadb.org`").unwrap(), "{told}");
}

/// Late, failing and lying commands change that line and nothing else.
#[test]
fn a_command_that_does_not_list_changes_one_line() {
    let whole = |stage: &Stage| stage.answer(&["status", "-e", "live"]);
    let marker = "live: Production's newest dump";
    let without = |told: &str| {
        let lines: Vec<&str> = told
            .lines()
            .filter(|line| !line.starts_with(marker))
            .collect();
        lines.join("\n")
    };
    let expected = without(&whole(&with_dump(1)));
    for (command, why) in [
        ("exit 7", "`sh` ended with exit status 7"),
        ("kill -9 $$", "`sh` was ended by a signal"),
        ("echo planted", "`sh` wrote no list of dumps"),
        ("cat soon", "lists a dump without a time of RFC 3339"),
        ("echo '[]'", "none is listed"),
        ("sleep 600 & sleep 600", "`sh` did not end within 2 s"),
        ("yes", "`sh` "),
    ] {
        let stage = listing(command);
        stage.write("soon", r#"[{"Name":"x","ModTime":"soon","Size":1}]"#);
        let began = Instant::now();
        let told = whole(&stage);
        assert!(told.contains(&format!("{marker} is not known: ")), "{told}");
        assert!(told.contains(why), "{why}: {told}");
        assert_eq!(without(&told), expected, "{command}");
        assert!(began.elapsed() < Duration::from_mins(1), "{command}");
        let document = json(&stage, &["status"]);
        let unknown = &document["environments"]["live"]["newest_dump"]["unknown"];
        assert!(unknown.as_str().unwrap().contains(why), "{document}");
    }
}

#[test]
fn where_nobody_lists_dumps_nothing_is_said_of_them() {
    let stage = Stage::sop();
    let told = stage.answer(&["status"]);
    assert!(!told.contains("dump"), "{told}");
    assert_eq!(
        json(&stage, &["status"])["environments"]["live"]["newest_dump"],
        Value::Null
    );
}
