//! From the engine's messages to Terraform's diagnostics.
//!
//! Core folds warnings of one summary into one, across resources: so every summary begins with
//! environment and rule, and there is one diagnostic a rule, complete in its detail.

use std::collections::BTreeMap;

use gigadb_engine::{
    advice::{self, Asked},
    message::{Message, sentence},
    observation::{Observation, Part, ProjectError},
    plan::{Notice, Owed},
    rules::{Finding, Rule},
    topology::Topology,
    world::Failure,
};
use tfplug::{AttributePath, Diagnostic, Diagnostics};

/// The longest text that is taken for a summary.
const SUMMARY_AT_MOST: usize = 120;

/// What to do where records could not be read.
pub(crate) fn unread_next(failure: &Failure) -> String {
    format!("{} Then plan again.", advice::next(Asked::Records, failure))
}

/// An error with its four parts.
pub(crate) fn error(summary: impl Into<String>, message: &Message) -> Diagnostic {
    Diagnostic::error(summary, message.to_string())
}

/// An error about one configured attribute.
pub(crate) fn error_at(
    path: impl Into<AttributePath>,
    summary: impl Into<String>,
    message: &Message,
) -> Diagnostic {
    error(summary, message).at(path)
}

/// One diagnostic for each rule and weight.
pub(crate) fn findings<'a>(
    environment: &str,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Diagnostics {
    findings_when(environment, "", findings)
}

/// The same of what was found after the last write. Core folds warnings with one summary into the first of them,
/// which would be that of the plan before.
pub(crate) fn findings_afterwards(environment: &str, findings: &[Finding]) -> Diagnostics {
    findings_when(environment, " afterwards", findings)
}

fn findings_when<'a>(
    environment: &str,
    when: &str,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> Diagnostics {
    let mut groups: BTreeMap<(Rule, bool, bool), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups
            .entry((finding.rule, finding.blocks(), finding.waived))
            .or_default()
            .push(finding);
    }
    groups
        .into_iter()
        .map(|((rule, blocks, waived), findings)| {
            let detail = findings
                .iter()
                .map(|finding| finding.message.to_string())
                .collect::<Vec<_>>()
                .join("\n\n");
            let waived = if waived { " (waived)" } else { "" };
            let summary = format!(
                "{environment} {rule}{when}{waived}: {}",
                headline(&findings)
            );
            let diagnostic = if blocks {
                Diagnostic::error(summary, detail)
            } else {
                Diagnostic::warning(summary, detail)
            };
            match rule {
                Rule::ExternalSwap => diagnostic.at("production"),
                _ => diagnostic,
            }
        })
        .collect()
}

fn headline(findings: &[&Finding]) -> String {
    match findings {
        [only] => summary_of(&only.message.what),
        several => format!("{} findings", several.len()),
    }
}

/// A sentence as a summary: without its full stop, and cut where it is long.
pub(crate) fn summary_of(sentence: &str) -> String {
    let line = sentence.lines().next().unwrap_or_default();
    let line = line.trim_end_matches('.');
    if line.chars().count() <= SUMMARY_AT_MOST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SUMMARY_AT_MOST - 1).collect();
    // Never within a code span.
    let cut = match cut.rfind('`') {
        Some(open) if cut.matches('`').count() % 2 == 1 => cut[..open].trim_end(),
        _ => cut.as_str(),
    };
    format!("{cut}…")
}

/// A warning for each notice.
pub(crate) fn notices(environment: &str, notices: &[Notice]) -> Diagnostics {
    notices
        .iter()
        .map(|notice| {
            Diagnostic::warning(
                format!(
                    "{environment} {}: {}",
                    notice.topic,
                    summary_of(first_sentence(&notice.text))
                ),
                notice.text.clone(),
            )
        })
        .collect()
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}

/// The warning about what a plan leaves undone.
pub(crate) fn owed(environment: &str, owed: &[Owed]) -> Option<Diagnostic> {
    if owed.is_empty() {
        return None;
    }
    let list: Vec<String> = owed
        .iter()
        .map(|item| match &item.wanted {
            Some(wanted) => format!("  {}: should be `{wanted}`; {}", item.object, item.reason),
            None => format!("  {}: {}", item.object, item.reason),
        })
        .collect();
    Some(Diagnostic::warning(
        format!("{environment} owed: {} left as it is", items(owed.len())),
        format!(
            "These are out of reach or waived, and keep what they have:\n{}\n\nThey appear as drift once they can be read, and the next apply writes them.",
            list.join("\n")
        ),
    ))
}

/// The warning about what is due afterwards; `due` is in the order of urgency.
pub(crate) fn due(environment: &str, due: &[String]) -> Option<Diagnostic> {
    if due.is_empty() {
        return None;
    }
    let list: Vec<String> = due
        .iter()
        .enumerate()
        .map(|(index, item)| format!("  {}. {item}", index + 1))
        .collect();
    Some(Diagnostic::warning(
        format!("{environment} afterwards: {} due", items(due.len())),
        format!("No record and no variable does these:\n{}", list.join("\n")),
    ))
}

