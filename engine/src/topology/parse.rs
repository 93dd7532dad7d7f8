//! The topology file as a whole. Every section is read even where another is faulty, and what
//! one section refers to counts as known as soon as it has a name.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Endpoint, Faults, Infrastructure, Lock, Missing, Parsed, Place, Policy, Topology,
    accept::{self, Acceptance},
    effect,
    environments::environments,
    infrastructures::infrastructures,
    known::{Known, KnownEndpoint, Placed, flat},
    notify, protocol, reach,
    reader::{Entry, Fields, ROOT, Reader, join},
    release::{self, record_state},
    template::{self, Owner},
    warn::warnings,
    yaml::{self, Kind, Node, Scalar},
};
use crate::name::{EndpointName, EnvironmentName, InfrastructureName, VariableKey};

/// The shortest and the longest TTL of a record, in seconds.
/// <https://developers.cloudflare.com/dns/manage-dns-records/reference/ttl/>
const RECORD_TTL: std::ops::RangeInclusive<u32> = 60..=86_400;

impl Topology {
    /// Reads a topology file. Fails with everything that is wrong in it.
    pub fn parse(text: &str) -> Result<Parsed, Faults> {
        let mut reader = Reader::default();
        let root = yaml::read(text, &mut reader.faults);
        let topology = root.as_ref().and_then(|root| topology(&mut reader, root));
        match (root, topology) {
            (Some(root), Some((topology, accepted))) if reader.faults.is_empty() => {
                let warnings = warnings(&topology, &root, accepted);
                Ok(Parsed { topology, warnings })
            }
            _ => {
                let mut faults = reader.faults;
                faults.sort_by(|a, b| (a.place, &a.message).cmp(&(b.place, &b.message)));
                faults.dedup();
                Err(Faults(faults))
            }
        }
    }
}

fn topology(reader: &mut Reader, root: &Node) -> Option<(Topology, Vec<Acceptance>)> {
    const KEYS: [&str; 12] = [
        "version",
        "endpoints",
        "infrastructures",
        "environments",
        "lock",
        "certificate_variable",
        "policy",
        "variables",
        "resolvers",
        "notify",
        "release",
        "accept",
    ];
    let start = Place { line: 1, column: 1 };
    let file = reader.fields(start, root, ROOT, &KEYS)?;
    version(reader, &file);
    let before = reader.faults.len();
    let endpoint_entries = section::<EndpointName>(
        reader,
        &file,
        "endpoints",
        "endpoints: { web: { eip: …, instance: … } }",
    );
    // Where an endpoint's own name is faulty, what refers to it is not.
    let all_named = reader.faults.len() == before;
    let environment_entries = section::<EnvironmentName>(
        reader,
        &file,
        "environments",
        "environments: { live: { production: …, hot_standby: … } }",
    );
    let mut known = Known {
        endpoints: BTreeMap::new(),
        all_endpoints: false,
        environments: environment_entries
            .iter()
            .flatten()
            .map(|e| e.name.clone())
            .collect(),
    };
    let endpoints = endpoint_entries.map(|entries| {
        let (all, whole) = endpoints(reader, &entries);
        known.endpoints = all;
        known.all_endpoints = all_named;
        whole
    });
    let infrastructures = section(
        reader,
        &file,
        "infrastructures",
        "infrastructures: { gigadb-website: { gitlab_project: …, aws: … }, … }",
    )
    .map(|entries| {
        let place = file.place_of("infrastructures");
        if matches!(file.get("infrastructures"), Some(Node { kind: Kind::Mapping(e), .. }) if e.len() < 2) {
            reader.fault(
                place,
                "`infrastructures` has fewer than two, and roles are traded between two. \
                 Add the other one.",
            );
        }
        infrastructures(reader, &entries, &known)
    });
    let environments = environment_entries.map(|entries| environments(reader, &entries, &known));
    let lock = file
        .get("lock")
        .map(|node| lock(reader, file.place_of("lock"), node));
    if let Some(Some((lock, place))) = &lock {
        lock_is_no_record(reader, (lock, *place), &known.environments);
    }
    if let (Some(Some((lock, place))), Some(infrastructures)) = (&lock, &infrastructures) {
        lock_is_no_terraform_state(reader, (lock, *place), infrastructures, &known.environments);
    }
    let lock = lock.map(|lock| lock.map(|(lock, _)| lock));
    let certificate_variable = file.get("certificate_variable").map(|node| {
        let text = reader.text(node, "certificate_variable")?;
        reader.name::<VariableKey>(node.place, text)
    });
    let policy = match file.get("policy") {
        Some(node) => policy(reader, file.place_of("policy"), node),
        None => Some(Policy::default()),
    };
    let effects = file.get("variables");
    let effects = effects.map(|node| effect::read(reader, node, environments.as_ref()));
    let resolvers = file.get("resolvers");
    let resolvers = resolvers.map(|node| notify::resolvers(reader, node));
    let notify = file.get("notify");
    let notify = notify.map(|node| notify::notify(reader, node));
    let release = file.get("release").map(|node| {
        let place = file.place_of("release");
        release::read(reader, place, node, &known.environments)
    });
    let accepted = file.get("accept");
    let accepted = accepted.map(|node| accept::read(reader, node));
    let topology = Topology {
        endpoints: endpoints?,
        infrastructures: infrastructures?,
        environments: environments?,
        lock: flat(lock)?,
        certificate_variable: flat(certificate_variable)?,
        policy: policy?,
        takes_effect: flat(effects)?.unwrap_or_default(),
        resolvers: flat(resolvers)?.unwrap_or_default(),
        notify: flat(notify)?.unwrap_or_default(),
        release: flat(release)?,
    };
    Some((topology, flat(accepted)?.unwrap_or_default()))
}

