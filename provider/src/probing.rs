//! Rule `https-ready` at work: probes before and after, whose results are diagnostics alone and
//! never planned values.

use gigadb_clients::probe::{ProbeError, https_ready};
use gigadb_engine::{
    message::{Message, sentence},
    plan::Plan,
    readiness::probes,
    rules::{Finding, Rule, https_ready::Moment},
};
use tfplug::{AttributePath, CancellationToken, Diagnostic, Diagnostics};

use crate::{config::Assignment, diagnostics, session::Ready};

/// Everything that the rule says of a plan.
async fn findings(
    ready: &Ready,
    wanted: &Assignment,
    plan: &Plan,
    moment: Moment,
    cancel: &CancellationToken,
) -> Result<Vec<Finding>, Diagnostic> {
    let check = wanted.https_check(ready.https_mode);
    https_ready(&ready.topology, plan, &check, moment, cancel)
        .await
        .map_err(|error| impossible(wanted, &error))
}

/// Probes for a plan: its warnings, or the errors that stop it.
pub(crate) async fn plan(
    ready: &Ready,
    wanted: &Assignment,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Result<Diagnostics, Diagnostics> {
    let warnings = judged(ready, wanted, plan, cancel).await?;
    ready.probed.remember(
        &wanted.environment,
        probes(&ready.topology, plan),
        wanted.https_check(ready.https_mode),
    );
    Ok(warnings)
}

/// Whether the plan of this walk has just made the probes that `plan` calls for.
pub(crate) fn probed_in_this_walk(ready: &Ready, wanted: &Assignment, plan: &Plan) -> bool {
    let now = (
        probes(&ready.topology, plan),
        wanted.https_check(ready.https_mode),
    );
    ready.probed.take(&wanted.environment) == Some(now)
}

async fn judged(
    ready: &Ready,
    wanted: &Assignment,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Result<Diagnostics, Diagnostics> {
    let found = findings(ready, wanted, plan, Moment::BeforeWriting, cancel).await?;
    let environment = wanted.environment.as_str();
    let blocked = found.iter().any(Finding::blocks);
    let told = diagnostics::findings(environment, &found);
    if blocked { Err(told) } else { Ok(told) }
}

/// What the probes after the last write found: warnings alone.
pub(crate) fn afterwards(
    wanted: &Assignment,
    probed: &Result<Vec<Finding>, ProbeError>,
) -> Diagnostics {
    let environment = &wanted.environment;
    match probed {
        Ok(found) => diagnostics::findings_afterwards(environment.as_str(), found),
        // It was usable a moment ago, before the first write.
        Err(error) => {
            let told = Message {
                changed: "What was written stays as it is.".to_owned(),
                ..why_impossible(wanted, error).2
            };
            let rule = Rule::HttpsReady;
            let summary = format!("{environment} {rule} afterwards: no probe could be made");
            Diagnostic::warning(summary, told.to_string()).into()
        }
    }
}

/// No probe can be made.
pub(crate) fn impossible(wanted: &Assignment, error: &ProbeError) -> Diagnostic {
    let (path, summary, message) = why_impossible(wanted, error);
    let environment = &wanted.environment;
    let summary = format!("{environment} {}: {summary}", Rule::HttpsReady);
    diagnostics::error_at(path, summary, &message)
}

/// At which attribute, in some words, and in full.
fn why_impossible(wanted: &Assignment, error: &ProbeError) -> (AttributePath, String, Message) {
    let environment = &wanted.environment;
    let (path, summary, next) = match error {
        ProbeError::CaFile { file, .. } => (
            AttributePath::attribute("https_check").then("ca_file"),
            format!("`https_check.ca_file` cannot be used: {file}"),
            "Name a PEM file with the certificates of authorities, relative to where Terraform runs, or remove the line.",
        ),
        ProbeError::Roots(_) => (
            AttributePath::attribute("https_check"),
            "the system's trusted certificates cannot be used".to_owned(),
            "Install the system's certificates, or set `https_check.mode` to `off`.",
        ),
    };
    let message = Message::nothing_changed(
        sentence(&error.to_string()),
        format!("rule `{}` of environment `{environment}`", Rule::HttpsReady),
        next,
    );
    (path, summary, message)
}
