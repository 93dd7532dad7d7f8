//! What a review says, part by part, for every form that people read.
//!
//! Words and cells are a line of Markdown each: code spans and bold, and nothing of a plan is markup.

use std::collections::BTreeMap;

use super::{
    change::{Change, Hostname, Kind, Place},
    document::{Review, counted, name_of_place},
    escape::{code, name, whole},
    findings::{Finding, Findings},
    unseen::What,
};

/// Addresses that are named for each verb.
const NAMED: usize = 12;
/// How a plan gets findings.
const HOW: &str = "Put a `gigadb_preflight` data source with the same arrangement into the configuration, or review with `--live`.";

/// One part of a review.
pub(super) enum Part<'a> {
    /// A heading: the environment.
    Environment(&'a str),
    /// A paragraph.
    Line(String),
    /// A paragraph that must not be overlooked.
    Refused(&'a str),
    /// Items of a list.
    Facts(Vec<String>),
    /// The diagram of this change.
    Diagram(&'a Change),
    /// A table.
    Table(Table),
    /// A table that is folded under a line: how many of what, in the scope of this environment.
    Folded(String, &'a str, Table),
}

/// A table, with a line before it and one after it.
pub(super) struct Table {
    pub(super) intro: Option<String>,
    pub(super) head: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
    pub(super) after: Option<String>,
}

/// The parts of a review, in the order in which they are read.
pub(super) fn parts(review: &Review) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    parts.extend(review.refused.iter().map(|why| Part::Refused(why)));
    for (change, findings) in review.acting() {
        if review.acting().count() > 1 {
            parts.push(Part::Environment(&change.environment));
        }
        parts.extend(facts(review, change));
        if Review::weighs(change, findings) {
            parts.push(findings_of(change, findings));
        }
        parts.push(Part::Diagram(change));
        parts.extend(hostnames(review, change));
        parts.extend(variables(review, change));
        let due = review.due(change);
        if !due.is_empty() {
            parts.push(Part::Line("Due afterwards:".to_owned()));
            parts.push(Part::Facts(due.iter().map(|item| sentence(item)).collect()));
        }
    }
    parts.push(Part::Line(everything_else(review)));
    parts.extend(review.made.line().map(Part::Line));
    if review.acting().next().is_some() {
        let digest = review.digest();
        parts.push(Part::Line(format!("Digest of the role change: `{digest}`")));
    }
    parts
}

/// What stands beside the roles: mode, reason, waived rules, settings.
fn facts(review: &Review, change: &Change) -> Option<Part<'static>> {
    let mut facts = Vec::new();
    if !matches!(change.kind, Kind::Forget) && change.mode != "switchover" {
        facts.push(format!("Mode: {}", code(&change.mode)));
    }
    if change.kind != Kind::Rename {
        let renamed = change.renamed.iter();
        facts.extend(renamed.map(|(from, to)| format!("Renamed: {} → {}", code(from), code(to))));
    }
    if let (Some(prepare), false) = (&change.prepare, change.kind == Kind::Prepare) {
        facts.push(format!("Prepared side: {}", review.side(prepare)));
    }
    if !change.overrides.is_empty() {
        let rules: Vec<String> = change.overrides.iter().map(|rule| code(rule)).collect();
        facts.push(format!("Waived rules: {}", rules.join(", ")));
    }
    if let Some(reason) = &change.reason {
        facts.push(format!("Reason: {}", code(reason)));
    }
    if let (
        Some(status),
        Kind::Swap
        | Kind::Failover
        | Kind::TradeBack
        | Kind::TakeNote
        | Kind::HotStandby
        | Kind::Align
        | Kind::Prepare,
    ) = (&change.uneven, change.kind)
    {
        facts.push(format!(
            "Afterwards {} is {}: what the plan leaves as it is, is owed",
            name(&change.environment),
            code(status)
        ));
    }
    for setting in &change.settings {
        let text =
            |value: &Option<String>| value.as_deref().map_or_else(|| "unset".to_owned(), code);
        let (from, to) = (text(&setting.from), text(&setting.to));
        facts.push(format!("`{}`: {from} → {to}", setting.name));
    }
    (!facts.is_empty()).then_some(Part::Facts(facts))
}

fn or_nothing(text: Option<&String>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| code(text))
}

fn hostnames(review: &Review, change: &Change) -> Option<Part<'static>> {
    let adopted = change.from.is_none() && change.to.is_some();
    let moved: Vec<_> = if adopted {
        change.names.iter().collect()
    } else {
        change.moved().collect()
    };
    if moved.is_empty() {
        return None;
    }
    let row = |name: &&Hostname| {
        let region = |place: &Place| {
            let side = place
                .infrastructure
                .as_deref()
                .and_then(|side| review.sides.region(side));
            side.map_or_else(|| "—".to_owned(), name_of_place)
        };
        let side = |place: &Place| {
            place
                .infrastructure
                .as_ref()
                .map_or_else(|| "neither".to_owned(), |side| code(side))
        };
        let trade = |from: String, to: String| {
            if from == to || adopted {
                to
            } else {
                format!("{from} → {to}")
            }
        };
        vec![
            code(&name.hostname),
            if adopted {
                let missing = review.may_add && change.adopts();
                (if missing {
                    "as it is, or missing"
                } else {
                    "as it is"
                })
                .to_owned()
            } else {
                or_nothing(name.from.address.as_ref())
            },
            or_nothing(name.to.address.as_ref()),
            trade(side(&name.from), side(&name.to)),
            trade(region(&name.from), region(&name.to)),
        ]
    };
    let rest = change.names.len() - moved.len();
    let after = (rest > 0).then(|| {
        format!(
            "{} of {} stay as they are.",
            counted(rest, "hostname"),
            change.names.len()
        )
    });
    Some(Part::Table(Table {
        intro: None,
        head: &["Hostname", "From", "To", "Side", "Region"],
        rows: moved.iter().map(row).collect(),
        after,
    }))
}

