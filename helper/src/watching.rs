//! How a cutover stands, in words: a table for a terminal, lines elsewhere, a document for
//! programs. Pure.

use std::collections::BTreeMap;

use gigadb_engine::{
    answer::{Answered, fault},
    foreign::Foreign,
    message::clock,
    watch::{EndpointStanding, Goal, Leads, NameStanding, Phase, ResolverStanding, Standing},
};
use serde::Serialize;

use crate::columns;

/// The version of the JSON lines. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// The columns of the table, the most telling first.
const HEADER: [&str; 6] = [
    "NAME",
    "SERVERS",
    "OLD ANSWERS",
    "NEW SIDE",
    "OLD SIDES",
    "RESOLVERS",
];
/// The columns without which the table says nothing.
const NEEDED: usize = 2;

/// The table for so many columns, and what stands below it: what the table leaves out, what is
/// wrong, and how it stands.
pub(crate) fn table(
    goal: &Goal,
    standing: &Standing,
    now: u64,
    width: u16,
) -> (String, Vec<String>) {
    let names = standing.names.iter();
    let rows: Vec<[String; 6]> = names.map(|name| row(standing, name, now)).collect();
    // Without a column of resolvers where none is asked.
    let asked = standing.names.iter().any(|name| !name.resolvers.is_empty());
    let most = HEADER.len() - usize::from(!asked);
    let table = columns::fitted(HEADER, &rows, NEEDED..=most, Some(width));
    let left_out = columns::left_out(&HEADER[table.columns..most]);
    let faults = standing.faults.iter().map(|fault| format!("! {fault}"));
    let below = left_out.into_iter().chain(faults);
    let below = below.chain([phase(goal, standing.phase, now)]).collect();
    (table.text, below)
}

fn row(standing: &Standing, name: &NameStanding, now: u64) -> [String; 6] {
    let of_name = |new: bool| {
        let mut shown: Vec<String> = standing
            .endpoints
            .iter()
            .filter(|one| one.hostname == name.hostname && one.new == new)
            .map(in_short)
            .collect();
        shown.dedup();
        shown.join(", ")
    };
    let old_answers = match name.until {
        None => "still given".to_owned(),
        Some(until) if until > now => format!("end in {} s", until - now),
        Some(_) => "have ended".to_owned(),
    };
    [
        name.hostname.to_string(),
        servers(name),
        old_answers,
        of_name(true),
        of_name(false),
        resolvers(name, now),
    ]
}

/// What there is to say, by what it is about: a line is printed where it is another than before.
pub(crate) fn lines(goal: &Goal, standing: &Standing) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for name in &standing.names {
        let hostname = &name.hostname;
        lines.insert(
            format!("2 {hostname}"),
            format!(
                "{hostname}: {} name servers lead to {}",
                servers(name),
                goal.production
            ),
        );
        for (resolver, said) in &name.resolvers {
            lines.insert(
                format!("3 {hostname} {resolver}"),
                format!(
                    "{hostname}: resolver {resolver} {}",
                    resolver_says(goal, said)
                ),
            );
        }
    }
    for one in &standing.endpoints {
        let EndpointStanding {
            hostname,
            side,
            protocol,
            answer,
            ..
        } = one;
        let shown = match (answer, fault(answer)) {
            (_, Some(why)) => format!("does not answer {protocol}: {}", Foreign(&why)),
            // The days that a certificate has left are no news.
            (Ok(Answered::Https { status, .. }), None) => {
                format!("answers {protocol} with status {status}")
            }
            (_, None) => format!("answers {protocol}"),
        };
        lines.insert(
            format!("4 {hostname} {side} {protocol}"),
            format!("{hostname}: {side} {shown}"),
        );
    }
    for fault in &standing.faults {
        lines.insert(format!("5 {fault}"), format!("wrong: {}", Foreign(fault)));
    }
    lines.insert("6".to_owned(), phase_by_clock(goal, standing.phase));
    lines
}

/// One JSON line.
pub(crate) fn json(goal: &Goal, standing: &Standing, now: u64) -> String {
    let line = Line {
        format_version: FORMAT_VERSION,
        time: now,
        environment: goal.environment.as_str(),
        production: goal.production.as_str(),
        phase: word(standing.phase),
        until: match standing.phase {
            Phase::RunningOut { until } | Phase::Unwell { until } => Some(until),
            Phase::Over { since } => Some(since),
            Phase::Moving | Phase::Wrong => None,
        },
        faults: &standing.faults,
        names: standing
            .names
            .iter()
            .map(|one| name_line(goal, one))
            .collect(),
        endpoints: standing.endpoints.iter().map(endpoint_line).collect(),
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&line).unwrap_or_default()
}

#[derive(Serialize)]
struct Line<'a> {
    format_version: u32,
    time: u64,
    environment: &'a str,
    production: &'a str,
    phase: &'static str,
    until: Option<u64>,
    faults: &'a [String],
    names: Vec<NameLine<'a>>,
    endpoints: Vec<EndpointLine<'a>>,
}

#[derive(Serialize)]
struct NameLine<'a> {
    hostname: &'a str,
    new: Option<String>,
    proxied: bool,
    servers: BTreeMap<&'a str, String>,
    resolvers: BTreeMap<&'a str, Kept>,
    until: Option<u64>,
}

#[derive(Serialize)]
struct Kept {
    leads: String,
    until: u64,
}

