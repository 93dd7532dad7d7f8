//! Random valid topologies, and their YAML.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use proptest::{collection::btree_map, option, prelude::*, sample::Index};

use crate::{
    name::{EndpointName, EnvironmentName, Hostname, InfrastructureName, VariableKey},
    topology::{
        Aws, Endpoint, Environment, Infrastructure, Lock, Missing, NameTemplate, Notify,
        NotifyEvent, NotifyFormat, Policy, Protocol, RoleTable, Ssh, TakesEffect, Topology,
    },
};

/// A word that YAML tools like to take for something else now and then.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9][A-Za-z0-9_-]{0,8}",
        Just("true".to_owned()),
        Just("0x1F".to_owned())
    ]
}

fn line() -> impl Strategy<Value = String> {
    "[ -~é–]{0,20}"
}

fn template(kind: &'static str) -> impl Strategy<Value = String> {
    (word(), any::<bool>()).prop_map(move |(word, owner)| {
        let owner = if owner { "-{owner}" } else { "" };
        format!("{kind}: {word}-{{environment}}{owner}")
    })
}

/// A valid topology. Every optional thing is there or not.
pub(super) fn topology() -> impl Strategy<Value = Topology> {
    (
        btree_map(
            word(),
            (
                template("eip"),
                template("i"),
                any::<Option<bool>>(),
                option::of(proptest::collection::btree_set(1_u16.., 0..3)),
            ),
            1..4,
        ),
        btree_map(word(), infrastructure(), 2..4),
        btree_map(word(), environment(), 1..4),
        option::of((word(), "[a-z]{1,5}")),
        option::of("[A-Za-z0-9_]{1,9}"),
        (
            any::<bool>(),
            any::<bool>(),
            option::of(60_u32..=86_400),
            any::<bool>(),
        ),
        (
            option::of(any::<bool>()),
            proptest::collection::btree_set(1_u16.., 0..3),
            option::of(any::<bool>()),
        ),
    )
        .prop_map(
            |(endpoints, sides, environments, lock, certificate, policy, told)| {
                let endpoints: BTreeMap<EndpointName, Endpoint> = endpoints
                    .into_iter()
                    .map(|(name, (eip, instance, https, ports))| {
                        let eip = NameTemplate::new(format!("{eip} {name}"));
                        let instance = NameTemplate::new(instance);
                        (
                            name.parse().unwrap(),
                            Endpoint {
                                eip,
                                instance,
                                https,
                                reach: None,
                                protocols: ports.map(|ports| protocols(https, ports)),
                            },
                        )
                    })
                    .collect();
                let names: Vec<EndpointName> = endpoints.keys().cloned().collect();
                let infrastructures = sides
                    .into_iter()
                    .enumerate()
                    .map(|(number, (name, draft))| {
                        (name.parse().unwrap(), draft.finish(number, &names))
                    })
                    .collect::<BTreeMap<InfrastructureName, _>>();
                let environments = environments
                    .into_iter()
                    .enumerate()
                    .map(|(number, (name, draft))| {
                        (name.parse().unwrap(), draft.finish(number, &names))
                    })
                    .collect::<BTreeMap<EnvironmentName, _>>();
                let keys = environments.values().flat_map(Environment::variable_keys);
                let takes_effect = keys.filter_map(|key| {
                    let when = if told.0? {
                        TakesEffect::Playbook
                    } else {
                        TakesEffect::Build
                    };
                    Some((key.clone(), when))
                });
                let takes_effect = takes_effect.collect();
                let notify = told.2.map(|slack| Notify {
                    url_variable: "GIGADB_WEBHOOK_URL".to_owned(),
                    format: if slack {
                        NotifyFormat::Slack
                    } else {
                        NotifyFormat::Json
                    },
                    events: NotifyEvent::ALL
                        .into_iter()
                        .skip(usize::from(slack))
                        .collect(),
                });
                let missing = |create| {
                    if create {
                        Missing::Create
                    } else {
                        Missing::Error
                    }
                };
                Topology {
                    endpoints,
                    infrastructures,
                    environments,
                    lock: lock.map(|(name, project)| Lock {
                        gitlab_project: format!("{project}/lock"),
                        name: NameTemplate::new(format!("{name} {{environment}}")),
                    }),
                    certificate_variable: certificate.map(|key| key.parse().unwrap()),
                    policy: Policy {
                        missing_records: missing(policy.0),
                        missing_variables: missing(policy.1),
                        record_ttl: policy.2,
                        proxied: policy.3,
                    },
                    takes_effect,
                    resolvers: told
                        .1
                        .into_iter()
                        .map(|port| ([192, 0, 2, 53], port).into())
                        .collect(),
                    notify: notify.into_iter().collect(),
                    release: None,
                }
            },
        )
}

