//! Preflight: what there is to say about an arrangement before anybody plans it.
//!
//! The rules judge as they do in a plan. Beside them stand hints that are no reason to stop a
//! plan: they are given here alone, and nobody can waive them.

use std::collections::BTreeMap;

use crate::{
    changes::Target,
    message::Message,
    name::InfrastructureName,
    object::Object,
    plan::Plan,
    rules::{Finding, Severity},
    topology::Topology,
    world::{Pipeline, Reading, Record},
};

/// The longest TTL, in seconds, with which resolvers forget the old addresses soon.
const LONGEST_TTL: u32 = 300;

/// What preflight found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The rule's name; `ttl`, `proxied` or `pipelines` for a hint; a notice's topic.
    pub topic: &'static str,
    /// Its weight.
    pub severity: Severity,
    /// The message; its `object` names what the remark is about.
    pub message: Message,
    /// Whether `overrides` names the rule.
    pub waived: bool,
}

impl Remark {
    /// Whether this remark stops a plan.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Error && !self.waived
    }

    fn hint(topic: &'static str, message: Message) -> Self {
        Self {
            topic,
            severity: Severity::Warning,
            message,
            waived: false,
        }
    }
}

impl From<&Finding> for Remark {
    fn from(finding: &Finding) -> Self {
        Self {
            topic: finding.rule.as_str(),
            severity: finding.severity,
            message: finding.message.clone(),
            waived: finding.waived,
        }
    }
}

/// Pipelines that run or wait, by infrastructure.
pub type Pipelines = BTreeMap<InfrastructureName, Reading<Vec<Pipeline>>>;

/// Everything there is to say about carrying out `plan`: what the rules found, in their order,
/// then the hints. A plan without changes gets no hint.
pub fn preflight(topology: &Topology, plan: &Plan, pipelines: &Pipelines) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = plan.findings.iter().map(Remark::from).collect();
    if plan.is_empty() {
        return remarks;
    }
    remarks.extend(records(topology, plan));
    let sides = plan.intent.arrangement.iter();
    remarks.extend(sides.filter_map(|(_, side)| active(topology, side, pipelines.get(side)?)));
    let notices = plan.notices.iter().filter(|notice| notice.topic == "mode");
    remarks.extend(notices.map(|notice| {
        let object = format!("environment `{}`", plan.intent.environment);
        let next =
            "Use `switchover` while both sides can be reached; in a failover, weigh what it loses.";
        Remark::hint(
            notice.topic,
            Message::nothing_changed(&notice.text, object, next),
        )
    }));
    remarks
}

fn records(topology: &Topology, plan: &Plan) -> impl Iterator<Item = Remark> {
    plan.changes
        .steps()
        .filter_map(move |step| {
            let Target::Record { hostname, .. } = &step.target else {
                return None;
            };
            let record = plan.observation.names.get(hostname)?.single_a()?;
            let endpoint = &plan.desired.hostnames.get(hostname)?.endpoint;
            let hidden = topology.must_not_be_proxied(endpoint);
            Some([slow(record), proxied(record, endpoint.as_str(), hidden)])
        })
        .flatten()
        .flatten()
}

fn object(record: &Record) -> String {
    format!("{} (id {})", Object::Name(record.name.clone()), record.id)
}

fn slow(record: &Record) -> Option<Remark> {
    (record.ttl > LONGEST_TTL).then(|| {
        Remark::hint(
            "ttl",
            Message::nothing_changed(
                format!(
                    "`{}` has a TTL of {} s: for that long after the swap, resolvers may use the old address.",
                    record.name, record.ttl
                ),
                object(record),
                format!("Lower the TTL to {LONGEST_TTL} s or less, and swap once the present one has passed."),
            ),
        )
    })
}

fn proxied(record: &Record, endpoint: &str, must_not: bool) -> Option<Remark> {
    (record.proxied && must_not).then(|| {
        Remark::hint(
            "proxied",
            Message::nothing_changed(
                format!(
                    "`{}` is proxied by Cloudflare, which passes only HTTP: the other protocols of the {endpoint} endpoint cannot be reached under this name.",
                    record.name
                ),
                object(record),
                "Switch the record to \"DNS only\" in the Cloudflare dashboard.",
            ),
        )
    })
}

fn active(
    topology: &Topology,
    side: &InfrastructureName,
    pipelines: &Reading<Vec<Pipeline>>,
) -> Option<Remark> {
    let project = topology.infrastructures.get(side)?.gitlab_project.as_str();
    let object = format!("GitLab project `{project}`");
    let message = match pipelines {
        Reading::Failed { failure, .. } => Message::nothing_changed(
            format!("Whether a pipeline of `{side}` runs could not be read: {failure}."),
            object,
            "Look into the project's pipelines before you apply.",
        ),
        Reading::Read(active) if active.is_empty() => return None,
        Reading::Read(active) => {
            let list: Vec<String> = active
                .iter()
                .map(|one| format!("{} of `{}` ({})", one.id, one.reference, one.status))
                .collect();
            let what = match list.len() {
                1 => "A pipeline runs or waits".to_owned(),
                several => format!("{several} pipelines run or wait"),
            };
            Message::nothing_changed(
                format!(
                    "{what} in the project of `{side}`: its jobs may see some variables before the swap and some after."
                ),
                format!("{object}: {}", list.join(", ")),
                "Let it end, or cancel it, before you apply.",
            )
        }
    };
    Some(Remark::hint("pipelines", message))
}
