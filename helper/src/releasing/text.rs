//! A release in words, as JSON and as Markdown.

use gigadb_engine::{
    foreign::Foreign,
    message::Message,
    name::EnvironmentName,
    release::{
        Back, Block, Deploying, EndedAs, Entry, Facts, Kind, Mark, Next, Override, Record, State,
        Step, Work, turned_on,
    },
};
use serde_json::{Value, json};

use crate::{dumps, exit::Exit, failure::Failure, review::escape};

/// What stands in the way, as a failure.
pub(crate) fn blocked(block: Block) -> Failure {
    let Message {
        what,
        object,
        changed,
        next,
    } = block.message;
    let what = match block.interlock {
        Some(interlock) => format!("[{interlock}] {what}"),
        None => what,
    };
    Failure::with(
        Exit::Failed,
        Message {
            what,
            object,
            changed,
            next,
        },
    )
}

/// Everything that stands in the way of a step, as one failure.
pub(crate) fn all_blocked(mut blocks: Vec<Block>) -> Option<Failure> {
    let rest = blocks.split_off(blocks.len().min(1));
    let mut failure = blocked(blocks.pop()?);
    for block in rest {
        let more = blocked(block).message;
        failure.message.what = format!("{}\n{}", failure.message.what, more.what);
        failure.message.next = format!("{}\n{}", failure.message.next, more.next);
    }
    Some(failure)
}

/// A release is under way already.
pub(crate) fn under_way(record: &Record) -> Failure {
    Failure::refused(
        format!(
            "Release `{}` is under way in `{}`, begun by `{}` at {}: one at a time.",
            record.release, record.environment, record.started.by, record.started.at
        ),
        record.whole(),
        format!(
            "Finish it with {}, or give it up with {}.",
            record.command("finish"),
            record.command("abandon")
        ),
    )
}

/// Steps are open.
pub(crate) fn not_finished(record: &Record, left: &[Step]) -> Failure {
    let words: Vec<String> = left.iter().map(|step| format!("`{step}`")).collect();
    Failure::refused(
        format!("The release is not finished: {} open.", words.join(", ")),
        record.whole(),
        format!(
            "Run {}, or give the release up with {}.",
            record.command("next"),
            record.command("abandon")
        ),
    )
}

/// Which release it is, at the beginning of what others are told.
pub(crate) fn whole(record: &Record) -> String {
    format!("Release {} of {}", record.release, record.environment)
}

/// What to do where a step did not end as it should.
pub(crate) fn after_failure(record: &Record) -> String {
    let traded = record.back.is_none() && record.steps.contains_key(&Kind::Swap.into());
    let way_out = if traded {
        "go back"
    } else {
        "give the release up"
    };
    let command = if traded { "back" } else { "abandon" };
    format!(
        "Remove the cause and run {} again, or {way_out} with {}.",
        record.command("next"),
        record.command(command)
    )
}

/// What to do where the end of a step that is done could not be noted.
pub(crate) fn after_no_note(record: &Record, step: &Step) -> String {
    let next = record.command("next");
    if step.kind.command().is_none() {
        return format!("Once GitLab answers, run {next}: facts show what was done.");
    }
    let key = match (&record.key, step.kind) {
        (Some(key), Kind::Backup) => format!(" --key {key}"),
        _ => String::new(),
    };
    format!(
        "Once GitLab answers, note it with {}: {next} would run the command again.",
        record.command(&format!("confirm {step} --by WHO{key}"))
    )
}

/// A release began.
pub(crate) fn started(record: &Record) -> String {
    format!(
        "Release `{}` of `{}` has begun ({}): production is `{}`, hot standby is `{}`. {}",
        Foreign(&record.release),
        record.environment,
        record.process.as_str(),
        record.production,
        record.hot_standby,
        then(record)
    )
}

/// What comes next, as a sentence.
pub(crate) fn then(record: &Record) -> String {
    match record.left().first() {
        None => format!("Every step is done: run {}.", record.command("finish")),
        Some(step) => format!("Next is `{step}`: {}.", step.kind.title()),
    }
}

/// What a person has to do.
pub(crate) fn persons(record: &Record, step: &Step) -> String {
    let how = match step.kind {
        Kind::Table => format!(
            "Run `gigadb-roles status -e {} --write FILE` on the document that holds it. Then confirm it",
            record.environment
        ),
        _ => "Then confirm it".to_owned(),
    };
    format!(
        "`{step}`: {}. {how}: {}.",
        step.kind.title(),
        record.command(&format!("confirm {step} --by WHO"))
    )
}