fn protocols(https: Option<bool>, ports: BTreeSet<u16>) -> BTreeSet<Protocol> {
    let listed = (https == Some(true)).then_some(Protocol::HTTPS);
    let ports = ports.into_iter().map(Protocol::Tcp);
    listed
        .into_iter()
        .chain([Protocol::Ssh(22)])
        .chain(ports)
        .collect()
}

#[derive(Debug, Clone)]
struct SideDraft {
    words: [Option<String>; 2],
    eips: Vec<(Index, String)>,
    instances: Vec<(Index, String)>,
    ssh: Option<(String, Option<String>, String)>,
    state: Option<String>,
    numeric: bool,
}

fn infrastructure() -> impl Strategy<Value = SideDraft> {
    let names = |kind| proptest::collection::vec((any::<Index>(), template(kind)), 0..3);
    (
        option::of(word()),
        word(),
        names("own eip"),
        names("own i"),
        option::of((word(), option::of("~/[a-z. #:]{0,8}x"), word())),
        option::of(word()),
        any::<bool>(),
    )
        .prop_map(
            |(checkout, owner, eips, instances, ssh, state, numeric)| SideDraft {
                words: [checkout, Some(owner)],
                eips,
                instances,
                ssh,
                state,
                numeric,
            },
        )
}

impl SideDraft {
    fn finish(self, number: usize, endpoints: &[EndpointName]) -> Infrastructure {
        let own = |names: Vec<(Index, String)>| -> BTreeMap<EndpointName, NameTemplate> {
            names
                .into_iter()
                .map(|(index, text)| {
                    let endpoint = index.get(endpoints).clone();
                    let template = NameTemplate::new(format!("{text} {endpoint}"));
                    (endpoint, template)
                })
                .collect()
        };
        let [checkout, owner] = self.words;
        Infrastructure {
            checkout,
            gitlab_project: if self.numeric {
                format!("1{number}")
            } else {
                format!("group/side-{number}")
            },
            aws: Aws {
                profile: format!("Side {number}"),
                region: "ap-east-1".to_owned(),
            },
            owner,
            eips: own(self.eips),
            instances: own(self.instances),
            ssh: self.ssh.map(|(user, private_key, bastion_user)| Ssh {
                user,
                private_key,
                bastion_user,
            }),
            terraform_state: self
                .state
                .map(|s| NameTemplate::new(format!("{{owner}}{s}"))),
        }
    }
}

#[derive(Debug, Clone)]
struct EnvironmentDraft {
    data_sync: bool,
    hostnames: [BTreeMap<String, Index>; 2],
    variables: BTreeMap<String, (String, String)>,
}

fn environment() -> impl Strategy<Value = EnvironmentDraft> {
    let hostnames = |least| btree_map("[a-z0-9]{1,6}", any::<Index>(), least..4);
    (
        any::<bool>(),
        hostnames(1),
        hostnames(0),
        btree_map("[A-Za-z0-9_]{1,8}", (line(), line()), 0..4),
    )
        .prop_map(
            |(data_sync, production, standby, variables)| EnvironmentDraft {
                data_sync,
                hostnames: [production, standby],
                variables,
            },
        )
}

impl EnvironmentDraft {
    fn finish(self, number: usize, endpoints: &[EndpointName]) -> Environment {
        let [production, standby] = self.hostnames;
        let names = |names: BTreeMap<String, Index>, role: &str| {
            names
                .into_iter()
                .map(|(label, index)| {
                    let name: Hostname = format!("{label}.{role}{number}.example.org")
                        .parse()
                        .unwrap();
                    (name, index.get(endpoints).clone())
                })
                .collect()
        };
        let variables = |of: fn(&(String, String)) -> &String| {
            self.variables
                .iter()
                .map(|(key, values)| (key.parse::<VariableKey>().unwrap(), of(values).clone()))
                .collect()
        };
        Environment {
            data_sync: self.data_sync,
            production: RoleTable {
                hostnames: names(production, "p"),
                variables: variables(|v| &v.0),
            },
            hot_standby: RoleTable {
                hostnames: names(standby, "s"),
                variables: variables(|v| &v.1),
            },
        }
    }
}