fn variables<'a>(review: &Review, change: &'a Change) -> Option<Part<'a>> {
    if change.variables.is_empty() {
        return None;
    }
    let rows = change.variables.iter().map(|one| {
        let project = review
            .sides
            .project(&one.infrastructure)
            .unwrap_or(&one.infrastructure);
        vec![
            code(project),
            code(&one.variable),
            if one.from_known {
                or_nothing(one.from.as_ref())
            } else {
                "not in this plan".to_owned()
            },
            or_nothing(one.to.as_ref()),
        ]
    });
    let table = Table {
        intro: None,
        head: &["Project", "Variable", "From", "To"],
        rows: rows.collect(),
        after: None,
    };
    let count = counted(change.variables.len(), "variable");
    Some(Part::Folded(count, &change.environment, table))
}

fn findings_of(change: &Change, findings: &Findings) -> Part<'static> {
    let (found, origin) = match findings {
        Findings::None(why) => {
            let why = if why.is_empty() {
                String::new()
            } else {
                format!(": {}", sentence(why))
            };
            return Part::Line(format!("Findings: this plan holds no findings{why}. {HOW}"));
        }
        Findings::Plan(found) => (found, "from the plan"),
        Findings::Live(found) => (found, "judged now"),
    };
    if found.is_empty() {
        return Part::Line(format!(
            "Findings ({origin}): none. Nothing stands in the way of {}.",
            name(&change.environment)
        ));
    }
    let row = |one: &Finding| {
        let weight = match (one.severity.as_str(), one.waived) {
            (severity, true) => format!("{}, waived", name(severity)),
            ("error", false) => "**error**".to_owned(),
            (severity, false) => name(severity),
        };
        let what = one.message.split('\n').next().unwrap_or_default();
        vec![
            code(&one.rule),
            weight,
            sentence(what),
            sentence(&one.object),
        ]
    };
    Part::Table(Table {
        intro: Some(format!("Findings ({origin}):")),
        head: &["Rule", "Weight", "What", "Object"],
        rows: found.iter().map(row).collect(),
        after: None,
    })
}

/// A sentence of somebody else's: its names in backquotes are code, and so is every word that
/// could be markup, a link or one of GitLab's references.
fn sentence(text: &str) -> String {
    let mut shown = String::new();
    for (index, piece) in whole(text).split('`').enumerate() {
        if index % 2 == 1 {
            shown.push_str(&code(piece));
        } else {
            let words = piece.split(' ').map(|one| {
                if is_word(one) {
                    one.to_owned()
                } else {
                    code(one)
                }
            });
            shown.push_str(&words.collect::<Vec<_>>().join(" "));
        }
    }
    shown
}

fn is_word(text: &str) -> bool {
    let inner =
        text.trim_matches(|c: char| matches!(c, '(' | ')' | '.' | ',' | ';' | ':' | '?' | '\''));
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\'' | '=' | ':');
    let ends = |c: char| c.is_alphanumeric();
    inner.is_empty()
        || inner.chars().all(allowed)
            && inner.starts_with(ends)
            && inner.ends_with(ends)
            && !inner.to_ascii_lowercase().starts_with("www.")
}

fn everything_else(review: &Review) -> String {
    let mut said: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for (verb, addresses) in &review.other {
        // What is read at the apply is told below.
        let told = |address: &&String| {
            *verb != "read" || review.unseen.iter().all(|one| one.address != **address)
        };
        let names: Vec<&String> = addresses.iter().filter(told).collect();
        if !names.is_empty() {
            let shown = names.iter().take(NAMED).map(|address| code(address));
            said.insert(verb, (names.len(), shown.collect()));
        }
    }
    if !review.outputs.is_empty() {
        let shown = review.outputs.iter().take(NAMED).map(|output| code(output));
        said.insert("outputs", (review.outputs.len(), shown.collect()));
    }
    let mut unseen: BTreeMap<What, Vec<String>> = BTreeMap::new();
    for one in &review.unseen {
        unseen.entry(one.what).or_default().push(code(&one.address));
    }
    if said.is_empty() && unseen.is_empty() {
        return "Everything else in this plan: nothing.".to_owned();
    }
    let named = |count: usize, names: &[String]| {
        let more = match count.saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
        format!("({}{more})", names.join(", "))
    };
    let parts: Vec<String> = said
        .into_iter()
        .map(|(verb, (count, names))| {
            let what = match verb {
                "outputs" => format!("{} to change", counted(count, "output")),
                "read" => format!("{count} to read"),
                verb => format!("**{count} to {verb}**"),
            };
            format!("{what} {}", named(count, &names))
        })
        .collect();
    let unseen = unseen.into_iter().map(|(what, names)| {
        let (one, several) = what.words();
        let words = if names.len() == 1 { one } else { several };
        format!("**{} {words}** {}", names.len(), named(names.len(), &names))
    });
    let parts: Vec<String> = parts.into_iter().chain(unseen).collect();
    format!("Everything else in this plan: {}.", parts.join("; "))
}