/// A release takes the way back, or does `already`.
pub(crate) fn goes_back(record: &Record, already: bool) -> String {
    let reason = record.back.as_ref().and_then(|back| back.reason.as_ref());
    let how = if already {
        "is on the way back already"
    } else {
        "goes back"
    };
    let mut said = vec![
        format!(
            "Release `{}` {how}{}.",
            Foreign(&record.release),
            because(reason)
        ),
        then(record),
    ];
    said.extend(turned_on(record));
    said.join(" ")
}

/// The end of a release.
pub(crate) fn ended(record: &Record) -> String {
    let Some(end) = &record.ended else {
        return String::new();
    };
    let word = match end.how {
        EndedAs::Finished => "finished",
        EndedAs::Abandoned => "abandoned",
    };
    let mut text = format!(
        "Release `{}` is {word}{}.",
        Foreign(&record.release),
        because(end.reason.as_ref())
    );
    if end.open.is_empty() {
        text.push_str(" Nothing of it is open.");
    } else {
        text.push_str(" Open:");
        for one in &end.open {
            text.push_str("\n  ");
            text.push_str(one);
        }
    }
    text
}

fn next_words(record: &Record, next: &Next) -> Vec<String> {
    match next {
        Next::Over => vec![ended(record)],
        Next::Finish => vec![then(record)],
        Next::Seen { step, evidence } => vec![format!(
            "Next: `{step}` is done already, as facts show ({}); {} records it.",
            evidence.join("; "),
            record.command("next")
        )],
        Next::Person(step) => vec![format!("Next: {}", persons(record, step))],
        Next::Blocked { step, blocks } => {
            let mut lines = vec![format!("Next: `{step}`: {}.", step.kind.title())];
            for block in blocks {
                let name = block.interlock.map_or("", |one| one.as_str());
                lines.push(format!(
                    "In the way [{name}]: {} {}",
                    block.message.what, block.message.next
                ));
            }
            lines
        }
        Next::Do { step, work } => {
            let detail = match work {
                Work::Deploy(Deploying::Play(job)) => {
                    format!(" Job `{}` is played first.", job.name)
                }
                Work::Deploy(Deploying::Retry(job)) => {
                    format!(" Job `{}` is started once more.", job.name)
                }
                Work::Deploy(Deploying::Follow(job)) => {
                    format!(" Job `{}` is {}.", job.name, job.word)
                }
                Work::Deploy(Deploying::Failed(job)) => format!(
                    " Job `{}` is {}: retry what failed before it in GitLab first.",
                    job.name, job.word
                ),
                _ => String::new(),
            };
            vec![format!(
                "Next: `{step}`: {}.{detail} Run {}.",
                step.kind.title(),
                record.command("next")
            )]
        }
    }
}

/// Since when, by whom and why a release is on the way back, and what was overridden for that.
fn way_back(back: &Back) -> Vec<String> {
    let Mark { at, by } = &back.mark;
    let line = format!("On the way back since {at}, by {}", Foreign(by));
    let line = format!("{line}{}.", because(back.reason.as_ref()));
    let overrides = back.overrides.iter().map(overridden);
    let overrides = overrides.map(|clause| Foreign(&clause).to_string());
    [line].into_iter().chain(overrides).collect()
}

fn rows(record: &Record) -> Vec<[String; 4]> {
    record
        .all_steps()
        .iter()
        .map(|step| {
            let entry = record.steps.get(step);
            let state = entry.map_or("open", |entry| entry.state.as_str());
            let (at, by) = entry.map_or_else(Default::default, |entry| {
                (entry.mark.at.clone(), Foreign(&entry.mark.by).to_string())
            });
            [state.to_owned(), step.to_string(), at, by]
        })
        .collect()
}

fn overridden(one: &Override) -> String {
    let Override { interlock, reason } = one;
    format!("`{interlock}` overridden: {reason}")
}

/// A reason behind what it is for.
fn because(reason: Option<&String>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({})", Foreign(reason)))
}

/// What shows that a step is as it is, and what people said of it: a clause each.
fn shown(entry: &Entry) -> impl Iterator<Item = String> {
    let note = entry.note.iter().map(|note| format!("note: {note}"));
    let overrides = entry.overrides.iter().map(overridden);
    entry.evidence.iter().cloned().chain(note).chain(overrides)
}

