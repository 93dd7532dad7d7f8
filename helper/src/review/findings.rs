//! What `gigadb_preflight` said in the same plan about a change of roles.

use std::collections::BTreeSet;

use gigadb_engine::{preflight::Remark, rules::Severity};
use serde::Serialize;
use serde_json::Value;

use super::{
    change::Change,
    source::{Source, is_hidden},
};

/// The type of the data source that judges an arrangement.
pub(crate) const DATA_SOURCE: &str = "gigadb_preflight";

/// How many findings there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) waived: usize,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    pub(crate) severity: String,
    pub(crate) object: String,
    pub(crate) message: String,
    pub(crate) waived: bool,
}

impl Finding {
    /// Whether it stands in the way: all that is not known to be less.
    pub(crate) fn blocks(&self) -> bool {
        self.severity != "warning" && !self.waived
    }
}

impl From<&Remark> for Finding {
    fn from(remark: &Remark) -> Self {
        let severity = match remark.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Self {
            rule: remark.topic.to_owned(),
            severity: severity.to_owned(),
            object: remark.message.object.clone(),
            message: remark.message.to_string(),
            waived: remark.waived,
        }
    }
}

/// Where findings come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Findings {
    /// The plan holds none about this change, for this reason.
    None(String),
    /// From a data source of the plan.
    Plan(Vec<Finding>),
    /// Judged by the review itself.
    Live(Vec<Finding>),
}

impl Findings {
    /// The findings, where there are any to know.
    pub(crate) fn known(&self) -> Option<&[Finding]> {
        match self {
            Self::None(_) => None,
            Self::Plan(findings) | Self::Live(findings) => Some(findings),
        }
    }

    /// The findings of the data sources that judge exactly this change.
    pub(crate) fn of(source: &Source, change: &Change) -> Self {
        let planned = source
            .resources
            .iter()
            .filter(|one| one.is_our_data(DATA_SOURCE));
        let planned = planned.map(|one| (&one.address, &one.after));
        let read = source
            .read
            .iter()
            .filter(|(kind, _, _)| kind == DATA_SOURCE);
        let read = read.map(|(_, address, values)| (address, values));
        let mut found: Option<BTreeSet<Finding>> = None;
        let mut why = None;
        for (address, values) in planned.chain(read) {
            let text = |key: &str| values.get(key).and_then(Value::as_str);
            if text("environment") != Some(&change.environment) {
                continue;
            }
            if let Some(other) = another_arrangement(change, values) {
                why.get_or_insert(format!("`{address}` judges another arrangement ({other})"));
                continue;
            }
            let Some(findings) = values.get("findings").and_then(Value::as_array) else {
                why.get_or_insert(format!("`{address}` is not read before the apply"));
                continue;
            };
            found
                .get_or_insert_default()
                .extend(findings.iter().map(finding));
        }
        match found {
            Some(found) => Self::Plan(sorted(found.into_iter().collect())),
            None => Self::None(why.unwrap_or_default()),
        }
    }
}

/// What a data source judges instead of this change.
fn another_arrangement(change: &Change, values: &Value) -> Option<String> {
    let to = change.to.as_ref()?;
    let text = |key: &str| values.get(key).and_then(Value::as_str);
    let production = text("production").unwrap_or_default();
    let mode = text("mode").unwrap_or("switchover");
    if is_hidden(production) {
        Some("its `production` is not shown".to_owned())
    } else if production != to.production && Some(production) != change.production_after() {
        Some(format!("production {production}"))
    } else if text("hot_standby").is_some_and(|side| side != to.hot_standby) {
        Some(format!(
            "hot standby {}",
            text("hot_standby").unwrap_or_default()
        ))
    } else if mode != change.mode {
        Some(format!("mode {mode}"))
    } else {
        None
    }
}

fn finding(value: &Value) -> Finding {
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Finding {
        rule: text("rule"),
        severity: text("severity"),
        object: text("object"),
        message: text("message"),
        waived: value
            .get("waived")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    }
}

/// What blocks first, then what was waived, then warnings.
pub(super) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|one| (!one.blocks(), !one.waived, one.clone()));
    findings
}
