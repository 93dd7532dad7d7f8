//! A diagram of who serves which names, before and after.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{
    change::{Change, Place},
    document::Review,
    escape::label,
};

/// Names of one side and role that are written out; GitLab draws short diagrams only.
const NAMES: usize = 5;

/// The diagram, in a block that GitLab draws; `None` where no record moves.
pub(super) fn diagram(review: &Review, change: &Change) -> Option<String> {
    change.moved().next()?;
    let mut text = "```mermaid\nflowchart LR\n".to_owned();
    for (id, title) in [("before", "Before"), ("after", "After")] {
        let mut groups: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        for name in &change.names {
            let place = if id == "before" { &name.from } else { &name.to };
            // Production is drawn first.
            let role = if name.role == "production" {
                "production"
            } else {
                "standby"
            };
            groups
                .entry((role.to_owned(), side(review, place)))
                .or_default()
                .push(&name.hostname);
        }
        let _ = write!(text, "  subgraph {id}[\"{title}\"]\n    direction LR\n");
        let mut sides: Vec<&String> = groups.keys().map(|(_, side)| side).collect();
        sides.sort_unstable();
        sides.dedup();
        for (index, ((role, side), names)) in groups.iter().enumerate() {
            let shown = names.iter().take(NAMES).map(|name| label(name));
            let mut shown: Vec<String> = shown.collect();
            if names.len() > NAMES {
                shown.push(format!("and {} more", names.len() - NAMES));
            }
            let initial = &id[..1];
            let target = sides
                .iter()
                .position(|one| *one == side)
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "    {initial}n{index}[\"{}\"] -->|{role}| {initial}s{target}[\"{}\"]",
                shown.join("<br>"),
                label(side)
            );
        }
        text.push_str("  end\n");
    }
    text.push_str("  before ~~~ after\n```");
    Some(text)
}

fn side(review: &Review, place: &Place) -> String {
    match (&place.infrastructure, &place.address) {
        (Some(side), _) => match review.sides.region(side) {
            Some(region) => format!("{side} ({region})"),
            None => side.clone(),
        },
        (None, Some(address)) => format!("neither side: {address}"),
        (None, None) => "no single address".to_owned(),
    }
}