/// The release, for people.
pub(crate) fn status(
    record: &Record,
    facts: &Facts,
    next: &Next,
    newest: Option<&dumps::Known>,
) -> String {
    let mut lines = vec![format!(
        "Release {} of {} ({}), begun by {} at {}",
        Foreign(&record.release),
        record.environment,
        record.process.as_str(),
        Foreign(&record.started.by),
        record.started.at
    )];
    lines.push(match &facts.roles {
        Ok(roles) => format!(
            "Production is {}, hot standby is {}.",
            roles.production, roles.hot_standby
        ),
        Err(why) => format!("It is not clear who has which role: {why}."),
    });
    if let Some(back) = &record.back {
        lines.extend(way_back(back));
        lines.extend(turned_on(record));
    }
    lines.push(String::new());
    for (step, [state, word, at, by]) in record.all_steps().iter().zip(rows(record)) {
        let line = format!("  {state:<9}  {word:<20}  {at:<20}  {by}");
        lines.push(line.trim_end().to_owned());
        let clauses = record.steps.get(step).into_iter().flat_map(shown);
        lines.extend(clauses.map(|clause| format!("             {}", Foreign(&clause))));
    }
    lines.push(String::new());
    lines.extend(next_words(record, next));
    lines.extend(newest.map(dumps::sentence));
    lines.join("\n")
}

/// The release, for documents.
pub(crate) fn markdown(record: &Record, next: &Next) -> String {
    let mut lines = Vec::new();
    if let Some(back) = &record.back {
        let said = way_back(back);
        lines.extend(said.iter().map(|line| escape::code(line)));
        lines.push(String::new());
    }
    lines.extend([
        "| step | state | when | who | what shows it |".to_owned(),
        "| --- | --- | --- | --- | --- |".to_owned(),
    ]);
    for (step, [state, word, at, by]) in record.all_steps().iter().zip(rows(record)) {
        let by = if by.is_empty() { by } else { escape::name(&by) };
        let clauses = record.steps.get(step).into_iter().flat_map(shown);
        let clauses: Vec<String> = clauses.map(|clause| escape::code(&clause)).collect();
        let [by, clauses] = [by, clauses.join("<br>")].map(|text| escape::cell(&text));
        lines.push(format!("| `{word}` | {state} | {at} | {by} | {clauses} |"));
    }
    lines.push(String::new());
    lines.extend(next_words(record, next));
    lines.join("\n")
}

/// The release, for programs.
pub(crate) fn json(
    record: &Record,
    facts: &Facts,
    next: &Next,
    newest: Option<&dumps::Known>,
) -> String {
    let (word, step, blocks): (_, Option<&Step>, &[Block]) = match next {
        Next::Over => ("over", None, &[]),
        Next::Finish => ("finish", None, &[]),
        Next::Seen { step, .. } => ("seen", Some(step), &[]),
        Next::Person(step) => ("person", Some(step), &[]),
        Next::Blocked { step, blocks } => ("blocked", Some(step), blocks),
        Next::Do { step, .. } => ("do", Some(step), &[]),
    };
    let blocks: Vec<Value> = blocks
        .iter()
        .map(|block| {
            json!({
                "interlock": block.interlock.map(|one| one.as_str()),
                "message": block.message,
            })
        })
        .collect();
    let steps: Vec<Value> = record
        .all_steps()
        .iter()
        .map(|step| json!({ "step": step, "entry": record.steps.get(step) }))
        .collect();
    let document = json!({
        "format_version": 1,
        "environment": record.environment,
        "release": record.release,
        "process": record.process,
        "started": record.started,
        "reason": record.reason,
        "branch": if record.back.is_some() { "B" } else { "A" },
        "back": record.back,
        "roles": match &facts.roles {
            Ok(roles) => json!({ "production": roles.production, "hot_standby": roles.hot_standby }),
            Err(why) => json!({ "unclear": why }),
        },
        "steps": steps,
        "next": { "what": word, "step": step, "blocks": blocks, "text": next_words(record, next) },
        "ended": record.ended,
        "newest_dump": newest.map(|known| match known {
            Ok(newest) => json!(newest),
            Err(why) => json!({ "unknown": why }),
        }),
    });
    format!("{document:#}")
}

/// The same where there is none.
pub(crate) fn no_release_json(environment: &EnvironmentName) -> String {
    let document = json!({ "format_version": 1, "environment": environment, "release": null });
    format!("{document:#}")
}

/// What is said of a step whose end was recorded.
pub(crate) fn done(record: &Record, step: &Step) -> String {
    let entry = record.steps.get(step);
    let word = match entry.map(|entry| entry.state) {
        Some(State::Seen) => "was done already, as facts show",
        Some(State::LeftOut) => "is left out",
        _ => "is done",
    };
    // What is left out has no evidence, but a reason.
    let evidence = entry.map(|entry| match (entry.state, &entry.note) {
        (State::LeftOut, Some(reason)) => Foreign(reason).to_string(),
        _ => entry.evidence.join("; "),
    });
    let evidence = evidence.filter(|text| !text.is_empty());
    let evidence = evidence
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    let mut said = vec![format!("Step `{step}` {word}{evidence}."), then(record)];
    if step.kind == Kind::SwapBack {
        said.extend(turned_on(record));
    }
    said.join(" ")
}