fn version(reader: &mut Reader, file: &Fields) {
    let Some(node) = file.required(reader, "version", "version: 1") else {
        return;
    };
    match &node.kind {
        Kind::Faulty => {}
        Kind::Scalar(Scalar {
            text,
            quoted: false,
        }) if text == "1" => {}
        Kind::Scalar(Scalar { text, quoted: true }) if text == "1" => reader.fault(
            node.place,
            "`version` is a text. Write `version: 1`, without quotes.",
        ),
        Kind::Scalar(Scalar { text, .. }) => reader.fault(
            node.place,
            format!(
                "`version` is `{}`, and this program reads version 1. Write `version: 1`.",
                text.escape_debug()
            ),
        ),
        Kind::Sequence(_) | Kind::Mapping(_) => {
            reader.fault(node.place, "`version` is not a number. Write `version: 1`.");
        }
    }
}

/// A required section whose keys are names; at least one.
fn section<'n, K>(
    reader: &mut Reader,
    file: &Fields<'n>,
    key: &str,
    example: &str,
) -> Option<Vec<Entry<'n, K>>>
where
    K: std::str::FromStr<Err = crate::name::InvalidName> + Ord + Clone + std::borrow::Borrow<str>,
{
    let node = file.required(reader, key, example)?;
    if matches!(&node.kind, Kind::Mapping(entries) if entries.is_empty()) {
        reader.fault(node.place, format!("`{key}` is empty. Write `{example}`."));
        return None;
    }
    reader.named(node, key, &format!("a mapping, as in `{example}`"))
}

fn endpoints(
    reader: &mut Reader,
    entries: &[Entry<EndpointName>],
) -> (
    BTreeMap<EndpointName, KnownEndpoint>,
    BTreeMap<EndpointName, Endpoint>,
) {
    let mut all = BTreeMap::new();
    let mut whole = BTreeMap::new();
    let mut reaches = BTreeMap::new();
    for Entry { name, place, value } in entries {
        let path = join("endpoints", name.as_str());
        let keys = ["eip", "instance", "https", "reach", "protocols"];
        let fields = reader.fields(*place, value, &path, &keys);
        let mut template = |key: &str, example: &str| {
            let fields = fields.as_ref()?;
            let node = fields.required(reader, key, example)?;
            // Whether a side has an owner is judged side by side.
            let value = template::read(reader, node, &fields.path(key), Owner::Elsewhere)?;
            let place = node.place;
            Some(Placed { place, value })
        };
        let known = KnownEndpoint {
            eip: template("eip", "eip: \"eip-gigadb-{environment}-gigadb\""),
            instance: template(
                "instance",
                "instance: \"gigadb_webserver_{environment}_gigadb\"",
            ),
        };
        let https = fields
            .as_ref()
            .and_then(|f| f.get("https"))
            .map(|node| reader.boolean(node, &join(&path, "https")));
        let way = fields.as_ref().and_then(|f| f.get("reach"));
        reaches.extend(way.map(|node| (name.clone(), node.place)));
        let reach = way.map(|node| reach::read(reader, node, &join(&path, "reach"), name, entries));
        let protocols = fields.as_ref().and_then(|f| f.get("protocols"));
        let protocols = protocols
            .map(|node| protocol::read(reader, node, &join(&path, "protocols"), https.flatten()));
        if let (Some(eip), Some(instance), Some(https), Some(reach), Some(protocols)) = (
            &known.eip,
            &known.instance,
            flat(https),
            flat(reach),
            flat(protocols),
        ) {
            let (eip, instance) = (eip.value.clone(), instance.value.clone());
            whole.insert(
                name.clone(),
                Endpoint {
                    eip,
                    instance,
                    https,
                    reach,
                    protocols,
                },
            );
        }
        all.insert(name.clone(), known);
    }
    reach::check(reader, &whole, &reaches);
    (all, whole)
}

