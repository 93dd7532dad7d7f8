//! What is suspicious in a valid topology.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Environment, Place, Topology, Warning,
    accept::{self, Acceptance},
    yaml::{Node, Places},
};
use crate::{
    name::{EndpointName, EnvironmentName, Hostname, Role, VariableKey},
    nearest::nearest,
};

/// What can be suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningName {
    /// No hostname leads to an endpoint.
    UnusedEndpoint,
    /// An endpoint has one Elastic IP in several environments.
    SharedElasticIp,
    /// Two infrastructures are in one region.
    SameRegion,
    /// Two names become one group of the inventory.
    SameGroup,
    /// The hot standby publishes no hostname.
    NoStandbyHostname,
    /// A variable's value holds a hostname that no role publishes.
    UnpublishedHostname,
    /// A variable's key looks like a secret's.
    LooksSecret,
    /// A variable's value has one scheme for production and another for the hot standby.
    DifferentSchemes,
    /// An entry of `accept` silences nothing. The only one that cannot be accepted.
    UnusedAcceptance,
}

impl WarningName {
    /// Those that `accept` can name.
    pub const ACCEPTABLE: [Self; 8] = [
        Self::UnusedEndpoint,
        Self::SharedElasticIp,
        Self::SameRegion,
        Self::SameGroup,
        Self::NoStandbyHostname,
        Self::UnpublishedHostname,
        Self::LooksSecret,
        Self::DifferentSchemes,
    ];

    /// The name in `accept`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnusedEndpoint => "unused-endpoint",
            Self::SharedElasticIp => "shared-elastic-ip",
            Self::SameRegion => "same-region",
            Self::SameGroup => "same-group",
            Self::NoStandbyHostname => "no-standby-hostname",
            Self::UnpublishedHostname => "unpublished-hostname",
            Self::LooksSecret => "looks-secret",
            Self::DifferentSchemes => "different-schemes",
            Self::UnusedAcceptance => "unused-acceptance",
        }
    }
}

/// Words of a variable's key that say that its value is not for showing.
const SECRET_WORDS: [&str; 10] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "KEY",
    "PRIVATE",
    "CREDENTIAL",
    "CREDENTIALS",
];

/// How many pairs of hostnames are compared for the nearest, in one environment: beyond it,
/// warnings stand without a suggestion, so that large topologies do not wait for them.
const COMPARISONS: usize = 2_000;

/// Everything suspicious that is not accepted, in the order of the file.
pub(super) fn warnings(
    topology: &Topology,
    root: &Node,
    accepted: Vec<Acceptance>,
) -> Vec<Warning> {
    let mut warnings = Warnings {
        places: Places::of(root),
        found: Vec::new(),
    };
    warnings.endpoints(topology);
    warnings.regions(topology);
    warnings.group_names(topology);
    for (name, environment) in &topology.environments {
        warnings.environment(name, environment);
    }
    let mut left = accept::silence(warnings.found, accepted);
    left.sort_by_key(|warning| warning.place);
    left
}

struct Warnings {
    places: Places,
    found: Vec<Warning>,
}

impl Warnings {
    /// Warns at the key that `path` leads to.
    fn at_key(&mut self, path: &[&str], what: (WarningName, &str), message: &str) {
        if let Some((place, _)) = self.places.get(path) {
            self.push(place, what, message);
        }
    }

    /// Warns at the value that `path` leads to.
    fn at_value(&mut self, path: &[&str], what: (WarningName, &str), message: &str) {
        if let Some((_, place)) = self.places.get(path) {
            self.push(place, what, message);
        }
    }

    fn push(&mut self, place: Place, (name, at): (WarningName, &str), message: &str) {
        self.found.push(Warning {
            place,
            name,
            at: at.to_owned(),
            message: format!(
                "{message} If it is meant, accept `{}` at `{at}`.",
                name.as_str()
            ),
        });
    }

    fn endpoints(&mut self, topology: &Topology) {
        let used: BTreeSet<&EndpointName> = topology
            .environments
            .values()
            .flat_map(|environment| environment.hostnames().into_values())
            .map(|(_, endpoint)| endpoint)
            .collect();
        for (name, endpoint) in &topology.endpoints {
            if !used.contains(name) {
                self.at_key(
                    &["endpoints", name.as_str()],
                    (WarningName::UnusedEndpoint, name.as_str()),
                    &format!(
                        "No hostname leads to the endpoint `{name}`. \
                         Add one to `environments`, or remove the endpoint."
                    ),
                );
            }
            let eip = endpoint.eip.as_str();
            if topology.environments.len() > 1 && !eip.contains("{environment}") {
                self.at_value(
                    &["endpoints", name.as_str(), "eip"],
                    (WarningName::SharedElasticIp, name.as_str()),
                    &format!(
                        "`{eip}` is the Elastic IP of `{name}` in every environment. \
                         Add `{{environment}}` unless they share the machine."
                    ),
                );
            }
        }
    }

    fn regions(&mut self, topology: &Topology) {
        let mut first = BTreeMap::new();
        for (name, infrastructure) in &topology.infrastructures {
            let region = &infrastructure.aws.region;
            let other = *first.entry(region).or_insert(name);
            if other != name {
                self.at_value(
                    &["infrastructures", name.as_str(), "aws", "region"],
                    (WarningName::SameRegion, name.as_str()),
                    &format!(
                        "`{other}` and `{name}` are both in `{region}`, and what takes the region \
                         down takes both. Keep a standby in a region of its own."
                    ),
                );
            }
        }
    }

