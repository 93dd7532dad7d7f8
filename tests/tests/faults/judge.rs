//! What must hold after an apply, whatever went wrong: of the world, of what was said, of what was
//! stored, of the next plan.

use std::collections::{BTreeMap, BTreeSet};

use gigadb_simulator::World;
pub(crate) use gigadb_tests::objects::{Objects, forget_leases, held, sound, table};
use gigadb_tests::procedure::Side;
use tfplug::{
    Diagnostic, Diagnostics, Value,
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
    let not_seen = accounted(&told.diagnostics, &held, &old, &new);
    for (object, value) in &shown(&told.state) {
        let is_prior = not_seen.contains(object) && *value == old[object];
        assert!(
            *value == held[object] || is_prior,
            "the state shows for {object} what is not: {value}; {text}"
        );
    }

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
    if policy == Policy::Revert && once {
        assert!(
            held == old || held == new,
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

/// The lines of what an error says was changed.
fn account(error: &Diagnostic) -> impl Iterator<Item = &str> {
    let (_, account) = error.detail.split_once("\n  changed: ").unwrap();
    let account = account.split("\n  next:    ").next().unwrap();
    account.lines().map(str::trim)
}

/// Why each object ended as it did, where that is said; without times of day.
pub(crate) fn causes(diagnostics: &Diagnostics) -> BTreeMap<String, String> {
    let mut causes = BTreeMap::new();
    for error in diagnostics.errors() {
        let mut cause = None;
        for line in account(error) {
            if word(line).is_some() {
                cause = line.split_once("): ").map(|(_, cause)| cause);
            } else if let Some(cause) = cause {
                let objects = line.split(", ");
                causes.extend(objects.map(|one| (one.to_owned(), without_times(cause))));
            }
        }
    }
    causes
}

/// What is due, item by item.
pub(crate) fn due(diagnostics: &Diagnostics) -> Vec<String> {
    let told = diagnostics
        .iter()
        .filter(|one| one.summary.contains(" afterwards: "));
    let lines = told.flat_map(|one| one.detail.lines().skip(1));
    let items = lines.filter_map(|line| line.trim().split_once(". "));
    items.map(|(_, item)| without_times(item)).collect()
}

/// A text without its times of day and counts of attempts: two runs are not alike in them.
pub(crate) fn without_times(text: &str) -> String {
    let masked = |word: &str| word.replace(|c: char| c.is_ascii_digit(), "0");
    let words: Vec<&str> = text.split(' ').collect();
    let masked = words.iter().enumerate().map(|(index, word)| {
        let time = word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit());
        let next = words.get(index + 1);
        if time || next.is_some_and(|next| next.starts_with("attempts")) {
            masked(word)
        } else {
            (*word).to_owned()
        }
    });
    masked.collect::<Vec<String>>().join(" ")
}

/// The word for how an object ended, from the heading over it.
fn word(heading: &str) -> Option<&'static str> {
    Some(match heading.split(" (").next()? {
        "In force" => "in_force",
        "Accepted, and not seen when read back" | "Accepted, and not read back" => "accepted",
        "Put back" => "put_back",
        "Not put back" => "not_put_back",
        "Not in force" => "not_in_force",
        "Not certain" => "perhaps_in_force",
        "Never sent" => "not_sent",
        heading if heading.starts_with("Open until ") => "open",
        _ => return None,
    })
}

/// What the errors say of each object, in the words of documents.
pub(crate) fn said(diagnostics: &Diagnostics) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for error in diagnostics.errors() {
        let mut heading = None;
        for line in account(error) {
            match (word(line), heading) {
                (Some(word), _) => heading = Some(word),
                (None, Some(word)) if !line.starts_with("It could not be read back: ") => {
                    let objects = line.split(", ");
                    said.extend(objects.map(|one| (one.to_owned(), word.to_owned())));
                }
                _ => {}
            }
        }
    }
    said
}

/// What the message says of each object is so. Returns the objects of which it says that no
/// reading shows them as they are.
fn accounted(
    diagnostics: &Diagnostics,
    held: &Objects,
    old: &Objects,
    new: &Objects,
) -> BTreeSet<String> {
    let mut not_seen = BTreeSet::new();
    for error in diagnostics.errors() {
        let mut expected: Option<&Objects> = None;
        let mut is_unseen = false;
        for line in account(error) {
            if line.starts_with("Nothing was changed.")
                || line.starts_with("What this run had written was put back")
            {
                assert_eq!(held, old, "{line}: {error}");
                continue;
            }
            if line.starts_with("It could not be read back: ") {
                not_seen.extend(held.keys().cloned());
                continue;
            }
            if let Some(word) = word(line) {
                is_unseen = word == "accepted" || line.contains("could not be read");
                expected = match word {
                    "in_force" | "accepted" => Some(new),
                    "put_back" | "not_in_force" | "not_sent" => Some(old),
                    _ => None,
                };
                continue;
            }
            for object in line.split(", ") {
                let held = held.get(object);
                assert!(held.is_some(), "{object:?} is no object: {error}");
                if let Some(expected) = expected {
                    assert_eq!(held, expected.get(object), "{line}: {error}");
                }
                if is_unseen {
                    not_seen.insert(object.to_owned());
                }
            }
        }
    }
    not_seen
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
