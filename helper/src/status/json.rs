//! The status for programs.

use std::{collections::BTreeMap, net::Ipv4Addr};

use gigadb_engine::topology::Topology;
use serde::Serialize;

use super::{Release, Report};
use crate::dumps::Newest;

/// The version of this format. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    environments: BTreeMap<&'a str, Environment<'a>>,
}

#[derive(Serialize)]
struct Environment<'a> {
    status: &'a str,
    production: Option<&'a str>,
    hot_standby: Option<&'a str>,
    unclear: Option<&'a str>,
    doubts: Vec<&'a String>,
    infrastructures: BTreeMap<&'a str, Infrastructure<'a>>,
    hostnames: BTreeMap<&'a str, Hostname<'a>>,
    variables: BTreeMap<String, Option<&'a str>>,
    disagreements: Vec<Disagreement<'a>>,
    unread: &'a [String],
    newest_dump: Option<NewestDump<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum NewestDump<'a> {
    Known(&'a Newest),
    Unknown { unknown: &'a str },
}

#[derive(Serialize)]
struct Infrastructure<'a> {
    role: Option<&'a str>,
    gitlab_project: &'a str,
    checkout: Option<&'a str>,
    aws_profile: &'a str,
    aws_region: &'a str,
    release: Option<&'a str>,
}

#[derive(Serialize)]
struct Hostname<'a> {
    role: &'a str,
    endpoint: &'a str,
    infrastructure: Option<&'a str>,
    address: Option<Ipv4Addr>,
    zone: Option<&'a str>,
}

#[derive(Serialize)]
struct Disagreement<'a> {
    object: &'a str,
    present: Option<&'a str>,
    expected: Option<&'a str>,
}

/// Renders one document, `format_version` first.
pub(crate) fn render(topology: &Topology, reports: &[Report]) -> String {
    let environments = reports.iter();
    let document = Document {
        format_version: FORMAT_VERSION,
        environments: environments
            .map(|report| (report.environment.as_str(), environment(topology, report)))
            .collect(),
    };
    // Strings, numbers and string-keyed maps only: this cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn environment<'a>(topology: &'a Topology, report: &'a Report) -> Environment<'a> {
    let arrangement = report.roles.as_ref().ok();
    let view = report.view.as_ref();
    Environment {
        status: report.status.as_str(),
        production: arrangement.map(|a| a.production.as_str()),
        hot_standby: arrangement.map(|a| a.hot_standby.as_str()),
        unclear: report.roles.as_ref().err().map(String::as_str),
        doubts: report.doubts.iter().chain(&report.ambiguous).collect(),
        infrastructures: topology
            .infrastructures
            .iter()
            .map(|(name, side)| {
                let infrastructure = Infrastructure {
                    role: report.role_of(name).map(gigadb_engine::name::Role::as_str),
                    gitlab_project: &side.gitlab_project,
                    checkout: side.checkout.as_deref(),
                    aws_profile: &side.aws.profile,
                    aws_region: &side.aws.region,
                    release: match report.release_of(name) {
                        Release::Deployed(reference) => Some(reference),
                        Release::Never | Release::Unknown => None,
                    },
                };
                (name.as_str(), infrastructure)
            })
            .collect(),
        hostnames: view
            .iter()
            .flat_map(|view| &view.hostnames)
            .map(|(name, seen)| {
                let hostname = Hostname {
                    role: seen.role.as_str(),
                    endpoint: seen.endpoint.as_str(),
                    infrastructure: seen.infrastructure.as_ref().map(|i| i.as_str()),
                    address: seen.address,
                    zone: seen.zone.as_ref().map(|zone| zone.as_str()),
                };
                (name.as_str(), hostname)
            })
            .collect(),
        variables: view
            .iter()
            .flat_map(|view| &view.variables)
            .map(|((side, key), value)| (format!("{side}/{key}"), value.as_deref()))
            .collect(),
        disagreements: report
            .disagreements
            .iter()
            .map(|one| Disagreement {
                object: &one.object,
                present: one.present.as_deref(),
                expected: one.expected.as_deref(),
            })
            .collect(),
        unread: &report.unread,
        newest_dump: report.newest_dump.as_ref().map(|known| match known {
            Ok(newest) => NewestDump::Known(newest),
            Err(why) => NewestDump::Unknown { unknown: why },
        }),
    }
}
