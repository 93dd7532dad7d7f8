//! `accept`: warnings that are meant. Each entry silences one warning at one place; an entry that
//! silences nothing is a warning itself, so that none stands longer than what it was written for.

use std::collections::BTreeSet;

use super::{Place, Warning, WarningName, reader::Reader, yaml::Node};

/// One entry of `accept`.
#[derive(Debug)]
pub(super) struct Acceptance {
    place: Place,
    warning: WarningName,
    at: String,
}

/// Reads `accept`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Vec<Acceptance>> {
    let example = "a list, as in `[ { warning: different-schemes, at: live/HOME_URL } ]`";
    let items = reader.items(node, "accept", example)?;
    let read: Vec<_> = items.iter().map(|item| one(reader, item)).collect();
    read.into_iter().collect()
}

fn one(reader: &mut Reader, node: &Node) -> Option<Acceptance> {
    let keys = ["warning", "at", "reason"];
    let fields = reader.fields(node.place, node, "accept", &keys)?;
    let warning = fields.required(reader, "warning", "warning: different-schemes");
    let warning = warning.and_then(|node| name(reader, node));
    let at = fields.required(reader, "at", "at: live/HOME_URL");
    let at = at.and_then(|node| reader.text(node, "accept.at"));
    let reason = match fields.get("reason") {
        Some(node) => reader.text(node, "accept.reason").map(Some),
        None => Some(None),
    };
    reason?;
    Some(Acceptance {
        place: node.place,
        warning: warning?,
        at: at?.to_owned(),
    })
}

fn name(reader: &mut Reader, node: &Node) -> Option<WarningName> {
    let words = WarningName::ACCEPTABLE.map(WarningName::as_str);
    let text = reader.choice(node, "accept.warning", &words)?;
    let mut names = WarningName::ACCEPTABLE.into_iter();
    names.find(|name| name.as_str() == text)
}

/// What is left of `warnings`, with a warning for every entry that silenced nothing.
pub(super) fn silence(warnings: Vec<Warning>, accepted: Vec<Acceptance>) -> Vec<Warning> {
    let found: BTreeSet<(WarningName, String)> = warnings
        .iter()
        .map(|warning| (warning.name, warning.at.clone()))
        .collect();
    let mut meant = BTreeSet::new();
    let mut unused = Vec::new();
    for Acceptance { place, warning, at } in accepted {
        let meant_twice = !meant.insert((warning, at.clone()));
        if meant_twice || !found.contains(&(warning, at.clone())) {
            unused.push(silences_nothing(place, warning, &at, meant_twice));
        }
    }
    let is_left = |warning: &Warning| !meant.contains(&(warning.name, warning.at.clone()));
    let mut left: Vec<Warning> = warnings.into_iter().filter(is_left).collect();
    left.extend(unused);
    left
}

fn silences_nothing(place: Place, warning: WarningName, at: &str, meant_twice: bool) -> Warning {
    let why = if meant_twice {
        "is accepted already"
    } else {
        "is accepted, and there is no such warning"
    };
    Warning {
        place,
        name: WarningName::UnusedAcceptance,
        at: "accept".to_owned(),
        message: format!(
            "`{}` at `{}` {why}. Remove this entry of `accept`, or correct it.",
            warning.as_str(),
            at.escape_debug()
        ),
    }
}
