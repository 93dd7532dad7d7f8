//! The pages of `--format html` in a real browser: headless Chromium, light and dark, from a telephone's
//! width to a wide screen's.

use std::{fs, path::Path, process::Command};

use gigadb_simulator::World;
use serde_json::Value;

use crate::{
    pages::{STATUS, hostile, review_page},
    runs::SWAP,
    stage::{Stage, not_run},
};

/// Widths that `look.html` shows each page in.
const WIDTHS: usize = 4;
/// The contrast of text that WCAG 2.1 asks for at level AA.
const READABLE: f64 = 4.5;

/// What the browser sees of the pages in a folder; `None` where there is no browser.
fn look(folder: &Path, dark: bool) -> Option<Vec<Value>> {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--allow-file-access-from-files",
            "--virtual-time-budget=60000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!("file://{}", folder.join("look.html").display()))
        .output()
        .ok()?;
    let document = String::from_utf8(output.stdout).unwrap();
    let seen = document
        .split_once("<pre id=\"seen\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let seen = seen
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
        .0;
    Some(serde_json::from_str(seen).unwrap_or_else(|error| panic!("{error}: {document}")))
}

#[test]
fn pages_are_readable_light_and_dark_at_every_width() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::sop();
    let _ = stage.answer(&SWAP);
    let pages = [
        ("status", stage.answer(&STATUS)),
        ("hostile", Stage::with_world(hostile()).answer(&STATUS)),
        ("long", Stage::with_world(long_words()).answer(&STATUS)),
        ("review", review_page(&stage)),
    ];
    let names: Vec<String> = pages
        .iter()
        .map(|(name, _)| format!("{name}.html"))
        .collect();
    for ((_, page), name) in pages.iter().zip(&names) {
        fs::write(folder.path().join(name), page).unwrap();
    }
    let look_html =
        include_str!("look.html").replace("PAGES", &serde_json::json!(names).to_string());
    fs::write(folder.path().join("look.html"), look_html).unwrap();
    for dark in [false, true] {
        let Some(seen) = look(folder.path(), dark) else {
            return not_run("pages in a browser: there is no Chromium");
        };
        assert_eq!(seen.len(), pages.len() * WIDTHS);
        for one in seen {
            assert_eq!(one["dark"], dark, "{one}");
            assert!(one["texts"].as_u64().unwrap() > 20, "{one}");
            assert_eq!(one["hidden"], 0, "wider than the window: {one}");
            assert!(one["contrast"].as_f64().unwrap() >= READABLE, "{one}");
        }
    }
}

/// A world in which branches are long words.
fn long_words() -> World {
    let mut world = World::sop();
    for project in &mut world.gitlab.projects {
        for deployment in &mut project.deployments {
            deployment.reference = "release-of-the-year".repeat(12);
        }
    }
    world
}