/// "1 item", "2 items".
pub(crate) fn items(count: usize) -> String {
    if count == 1 {
        "1 item".to_owned()
    } else {
        format!("{count} items")
    }
}

/// The one warning about what could not be read.
pub(crate) fn unread(
    topology: &Topology,
    observation: &Observation,
    then: &str,
) -> Option<Diagnostic> {
    let failures = observation.failures();
    if failures.is_empty() {
        return None;
    }
    let list: Vec<String> = failures
        .iter()
        .map(|(part, failure)| format!("  {}: {failure}", part_name(topology, part)))
        .collect();
    let count = match list.len() {
        1 => "1 part".to_owned(),
        several => format!("{several} parts"),
    };
    Some(Diagnostic::warning(
        format!(
            "{} refresh: {count} of the environment could not be read",
            observation.environment
        ),
        format!("{}\n\n{then}", list.join("\n")),
    ))
}

fn part_name(topology: &Topology, part: &Part) -> String {
    let side = |name| topology.infrastructures.get(name);
    match part {
        Part::Zone(zone) => format!("records of zone `{zone}`"),
        Part::Region(name) => match side(name) {
            Some(side) => format!(
                "Elastic IPs and instances of `{name}` (profile `{}`, region {})",
                side.aws.profile, side.aws.region
            ),
            None => format!("`{name}`"),
        },
        Part::Variables(name) => match side(name) {
            Some(side) => format!(
                "variables of `{name}` (GitLab project `{}`)",
                side.gitlab_project
            ),
            None => format!("`{name}`"),
        },
    }
}

/// Why an environment could not be observed.
pub(crate) fn unobservable(environment: &str, error: &ProjectError) -> Diagnostic {
    match error {
        ProjectError::UnknownEnvironment { nearest, .. } => {
            let next = match nearest {
                Some(nearest) => format!(
                    "Write `{nearest}` if that is meant, or add the environment to the topology."
                ),
                None => "Name an environment of the topology, or add this one to it.".to_owned(),
            };
            error_at(
                "environment",
                format!("{environment}: no such environment in the topology"),
                &Message::nothing_changed(
                    sentence(&error.to_string()),
                    format!("environment `{environment}`"),
                    next,
                ),
            )
        }
        ProjectError::Records { object, failure } => self::error(
            format!("{environment}: Cloudflare could not be read"),
            &Message::nothing_changed(
                sentence(&error.to_string()),
                format!("{object}, environment `{environment}`"),
                unread_next(failure),
            ),
        ),
    }
}

/// The environment of a state is not in the topology any more, and nothing is read of it.
pub(crate) fn gone(environment: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("{environment} refresh: the environment is not in the topology any more"),
        format!(
            "The topology has no environment `{environment}`. The state keeps what it has. \
             A plan that forgets the environment is fine; nothing else can be planned for it."
        ),
    )
}

/// The same where a plan keeps the environment.
pub(crate) fn gone_and_kept(environment: &str) -> Diagnostic {
    error_at(
        "environment",
        format!("{environment}: the environment is not in the topology any more"),
        &Message::nothing_changed(
            format!(
                "The topology has no environment `{environment}`, and the configuration still has it."
            ),
            format!("environment `{environment}`"),
            "To forget it, take the resource out of the configuration; a `removed` block (`removed { from = gigadb_role_assignment.NAME }`, with `lifecycle { destroy = false }`) or `terraform state rm` says so in so many words. To keep it, put the environment back into the topology; one that was renamed is forgotten under its old name and adopted under its new one.",
        ),
    )
}

/// Another resource of this configuration has the environment too.
pub(crate) fn planned_twice(environment: &str) -> Diagnostic {
    error_at(
        "environment",
        format!("{environment}: two resources are for this environment"),
        &Message::nothing_changed(
            format!(
                "Another `gigadb_role_assignment` of this configuration is for `{environment}` too, and each environment has one production."
            ),
            format!("environment `{environment}`"),
            "Take one of the two out of the configuration; where the state has both, a `removed` block forgets one without changing anything.",
        ),
    )
}

/// Where this machine could keep no journal, an apply would be refused: a warning, because the
/// apply may run elsewhere. `why` is a clause.
pub(crate) fn no_journal(environment: &str, why: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("{environment} journal: a run on this machine could keep none"),
        Message::nothing_changed(
            format!("On this machine a run could keep no journal: {why}."),
            format!("environment `{environment}`"),
            "Before the apply, name a folder that can be written in `GIGADB_JOURNAL_DIR`: a switchover without a journal is refused before its first write.",
        )
        .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_not_cut_within_a_code_span() {
        let before = "a".repeat(SUMMARY_AT_MOST - 5);
        let cut = summary_of(&format!("{before} `HOME` is not set."));
        assert_eq!(cut, format!("{before}…"));
        let cut = summary_of(&format!("`a` {before} {before}"));
        assert_eq!(cut.chars().count(), SUMMARY_AT_MOST);
    }
}
