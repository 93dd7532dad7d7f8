//! Every rule, broken in the simulated world: what Terraform then shows, in plan, apply and
//! preflight, and what waiving the rule does. The page of each rule shows the message of a case.

mod addresses;
mod https;
mod lease;
mod moved;
mod variables;

use gigadb_simulator::World;
use gigadb_tests::{Output, Scene, assignment, procedure::Side};

const STANDBY_REGION: &str = "ap-southeast-2";

/// One way to break one rule.
struct Broken {
    /// The rule.
    rule: &'static str,
    /// Breaks it, after live was adopted.
    how: fn(&Scene),
    /// What failed.
    what: &'static str,
    /// Texts of the object.
    object: &'static [&'static str],
    /// A text of what to do next.
    next: &'static str,
    /// What a waiver does.
    waiver: Waiver,
}

/// What naming the rule in `overrides` does.
enum Waiver {
    /// The swap passes, with a warning that names the rule.
    Passes,
    /// The swap passes, and lists this as owed.
    Owes(&'static str),
    /// The swap is still stopped, because there is nothing to write.
    StillStops,
    /// Another rule stops the swap for the same reason.
    LeftTo(&'static str),
    /// The rule cannot be waived.
    Refused,
}

/// Changes the world.
fn edit(scene: &Scene, change: impl FnOnce(&mut World)) {
    scene.simulator().edit(change);
}

/// Asserts that the output has an error or a warning of the rule with all four parts.
#[track_caller]
fn four_parts(output: &Output, broken: &Broken) {
    output.omits(&["bug in the provider", "panicked", "Plugin did not respond"]);
    output.says(&[
        &format!("live {}", broken.rule),
        &format!("{} on: ", broken.what),
        "changed: Nothing was changed. next: ",
        broken.next,
    ]);
    output.says(broken.object);
}

/// Sets a stage on which live is adopted, and then broken.
fn broken(broken: &Broken) -> Scene {
    let scene = Scene::new();
    scene.adopt_live();
    (broken.how)(&scene);
    scene.simulator().clear_requests();
    scene
}

#[track_caller]
fn judge(case: &Broken) {
    stops_plan_and_apply(case);
    is_a_finding_of_preflight(case);
    let scene = broken(case);
    let overrides = format!("overrides = [\"{}\"]", case.rule);
    scene.configure(&assignment("live", Side::Alt, &overrides));
    let waived = format!("Warning: live {} (waived): ", case.rule);
    match case.waiver {
        Waiver::Passes | Waiver::Owes(_) => {
            let plan = scene.plan(&[]).expect(2);
            plan.says(&[&waived, case.what]);
            if let Waiver::Owes(object) = case.waiver {
                plan.says(&["live owed: 1 item left as it is", object]);
            }
            scene.assert_nothing_written();
            scene.apply().expect(0).says(&[&waived]);
            assert!(!scene.writes().is_empty());
        }
        Waiver::StillStops => {
            four_parts(&scene.plan(&[]).expect(1), case);
            scene.assert_nothing_written();
        }
        Waiver::LeftTo(rule) => {
            let plan = scene.plan(&[]).expect(1);
            plan.says(&[&format!("Error: live {rule}: ")]);
            scene.assert_nothing_written();
        }
        Waiver::Refused => {
            let refused = scene.plan(&[]).expect(1);
            refused.says(&[
                &format!("The rule `{}` cannot be waived.", case.rule),
                "on: attribute `overrides` changed: Nothing was changed. next: ",
                &format!("Take `{}` out of `overrides`.", case.rule),
            ]);
            scene.assert_nothing_written();
        }
    }
}

#[track_caller]
fn stops_plan_and_apply(case: &Broken) {
    let scene = broken(case);
    scene.configure_live(Side::Alt);
    let world = scene.world();
    let plan = scene.plan(&[]).expect(1);
    four_parts(&plan, case);
    four_parts(&scene.apply().expect(1), case);
    scene.assert_nothing_written();
    assert!(scene.world() == world, "the world moved");
}

#[track_caller]
fn is_a_finding_of_preflight(case: &Broken) {
    let scene = Scene::new();
    (case.how)(&scene);
    scene.configure(
        r#"
data "gigadb_preflight" "swap" {
  environment = "live"
  production  = "alt-gigadb-website"
}

check "swap" {
  assert {
    condition     = data.gigadb_preflight.swap.ok
    error_message = join("\n", data.gigadb_preflight.swap.findings[*].message)
  }
}

output "swap" {
  value = data.gigadb_preflight.swap
}
"#,
    );
    let applied = scene.apply().expect(0);
    applied.says(&[
        "Warning: Check block assertion failed",
        case.what,
        case.next,
    ]);
    let swap = scene.show("")["values"]["outputs"]["swap"]["value"].clone();
    assert_eq!(swap["ok"], false);
    let findings = swap["findings"].as_array().unwrap();
    let found = findings.iter().any(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap();
        finding["rule"] == case.rule
            && finding["severity"] == "error"
            && finding["waived"] == false
            && text("message").starts_with(case.what)
            && case.object.iter().all(|part| text("object").contains(part))
    });
    assert!(found, "{findings:#?}");
    scene.assert_nothing_written();
}

/// Asserts that the page of a rule shows the message that is in the output.
#[track_caller]
fn as_documented(rule: &str, output: &Output) {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/rules")
        .join(format!("{rule}.md"));
    let page = std::fs::read_to_string(page).unwrap();
    let block = page
        .split("```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap_or_else(|| panic!("the page of {rule} shows no message"));
    for paragraph in block.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        output.says(&[&words.join(" ")]);
    }
}