/// The lease, with the place of its name.
fn lock(reader: &mut Reader, place: Place, node: &Node) -> Option<(Lock, Place)> {
    let fields = reader.fields(place, node, "lock", &["gitlab_project", "name"])?;
    let project = fields
        .required(
            reader,
            "gitlab_project",
            "gitlab_project: gigascience/upstream/gigadb-website",
        )
        .and_then(|node| template::gitlab_project(reader, node, "lock.gitlab_project"));
    let name = fields.required(reader, "name", "name: \"gigadb-roles-{environment}\"");
    let place = name.map_or(place, |node| node.place);
    let name = name.and_then(|node| template::read(reader, node, "lock.name", Owner::Meaningless));
    let lock = Lock {
        gitlab_project: project?,
        name: name?,
    };
    Some((lock, place))
}

/// A lease on a state that Terraform keeps would hold Terraform up, and Terraform's own lock the
/// swap, for ever.
fn lock_is_no_terraform_state(
    reader: &mut Reader,
    (lock, place): (&Lock, Place),
    infrastructures: &BTreeMap<InfrastructureName, Infrastructure>,
    environments: &[EnvironmentName],
) {
    let names: BTreeSet<String> = environments
        .iter()
        .map(|environment| lock.name.fill(environment, None))
        .collect();
    for (infrastructure, side) in infrastructures {
        let Some(state) = &side.terraform_state else {
            continue;
        };
        if !may_be_one_project(&lock.gitlab_project, &side.gitlab_project) {
            continue;
        }
        let state = environments
            .iter()
            .map(|environment| state.fill(environment, side.owner.as_deref()))
            .find(|state| names.contains(state));
        if let Some(state) = state {
            reader.fault(
                place,
                format!(
                    "`lock.name` names `{state}`, the Terraform state of `{infrastructure}` \
                     (`terraform_state`), whose lock is Terraform's own. Write a name that no \
                     Terraform state has, such as `gigadb-roles-{{environment}}`."
                ),
            );
            return;
        }
    }
}

/// A lease keeps its history in its state, and a record of a release is kept in the same project.
fn lock_is_no_record(
    reader: &mut Reader,
    (lock, place): (&Lock, Place),
    environments: &[EnvironmentName],
) {
    let records: BTreeSet<String> = environments.iter().map(record_state).collect();
    let mut filled = environments
        .iter()
        .map(|environment| lock.name.fill(environment, None));
    if let Some(state) = filled.find(|name| records.contains(name)) {
        reader.fault(
            place,
            format!(
                "`lock.name` names `{state}`, the Terraform state that keeps the record of a \
                 release. Write a name that no Terraform state has, such as \
                 `gigadb-roles-{{environment}}`."
            ),
        );
    }
}

/// Whether two ways to write a project may mean one: a number and a path cannot be told apart.
fn may_be_one_project(a: &str, b: &str) -> bool {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    a.eq_ignore_ascii_case(b) || number(a) != number(b)
}

fn policy(reader: &mut Reader, place: Place, node: &Node) -> Option<Policy> {
    const KEYS: [&str; 4] = [
        "missing_records",
        "missing_variables",
        "record_ttl",
        "proxied",
    ];
    let fields = reader.fields(place, node, "policy", &KEYS)?;
    let mut missing = |key: &str| match fields.get(key) {
        None => Some(Missing::Error),
        Some(node) => match reader.choice(node, &fields.path(key), &["error", "create"])? {
            "create" => Some(Missing::Create),
            _ => Some(Missing::Error),
        },
    };
    let missing_records = missing("missing_records");
    let missing_variables = missing("missing_variables");
    let record_ttl = match fields.get("record_ttl") {
        None => Some(None),
        Some(node) => record_ttl(reader, node),
    };
    let proxied = match fields.get("proxied") {
        None => Some(false),
        Some(node) => reader.boolean(node, "policy.proxied"),
    };
    Some(Policy {
        missing_records: missing_records?,
        missing_variables: missing_variables?,
        record_ttl: record_ttl?,
        proxied: proxied?,
    })
}

#[expect(clippy::option_option, reason = "faulty and automatic are two things")]
fn record_ttl(reader: &mut Reader, node: &Node) -> Option<Option<u32>> {
    if let Kind::Scalar(Scalar { text, quoted }) = &node.kind {
        if text == "auto" {
            return Some(None);
        }
        let seconds = text.parse::<u32>().ok().filter(|_| !quoted);
        match seconds {
            Some(seconds) if RECORD_TTL.contains(&seconds) => return Some(Some(seconds)),
            Some(30..60) => {
                reader.fault(
                    node.place,
                    format!(
                        "`policy.record_ttl` is {text}, and only zones of Cloudflare's Enterprise \
                         plan allow less than 60 seconds. Write `auto`, or 60 to 86400."
                    ),
                );
                return None;
            }
            _ => {}
        }
    }
    if !matches!(node.kind, Kind::Faulty) {
        reader.fault(
            node.place,
            "`policy.record_ttl` is neither `auto` nor a TTL in seconds. \
             Write `auto`, or 60 to 86400 without quotes.",
        );
    }
    None
}