    /// Inventory groups are lower-case with `_` for everything else, so names that differ in
    /// nothing else would share one.
    fn group_names(&mut self, topology: &Topology) {
        let sections: [(&str, Vec<&str>); 3] = [
            (
                "endpoints",
                topology.endpoints.keys().map(|n| n.as_str()).collect(),
            ),
            (
                "infrastructures",
                topology
                    .infrastructures
                    .keys()
                    .map(|n| n.as_str())
                    .collect(),
            ),
            (
                "environments",
                topology.environments.keys().map(|n| n.as_str()).collect(),
            ),
        ];
        for (section, names) in sections {
            let mut first = BTreeMap::new();
            for name in names {
                let group = name.to_ascii_lowercase().replace('-', "_");
                let other = *first.entry(group).or_insert(name);
                if other != name {
                    self.at_key(
                        &[section, name],
                        (WarningName::SameGroup, name),
                        &format!(
                            "`{other}` and `{name}` become one group in the Ansible inventory. \
                             Rename one so that they differ in letters or digits."
                        ),
                    );
                }
            }
        }
    }

    fn environment(&mut self, name: &EnvironmentName, environment: &Environment) {
        let published = environment.hostnames();
        if environment.hot_standby.hostnames.is_empty() {
            self.at_key(
                &["environments", name.as_str(), "hot_standby"],
                (WarningName::NoStandbyHostname, name.as_str()),
                &format!(
                    "The hot standby of `{name}` has no hostname, so nobody can try it before a \
                     swap. Add its `hostnames`."
                ),
            );
        }
        let mut comparisons = 0;
        for role in Role::ALL {
            for (key, value) in &environment.table(role).variables {
                let unknown = hostnames_in(value)
                    .into_iter()
                    .filter(|hostname| !published.contains_key(hostname));
                for hostname in unknown {
                    comparisons += published.len();
                    let names = published.keys().map(|h| h.as_str());
                    let near = (comparisons <= COMPARISONS)
                        .then(|| nearest(hostname.as_str(), names))
                        .flatten();
                    let advice = match near {
                        Some(near) => format!("Did you mean `{near}`?"),
                        None => "Add it to that environment's `hostnames` if it is one of them."
                            .to_owned(),
                    };
                    self.at_value(
                        &variable(name, role, key),
                        (
                            WarningName::UnpublishedHostname,
                            &format!("{name}/{}/{key}", role.as_str()),
                        ),
                        &format!(
                            "`{hostname}` in `{key}` is a hostname of neither role of `{name}`. \
                             {advice}"
                        ),
                    );
                }
            }
        }
        for (key, value) in &environment.production.variables {
            if looks_secret(key) {
                self.at_key(
                    &variable(name, Role::Production, key),
                    (WarningName::LooksSecret, &format!("{name}/{key}")),
                    &format!(
                        "`{key}` looks like a secret, and the values of role variables are shown \
                         in plans. Leave secrets out of the topology."
                    ),
                );
            }
            let standby = environment.hot_standby.variables.get(key);
            if let (Some(one), Some(other)) = (scheme(value), standby.and_then(|v| scheme(v)))
                && !one.eq_ignore_ascii_case(other)
            {
                self.at_value(
                    &variable(name, Role::HotStandby, key),
                    (WarningName::DifferentSchemes, &format!("{name}/{key}")),
                    &format!(
                        "`{key}` is `{other}` for the hot standby and `{one}` for production. \
                         Write the same scheme for both."
                    ),
                );
            }
        }
    }
}

fn variable<'a>(
    environment: &'a EnvironmentName,
    role: Role,
    key: &'a VariableKey,
) -> [&'a str; 5] {
    [
        "environments",
        environment.as_str(),
        role.as_str(),
        "variables",
        key.as_str(),
    ]
}

fn looks_secret(key: &VariableKey) -> bool {
    key.as_str().split('_').any(|word| {
        SECRET_WORDS
            .iter()
            .any(|secret| word.eq_ignore_ascii_case(secret))
    })
}

fn scheme(value: &str) -> Option<&str> {
    let (scheme, _) = value.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some(scheme)
}

/// The hostnames in a variable's value: of its URLs, and words that stand for themselves, with or
/// without a login, a port or a path.
fn hostnames_in(value: &str) -> BTreeSet<Hostname> {
    value
        .split(|c: char| c.is_whitespace() || ",;|'\"()[]<>".contains(c))
        .filter_map(|word| {
            let word = word.split_once("://").map_or(word, |(_, rest)| rest);
            let word = word.split(['/', '?', '#']).next()?;
            let word = word.rsplit('@').next()?;
            let word = word.split(':').next()?;
            let hostname: Hostname = word.parse().ok()?;
            let top = hostname.as_str().rsplit('.').next()?;
            let is_name = top.starts_with("xn--")
                || top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic());
            is_name.then_some(hostname)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::hostnames_in;

    #[test]
    fn hostnames_are_found_in_values() {
        for (value, expected) in [
            ("https://gigadb.org", "gigadb.org"),
            (
                "https://GigaDB.org:8443/a/index.html?x=y.example",
                "gigadb.org",
            ),
            ("ftp://user@files.gigadb.org/dir", "files.gigadb.org"),
            ("user@bastion.gigadb.org:/srv", "bastion.gigadb.org"),
            (
                "a.example.org, b.example.org;c.example.org",
                "a.example.org b.example.org c.example.org",
            ),
            ("v4.3.4", ""),
            ("192.0.2.1", ""),
            ("localhost", ""),
            ("on", ""),
            ("", ""),
        ] {
            let found: Vec<String> = hostnames_in(value)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(" "), expected, "{value:?}");
        }
    }
}