/// The YAML of a topology, in block style with every text quoted.
pub(super) fn render(topology: &Topology) -> String {
    let mut yaml = "version: 1\nendpoints:\n".to_owned();
    let out = &mut yaml;
    for (name, endpoint) in &topology.endpoints {
        line_of(out, 1, name.as_str(), "");
        line_of(out, 2, "eip", &quoted(endpoint.eip.as_str()));
        line_of(out, 2, "instance", &quoted(endpoint.instance.as_str()));
        if let Some(https) = endpoint.https {
            line_of(out, 2, "https", &https.to_string());
        }
        if let Some(protocols) = &endpoint.protocols {
            line_of(out, 2, "protocols", &list(protocols));
        }
    }
    line_of(out, 0, "infrastructures", "");
    for (name, side) in &topology.infrastructures {
        line_of(out, 1, name.as_str(), "");
        render_side(out, side);
    }
    line_of(out, 0, "environments", "");
    for (name, environment) in &topology.environments {
        line_of(out, 1, name.as_str(), "");
        line_of(out, 2, "data_sync", &environment.data_sync.to_string());
        for (role, table) in [
            ("production", &environment.production),
            ("hot_standby", &environment.hot_standby),
        ] {
            line_of(
                out,
                2,
                role,
                if table == &RoleTable::default() {
                    "{}"
                } else {
                    ""
                },
            );
            render_map(out, 3, "hostnames", &table.hostnames, |e| {
                quoted(e.as_str())
            });
            render_map(out, 3, "variables", &table.variables, |v| quoted(v));
        }
    }
    if let Some(lock) = &topology.lock {
        line_of(out, 0, "lock", "");
        line_of(out, 1, "gitlab_project", &quoted(&lock.gitlab_project));
        line_of(out, 1, "name", &quoted(lock.name.as_str()));
    }
    if let Some(key) = &topology.certificate_variable {
        line_of(out, 0, "certificate_variable", &quoted(key.as_str()));
    }
    let missing = |missing| match missing {
        Missing::Error => "error",
        Missing::Create => "create",
    };
    let policy = &topology.policy;
    line_of(out, 0, "policy", "");
    line_of(out, 1, "missing_records", missing(policy.missing_records));
    line_of(
        out,
        1,
        "missing_variables",
        missing(policy.missing_variables),
    );
    let ttl = policy
        .record_ttl
        .map_or("auto".to_owned(), |ttl| ttl.to_string());
    line_of(out, 1, "record_ttl", &ttl);
    line_of(out, 1, "proxied", &policy.proxied.to_string());
    if !topology.takes_effect.is_empty() {
        line_of(out, 0, "variables", "");
    }
    for (key, when) in &topology.takes_effect {
        line_of(out, 1, key.as_str(), "");
        line_of(out, 2, "takes_effect", when.as_str());
    }
    if !topology.resolvers.is_empty() {
        line_of(out, 0, "resolvers", &list(&topology.resolvers));
    }
    for Notify {
        url_variable,
        format,
        events,
    } in &topology.notify
    {
        let events = list(events.iter().map(|event| event.as_str()));
        let format = format.as_str();
        let one =
            format!("[ {{ url_variable: {url_variable}, format: {format}, events: {events} }} ]");
        line_of(out, 0, "notify", &one);
    }
    yaml
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items
        .into_iter()
        .map(|one| quoted(&one.to_string()))
        .collect();
    format!("[{}]", items.join(", "))
}

fn render_side(out: &mut String, side: &Infrastructure) {
    if let Some(checkout) = &side.checkout {
        line_of(out, 2, "checkout", &quoted(checkout));
    }
    line_of(out, 2, "gitlab_project", &side.gitlab_project);
    line_of(out, 2, "aws", "");
    line_of(out, 3, "profile", &quoted(&side.aws.profile));
    line_of(out, 3, "region", &quoted(&side.aws.region));
    if let Some(owner) = &side.owner {
        line_of(out, 2, "owner", &quoted(owner));
    }
    render_map(out, 2, "eips", &side.eips, |t| quoted(t.as_str()));
    render_map(out, 2, "instances", &side.instances, |t| quoted(t.as_str()));
    if let Some(ssh) = &side.ssh {
        line_of(out, 2, "ssh", "");
        line_of(out, 3, "user", &quoted(&ssh.user));
        if let Some(key) = &ssh.private_key {
            line_of(out, 3, "private_key", &quoted(key));
        }
        line_of(out, 3, "bastion_user", &quoted(&ssh.bastion_user));
    }
    if let Some(state) = &side.terraform_state {
        line_of(out, 2, "terraform_state", "");
        line_of(out, 3, "name", &quoted(state.as_str()));
    }
}

fn render_map<K: std::borrow::Borrow<str>, V>(
    out: &mut String,
    depth: usize,
    key: &str,
    map: &BTreeMap<K, V>,
    value: impl Fn(&V) -> String,
) {
    if map.is_empty() {
        return;
    }
    line_of(out, depth, key, "");
    for (key, of_key) in map {
        line_of(out, depth + 1, key.borrow(), &value(of_key));
    }
}

fn line_of(out: &mut String, depth: usize, key: &str, value: &str) {
    writeln!(out, "{:indent$}\"{key}\": {value}", "", indent = 2 * depth).unwrap();
}

/// A YAML double-quoted scalar; JSON's escapes are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
