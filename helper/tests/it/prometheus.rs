//! `status --format prometheus`.

use crate::{
    lease::{hold, locked},
    stage::Stage,
};

const GAUGES: [&str; 5] = ["status", "--environment", "live", "--format", "prometheus"];

/// Every sample of a page whose lines are all of the format.
fn samples(page: &str) -> Vec<&str> {
    let mut kind = "";
    let mut samples = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            kind = rest.strip_suffix(" gauge").unwrap();
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let bare = name.split('{').next().unwrap();
            assert_eq!(bare, kind, "{line}");
            samples.push(line);
        }
    }
    samples
}

#[test]
fn the_gauges_say_who_holds_which_role() {
    let stage = Stage::sop();
    let page = stage.answer(&GAUGES);
    let samples = samples(&page);
    for expected in [
        "gigadb_role{environment=\"live\",infrastructure=\"gigadb-website\",role=\"production\"} 1",
        "gigadb_role{environment=\"live\",infrastructure=\"alt-gigadb-website\",role=\"production\"} 0",
        "gigadb_role{environment=\"live\",infrastructure=\"alt-gigadb-website\",role=\"hot_standby\"} 1",
        "gigadb_roles_clear{environment=\"live\"} 1",
        "gigadb_status{environment=\"live\",status=\"consistent\"} 1",
        "gigadb_status{environment=\"live\",status=\"mixed\"} 0",
        "gigadb_disagreements{environment=\"live\"} 0",
        "gigadb_unread{environment=\"live\"} 0",
        "gigadb_hosts_age_seconds{infrastructure=\"gigadb-website\"} 0",
    ] {
        assert!(samples.contains(&expected), "{expected}: {page}");
    }
    assert!(
        !page.contains("gigadb_lease_held{"),
        "there is no lease: {page}"
    );
}

#[test]
fn roles_that_are_unclear_have_no_sample() {
    let stage = Stage::sop();
    stage.set_record("gigadb.org", "192.0.2.1");
    let page = stage.answer(&GAUGES);
    assert!(!page.contains("gigadb_role{"), "{page}");
    assert!(
        samples(&page).contains(&"gigadb_roles_clear{environment=\"live\"} 0"),
        "{page}"
    );
}

#[test]
fn the_lease_is_held_since_then_or_free() {
    let stage = locked();
    let page = stage.answer(&GAUGES);
    assert!(
        samples(&page).contains(&"gigadb_lease_held{environment=\"live\"} 0"),
        "{page}"
    );
    hold(&stage);
    let page = stage.answer(&GAUGES);
    let samples = samples(&page);
    for expected in [
        "gigadb_lease_held{environment=\"live\"} 1",
        "gigadb_lease_held_since_timestamp_seconds{environment=\"live\"} 1795339800",
    ] {
        assert!(samples.contains(&expected), "{expected}: {page}");
    }
}

#[test]
fn nothing_else_has_gauges() {
    let told = Stage::sop().run(&["check", "--format", "prometheus"]);
    assert!(told.starts_with("exit 64\n"), "{told}");
}
