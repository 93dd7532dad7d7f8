//! What must hold after an apply, whatever went wrong: of the world, of what was said, of what was
//! stored, of the next plan.

use gigadb_simulator::World;
pub(crate) use gigadb_tests::objects::{Objects, forget_leases, held, sound, table};
use gigadb_tests::procedure::Side;
use tfplug::{
    Diagnostics, Value,
    testing::{Action, Planned},
};

use crate::stage::{Policy, Told};

/// What a state shows.
pub(crate) fn shown(state: &Value) -> Objects {
    let mut shown = Objects::new();
    for (name, object) in state.get("hostnames").as_entries().unwrap() {
        let address = object.get("address").as_str().unwrap_or_default();
        shown.insert(name.clone(), address.to_owned());
    }
    for (id, value) in state.get("variables").as_entries().unwrap() {
        shown.insert(id.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    shown
}

/// One environment after an apply with a fault. Returns how it ended, in a word.
pub(crate) fn applied(told: &Told, world: &World, policy: Policy, once: bool) -> &'static str {
    let environment = told.environment;
    let (old, new) = (
        table(environment, Side::Upstream),
        table(environment, Side::Alt),
    );
    let held = held(environment, world);
    let text = told.diagnostics.to_string();
    let unread = text.contains("could not be read back") || text.contains("could not be read");

    let shown = shown(&told.state);
    if !unread {
        assert_eq!(shown, held, "the state is not what is; {text}");
    }
    for (object, value) in &shown {
        assert!(
            *value == held[object] || *value == old[object],
            "the state shows for {object} what is not and was not: {value}; {text}"
        );
    }
    accounted(&told.diagnostics, &held, &old, &new);

    let production = told.state.get("production").as_str().unwrap();
    if told.diagnostics.has_errors() {
        assert_eq!(production, Side::Upstream.name());
        for error in told.diagnostics.errors() {
            for part in ["\n  on:      ", "\n  changed: ", "\n  next:    "] {
                assert!(error.detail.contains(part), "{part:?} is missing: {error}");
            }
        }
    } else {
        assert_eq!(production, Side::Alt.name());
        assert_eq!(held, new, "success, but not what was asked for; {text}");
    }
    let open = text.contains("Open until ");
    if policy == Policy::Revert && once {
        assert!(
            held == old || held == new || open,
            "neither undone nor done: {held:#?}; {text}"
        );
    }
    let done = told.diagnostics.has_errors();
    match (done, held == new, held == old) {
        (false, ..) => "done",
        (true, true, _) => "done, with an error",
        (true, _, true) => "as before",
        (true, false, false) => "partly done",
    }
}

/// What the message says of each object is so.
fn accounted(diagnostics: &Diagnostics, held: &Objects, old: &Objects, new: &Objects) {
    for error in diagnostics.errors() {
        if held != old {
            let denied = error.detail.contains("changed: Nothing was changed.");
            assert!(!denied, "something was changed: {error}");
        }
        let Some((_, account)) = error.detail.split_once("\n  changed: ") else {
            continue;
        };
        let account = account.split("\n  next:    ").next().unwrap();
        if account.starts_with("Nothing was changed.") {
            assert_eq!(held, old, "nothing was changed? {error}");
            continue;
        }
        let mut expected: Option<&Objects> = None;
        for line in account.lines().map(str::trim) {
            if line.starts_with("It could not be read back: ") {
                continue;
            }
            if line.starts_with("What this run had written was put back") {
                assert_eq!(held, old, "{line}: {error}");
                continue;
            }
            match line.split(" (").next().unwrap() {
                "In force" | "Accepted, and not seen when read back" => expected = Some(new),
                "Put back" | "Not in force" | "Never sent" => expected = Some(old),
                "Not certain" | "Not put back" => expected = None,
                heading if heading.starts_with("Open until ") => expected = None,
                _ => {
                    let Some(expected) = expected else { continue };
                    for object in line.split(", ") {
                        assert_eq!(held[object], expected[object], "{line}: {error}");
                    }
                }
            }
        }
    }
}

/// The next plan shows exactly what is left.
pub(crate) fn next_plan(environment: &str, planned: &Planned, world: &World) {
    assert!(!planned.diagnostics.has_errors(), "{}", planned.diagnostics);
    let held = held(environment, world);
    let new = table(environment, Side::Alt);
    assert_eq!(
        shown(&planned.prior),
        held,
        "the refresh does not show what is"
    );
    assert_eq!(
        shown(&planned.state),
        new,
        "the plan is not what is asked for"
    );
    let production = planned.prior.get("production").as_str();
    let done = held == new && production == Some(Side::Alt.name());
    assert_eq!(planned.action == Action::NoOp, done, "{:?}", planned.action);
}

/// One more apply was enough.
pub(crate) fn settled(told: &Told, world: &World) {
    assert!(!told.diagnostics.has_errors(), "{}", told.diagnostics);
    assert_eq!(
        held(told.environment, world),
        table(told.environment, Side::Alt)
    );
    assert_eq!(
        told.state.get("production").as_str(),
        Some(Side::Alt.name())
    );
    assert_eq!(told.state.get("status").as_str(), Some("consistent"));
}
