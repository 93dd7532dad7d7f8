//! The status as gauges, in Prometheus' text format, for the node exporter's text files.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
//!
//! What is not known has no sample: a gauge that is missing is not one that is 0.

use std::{collections::BTreeMap, fmt::Write as _};

use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName, Role},
    topology::Topology,
    view::Status,
};

use super::Report;

/// Who holds an environment's lease, as far as that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lease {
    /// Nobody.
    Free,
    /// Somebody, since then (seconds since the epoch), where GitLab says when.
    Held(Option<i64>),
}

/// What there is to tell beside the reports.
#[derive(Debug, Default)]
pub(crate) struct Further {
    /// When everything was read: seconds since the epoch.
    pub(crate) now: u64,
    /// How old what is known of a side is, in seconds; a side that was read now is not named.
    pub(crate) ages: BTreeMap<InfrastructureName, u64>,
    /// An environment whose lease could not be looked at is not named.
    pub(crate) leases: BTreeMap<EnvironmentName, Lease>,
}

/// Renders every gauge with its help and type.
pub(crate) fn render(topology: &Topology, reports: &[Report], further: &Further) -> String {
    let mut page = Page::default();
    page.gauge(
        "gigadb_role",
        "1 where the infrastructure holds the role in the environment, as the records say, else 0.",
    );
    for report in reports.iter().filter(|report| report.roles.is_ok()) {
        for side in topology.infrastructures.keys() {
            for role in Role::ALL {
                let labels = [
                    ("environment", report.environment.as_str()),
                    ("infrastructure", side.as_str()),
                    ("role", role.as_str()),
                ];
                page.sample(&labels, u64::from(report.role_of(side) == Some(role)));
            }
        }
    }
    page.gauge(
        "gigadb_roles_clear",
        "1 where it is clear who holds which role in the environment, else 0.",
    );
    for report in reports {
        page.sample(&of(report), u64::from(report.roles.is_ok()));
    }
    page.gauge(
        "gigadb_status",
        "1 for the environment's status, 0 for every other.",
    );
    for report in reports {
        for status in [
            Status::Consistent,
            Status::Prepared,
            Status::Mixed,
            Status::Unknown,
        ] {
            let labels = [of(report)[0], ("status", status.as_str())];
            page.sample(&labels, u64::from(report.status == status));
        }
    }
    page.gauge(
        "gigadb_disagreements",
        "Records and variables that are not as the topology says.",
    );
    for report in reports {
        page.sample(&of(report), report.disagreements.len());
    }
    page.gauge(
        "gigadb_unread",
        "Parts of the environment that could not be read.",
    );
    for report in reports {
        page.sample(&of(report), report.unread.len());
    }
    page.gauge(
        "gigadb_hosts_age_seconds",
        "How old what is known of the infrastructure's machines is; 0 where it was read now.",
    );
    for side in topology.infrastructures.keys() {
        let age = further.ages.get(side).copied().unwrap_or_default();
        page.sample(&[("infrastructure", side.as_str())], age);
    }
    page.gauge(
        "gigadb_lease_held",
        "1 where a run holds the environment's lease, else 0.",
    );
    for (environment, lease) in &further.leases {
        let labels = [("environment", environment.as_str())];
        page.sample(&labels, u64::from(*lease != Lease::Free));
    }
    page.gauge(
        "gigadb_lease_held_since_timestamp_seconds",
        "Since when the environment's lease is held.",
    );
    for (environment, lease) in &further.leases {
        if let Lease::Held(Some(since)) = lease {
            page.sample(&[("environment", environment.as_str())], since);
        }
    }
    page.gauge(
        "gigadb_read_timestamp_seconds",
        "When this was read: alert where it grows old.",
    );
    page.sample(&[], further.now);
    page.text
}

fn of(report: &Report) -> [(&'static str, &str); 1] {
    [("environment", report.environment.as_str())]
}

#[derive(Default)]
struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.name = name;
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text.push_str(self.name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// A label's value, in which three characters are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Page, escaped};

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
        let mut page = Page::default();
        page.gauge("g", "Help.");
        page.sample(&[("a", "1"), ("b", "\"")], 3);
        page.sample(&[], 4);
        assert_eq!(
            page.text,
            "# HELP g Help.\n# TYPE g gauge\ng{a=\"1\",b=\"\\\"\"} 3\ng 4\n"
        );
    }
}