#[derive(Serialize)]
struct EndpointLine<'a> {
    hostname: &'a str,
    infrastructure: &'a str,
    new: bool,
    protocol: String,
    fault: Option<String>,
    answer: Option<&'a Answered>,
}

fn name_line<'a>(goal: &Goal, one: &'a NameStanding) -> NameLine<'a> {
    let wanted = goal.names.get(&one.hostname);
    let servers = one.servers.iter();
    let resolvers = one.resolvers.iter();
    NameLine {
        hostname: one.hostname.as_str(),
        new: wanted.map(|name| name.new.to_string()),
        proxied: wanted.is_some_and(|name| name.proxied),
        servers: servers
            .map(|(who, said)| (who.as_str(), leads(said)))
            .collect(),
        resolvers: resolvers
            .map(|(who, said)| {
                let kept = Kept {
                    leads: leads(&said.leads),
                    until: said.until,
                };
                (who.as_str(), kept)
            })
            .collect(),
        until: one.until,
    }
}

fn endpoint_line(one: &EndpointStanding) -> EndpointLine<'_> {
    EndpointLine {
        hostname: one.hostname.as_str(),
        infrastructure: one.side.as_str(),
        new: one.new,
        protocol: one.protocol.to_string(),
        fault: fault(&one.answer),
        answer: one.answer.as_ref().ok(),
    }
}

/// The word for how far it is.
pub(crate) fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Moving => "moving",
        Phase::RunningOut { .. } => "running_out",
        Phase::Unwell { .. } => "unwell",
        Phase::Over { .. } => "over",
        Phase::Wrong => "wrong",
    }
}

/// `new`, `nowhere`, addresses, or why it is not known.
fn leads(leads: &Leads) -> String {
    match leads {
        Leads::New => "new".to_owned(),
        Leads::Nowhere => "nowhere".to_owned(),
        Leads::Elsewhere(addresses) => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            shown.join(" ")
        }
        Leads::Unknown(why) => format!("unknown: {why}"),
    }
}

fn servers(name: &NameStanding) -> String {
    let all = name.servers.len();
    let new = name.servers.values().filter(|leads| **leads == Leads::New);
    format!("{} of {all}", new.count())
}

fn resolvers(name: &NameStanding, now: u64) -> String {
    let shown = name.resolvers.iter().map(|(resolver, said)| {
        let what = match &said.leads {
            Leads::New => "new".to_owned(),
            Leads::Unknown(_) => "silent".to_owned(),
            Leads::Elsewhere(_) | Leads::Nowhere => {
                format!("old, {} s", said.until.saturating_sub(now))
            }
        };
        format!("{resolver} {what}")
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn resolver_says(goal: &Goal, said: &ResolverStanding) -> String {
    match &said.leads {
        Leads::New => format!("leads to {}", goal.production),
        Leads::Unknown(why) => Foreign(why).to_string(),
        old => format!(
            "gives {}, which it may keep until {}",
            leads(old),
            clock(said.until)
        ),
    }
}

fn in_short(one: &EndpointStanding) -> String {
    match (&one.answer, fault(&one.answer)) {
        (Err(_), _) => format!("{} fails", one.protocol),
        (Ok(Answered::Https { status, .. }), _) => format!("{} {status}", one.protocol),
        (Ok(_), None) => format!("{} ok", one.protocol),
        (Ok(_), Some(_)) => format!("{} fails", one.protocol),
    }
}

fn phase(goal: &Goal, phase: Phase, now: u64) -> String {
    let text = phase_by_clock(goal, phase);
    match phase {
        Phase::RunningOut { until } | Phase::Unwell { until } if until > now => {
            format!("{text} ({} s more)", until - now)
        }
        _ => text,
    }
}

fn phase_by_clock(goal: &Goal, phase: Phase) -> String {
    match phase {
        Phase::Moving => format!(
            "The name servers do not all lead to {} yet: leave the other side as it is.",
            goal.production
        ),
        Phase::RunningOut { until } => format!(
            "Some may be led to the old addresses until {}: leave the other side as it is.",
            clock(until)
        ),
        Phase::Unwell { until } => format!(
            "Something is wrong; it is looked at again until {}.",
            clock(until)
        ),
        Phase::Over { since } => format!(
            "Every DNS answer that led production's names elsewhere has run out at {}.",
            clock(since)
        ),
        Phase::Wrong => "It is given up.".to_owned(),
    }
}

/// The last sentence of a cutover that is over.
pub(crate) fn over(goal: &Goal, standing: &Standing, since: u64) -> String {
    let mut old: Vec<String> = goal
        .names
        .values()
        .flat_map(|name| name.old.values())
        .map(|side| format!("`{side}`"))
        .collect();
    old.sort();
    old.dedup();
    let sides = if old.is_empty() {
        "The other side".to_owned()
    } else {
        old.join(" and ")
    };
    let silent: Vec<&str> = standing
        .names
        .iter()
        .flat_map(|name| &name.resolvers)
        .filter(|(_, said)| matches!(said.leads, Leads::Unknown(_)))
        .map(|(resolver, _)| resolver.as_str())
        .collect();
    let mut text = format!(
        "{sides} may be touched since {}: every DNS answer that led production's names of {} \
         there has run out, and `{}` answers.",
        clock(since),
        goal.environment,
        goal.production
    );
    if let Some(first) = silent.first() {
        text = format!("{text} Resolver {first} did not answer: what it says is not known.");
    }
    text
}
