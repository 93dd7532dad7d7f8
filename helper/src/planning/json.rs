//! A plan for programs.

use gigadb_engine::{
    changes::{Boundary, Step, Target, Transaction},
    plan::Plan,
};
use serde::Serialize;

/// The version of this format. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// A plan, as it is rendered.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    format_version: u32,
    environment: &'a str,
    production: &'a str,
    hot_standby: &'a str,
    mode: &'a str,
    reason: Option<&'a str>,
    observed_status: &'a str,
    desired_status: &'a str,
    changes_pending: bool,
    refused: bool,
    stages: Vec<Vec<Request<'a>>>,
    findings: Vec<Finding<'a>>,
    owed: Vec<Owed<'a>>,
    notices: Vec<&'a str>,
}

/// One request: all of it is carried out, or nothing.
#[derive(Serialize)]
struct Request<'a> {
    zone: Option<&'a str>,
    steps: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    object: String,
    hostname: Option<&'a str>,
    infrastructure: Option<&'a str>,
    variable: Option<&'a str>,
    from: Option<&'a str>,
    to: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    severity: gigadb_engine::rules::Severity,
    waived: bool,
    #[serde(flatten)]
    message: &'a gigadb_engine::message::Message,
}

#[derive(Serialize)]
struct Owed<'a> {
    object: String,
    wanted: Option<&'a str>,
    reason: &'a str,
}

/// Renders one document, `format_version` first.
pub(crate) fn render(plan: &Plan, reason: Option<&str>) -> String {
    // Strings, numbers and string-keyed maps only: this cannot fail.
    serde_json::to_string_pretty(&document(plan, reason)).unwrap_or_default()
}

/// The document that [`render`] renders.
pub(crate) fn document<'a>(plan: &'a Plan, reason: Option<&'a str>) -> Document<'a> {
    let pair = &plan.intent.arrangement;
    Document {
        format_version: FORMAT_VERSION,
        environment: plan.intent.environment.as_str(),
        production: pair.production.as_str(),
        hot_standby: pair.hot_standby.as_str(),
        mode: plan.intent.mode.as_str(),
        reason,
        observed_status: plan.observed.status.as_str(),
        desired_status: plan.desired.status.as_str(),
        changes_pending: !plan.is_empty(),
        refused: plan.blocking().next().is_some(),
        stages: plan
            .changes
            .stages
            .iter()
            .map(|stage| stage.iter().map(request).collect())
            .collect(),
        findings: plan
            .findings
            .iter()
            .map(|finding| Finding {
                rule: finding.rule.as_str(),
                severity: finding.severity,
                waived: finding.waived,
                message: &finding.message,
            })
            .collect(),
        owed: plan
            .owed
            .iter()
            .map(|owed| Owed {
                object: owed.object.to_string(),
                wanted: owed.wanted.as_deref(),
                reason: &owed.reason,
            })
            .collect(),
        notices: plan
            .notices
            .iter()
            .map(|notice| notice.text.as_str())
            .collect(),
    }
}

fn request(transaction: &Transaction) -> Request<'_> {
    Request {
        zone: match &transaction.boundary {
            Boundary::ZoneBatch { zone, .. } => Some(zone.name.as_str()),
            Boundary::Variable => None,
        },
        steps: transaction.steps.iter().map(change).collect(),
    }
}

fn change(step: &Step) -> Change<'_> {
    let (hostname, infrastructure, variable) = match &step.target {
        Target::Record { hostname, .. } => (Some(hostname.as_str()), None, None),
        Target::Variable {
            infrastructure,
            key,
            ..
        } => (None, Some(infrastructure.as_str()), Some(key.as_str())),
    };
    Change {
        object: step.target.to_string(),
        hostname,
        infrastructure,
        variable,
        from: step.from.as_deref(),
        to: &step.to,
        reason: &step.reason,
    }
}
