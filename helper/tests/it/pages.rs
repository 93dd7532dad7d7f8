//! `--format html`: pages that stand alone, in which nothing of others is markup.

use std::{fs, os::unix::fs::PermissionsExt as _};

use gigadb_simulator::World;

use crate::{runs::SWAP, stage::Stage};

/// Ends an element, an attribute, a style; opens a script; loads a picture; turns text around.
const HOSTILE: &str =
    "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>`&lt;\u{202e}\u{1b}[2J|";

pub(crate) const STATUS: [&str; 5] = ["status", "--environment", "live", "--format", "html"];

/// A page loads nothing and runs nothing, whatever is in it.
pub(crate) fn stands_alone(page: &str) {
    assert!(page.starts_with("<!doctype html>\n"), "{page}");
    assert_eq!(page.matches("</html>").count(), 1, "{page}");
    assert_eq!(page.matches("<style>").count(), 1, "{page}");
    assert_eq!(page.matches("</style>").count(), 1, "{page}");
    for never in [
        "<script", "<img", "<link", "<iframe", " src=", " href=", "url(", "@import",
    ] {
        assert!(
            !page.replace(" src=x", "").contains(never),
            "{never}: {page}"
        );
    }
    assert!(page.contains("default-src 'none'"), "{page}");
    let hidden = |c: char| c == '\u{1b}' || c == '\u{202e}';
    assert!(!page.contains(hidden), "{page}");
    // Every element that is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split(['>', ' ', '\n']).next().unwrap();
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{page}"),
            None if ["!doctype", "meta"].contains(&tag) => {}
            None => open.push(tag),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_status_page_says_which_runs_of_this_machine_it_cannot_read() {
    let stage = Stage::sop();
    let journals = stage.journals();
    fs::create_dir_all(&journals).unwrap();
    let at = |mode| fs::set_permissions(&journals, fs::Permissions::from_mode(mode)).unwrap();
    at(0o700);
    let empty = journals.join("20261122T093000123Z-live-0a1b.jsonl");
    fs::write(&empty, "").unwrap();
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o600)).unwrap();
    for (mode, why) in [
        (0o700, "A run is not listed: "),
        (0o777, "Runs of this machine are not listed. "),
    ] {
        at(mode);
        let output = stage.output(&STATUS);
        let page = String::from_utf8(output.stdout).unwrap();
        stands_alone(&page);
        assert!(page.contains(why), "{page}");
        assert!(!page.contains("is known here"), "{page}");
        let warned = String::from_utf8(output.stderr).unwrap();
        assert!(warned.contains(&format!("warning: {why}")), "{warned}");
    }
}

#[test]
fn a_status_page_tells_roles_names_and_past_runs() {
    let stage = Stage::sop();
    let page = stage.answer(&STATUS);
    stands_alone(&page);
    for part in [
        "<h2>live: <b class=\"good\">consistent</b></h2>",
        "Production is <code>gigadb-website</code> (Hong Kong), hot standby is <code>alt-gigadb-website</code> (Sydney).",
        "<td data-head=\"Name\"><span><code>gigadb.org</code></span></td><td data-head=\"Role\"><span>production</span></td><td data-head=\"Served by\"><span><code>gigadb-website</code></span></td><td data-head=\"Address\"><span><code>198.51.100.10</code></span></td>",
        "No run of this environment is known here.",
        "Records from Cloudflare&#39;s API, read on ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("staging"), "{page}");

    // A reason may hold no characters that are not seen.
    let reason: String = HOSTILE.chars().take_while(|c| *c != '\u{202e}').collect();
    let swap = [&SWAP[..], &["--reason", &reason]].concat();
    stage.answer(&swap);
    stage.set_record("portainer.gigadb.org", "192.0.2.1");
    let page = stage.answer(&STATUS);
    stands_alone(&page);
    for part in [
        "<b class=\"bad\">unknown</b>",
        "neither side",
        "production alt-gigadb-website",
        "completed",
        "&lt;script&gt;alert(1)",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

/// A world in which branches and variables hold what would be markup.
pub(crate) fn hostile() -> World {
    let mut world = World::sop();
    for project in &mut world.gitlab.projects {
        for deployment in &mut project.deployments {
            deployment.reference.push_str(HOSTILE);
        }
        for variable in &mut project.variables {
            variable.value.push_str(HOSTILE);
        }
    }
    world
}

#[test]
fn text_of_others_is_text_on_a_status_page() {
    let stage = Stage::with_world(hostile());
    let page = stage.answer(&STATUS);
    stands_alone(&page);
    assert!(page.contains("&lt;script&gt;"), "{page}");
}

/// The page of a plan that swaps live and creates something else, both with hostile names; the plan stays in the
/// stage's folder.
pub(crate) fn review_page(stage: &Stage) -> String {
    let plan = serde_json::json!({
        "format_version": "1.2",
        "planned_values": {},
        "resource_changes": [{
            "address": format!("gigadb_role_assignment.live[\"{HOSTILE}\"]"),
            "mode": "managed",
            "type": "gigadb_role_assignment",
            "change": {
                "actions": ["update"],
                "before": side("gigadb-website", "alt-gigadb-website", "198.51.100.10"),
                "after": side("alt-gigadb-website", "gigadb-website", "203.0.113.10"),
            },
        }, {
            "address": format!("null_resource.a[\"{HOSTILE}\"]"),
            "mode": "managed",
            "type": "null_resource",
            "change": { "actions": ["create"], "before": null, "after": {} },
        }],
    });
    fs::write(stage.folder().join("plan.json"), plan.to_string()).unwrap();
    stage.answer_with(2, &["review", "plan.json", "--format", "html"])
}

#[test]
fn a_review_page_says_what_the_markdown_says() {
    let stage = Stage::sop();
    let page = review_page(&stage);
    stands_alone(&page);
    for part in [
        "<h1>Swaps live: production gigadb-website (Hong Kong) to alt-gigadb-website (Sydney)</h1>",
        "<li>Reason: <code>&lt;/style&gt;&lt;script&gt;alert(1)",
        "<td data-head=\"From\"><span><code>198.51.100.10</code></span></td>",
        "<summary>1 variable in scope <code>live</code></summary>",
        "<p>Due afterwards:</p>",
        "<b>1 to create</b>",
        "Digest of the role change: <code>sha256:",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let refused = [
        "review",
        "plan.json",
        "--format",
        "html",
        "--require-only-role-change",
    ];
    let page = stage.answer_with(1, &refused);
    stands_alone(&page);
    assert!(page.contains("<b class=\"bad\">Refused: </b>"), "{page}");
}

fn side(production: &str, hot_standby: &str, address: &str) -> serde_json::Value {
    serde_json::json!({
        "environment": "live",
        "production": production,
        "hot_standby": hot_standby,
        "mode": "switchover",
        "reason": HOSTILE,
        "hostnames": { "gigadb.org": {
            "role": "production", "endpoint": "web", "zone": "gigadb.org",
            "infrastructure": production, "address": address,
        } },
        "variables": { format!("{production}/HOME_URL"): format!("https://gigadb.org{HOSTILE}") },
    })
}

#[test]
fn what_has_no_page_says_so() {
    let stage = Stage::sop();
    for arguments in [
        &["plan", "--environment", "live", "--swap"][..],
        &["swap", "--environment", "live", "--yes"],
        &["history"],
        &["check"],
        &["status", "--write", "doc.md"],
    ] {
        let arguments = [arguments, &["--format", "html"]].concat();
        let told = stage.run(&arguments);
        assert!(told.starts_with("exit 64"), "{arguments:?}: {told}");
    }
    assert_eq!(stage.writes(), 0);
}
