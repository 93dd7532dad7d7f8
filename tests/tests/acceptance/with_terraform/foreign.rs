//! Hostile text in what the APIs say never reaches Terraform's diagnostics raw.

use gigadb_tests::{Scene, procedure::Side};

/// Moves the cursor, sets a title, forges a line and turns text around.
const HOSTILE: &str = "x\u{1b}[2A\u{1b}[2K\u{1b}]0;x\u{7}\r\nFORGED\u{202e}\u{2066}\u{9b}2J";

#[test]
fn hostile_values_and_names_are_shown_in_diagnostics_and_never_obeyed() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        for project in &mut world.gitlab.projects {
            for variable in &mut project.variables {
                variable.value.push_str(HOSTILE);
            }
            for pipeline in &mut project.pipelines {
                pipeline.reference.push_str(HOSTILE);
            }
        }
    });
    scene.configure_live(Side::Alt);
    let plan = scene.terraform(&["plan", "-no-color"]);
    let said = format!("{}{}", plan.stdout, plan.stderr);
    assert!(
        said.contains("Error:") || said.contains("Warning:"),
        "{said}"
    );
    let raw = |c: &char| matches!(c, '\u{1b}' | '\u{7}' | '\r' | '\u{9b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // The plan failed, so all of it is diagnostics: the values of a plan are Terraform's to show.
    assert!(
        said.contains("Planning failed") && said.contains("FORGED"),
        "{said}"
    );
    for line in said.lines() {
        assert!(!line.chars().any(|c| raw(&c)), "{line:?}");
        assert!(!line.trim_start().starts_with("FORGED"), "{said}");
    }
}
