//! The section `infrastructures`, and what may not be the same on two sides.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Aws, Infrastructure, NameTemplate, Place, Ssh,
    known::{Known, KnownEndpoint, Placed, flat},
    reader::{Entry, Fields, Reader, join},
    template::{self, Owner, needs_owner},
    yaml::Node,
};
use crate::name::{EndpointName, InfrastructureName};

const KEYS: [&str; 8] = [
    "checkout",
    "gitlab_project",
    "aws",
    "owner",
    "eips",
    "instances",
    "ssh",
    "terraform_state",
];

/// What belongs to one side alone, by who named it first.
#[derive(Debug, Default)]
struct Taken<'e> {
    projects: BTreeMap<String, (&'e InfrastructureName, Place)>,
    accounts: BTreeMap<(String, String), (&'e InfrastructureName, Place)>,
    /// The owners with which the endpoints' own Elastic IP names have been compared.
    judged_owners: BTreeSet<Option<String>>,
}

/// Reads all infrastructures; those with faults are left out.
pub(super) fn infrastructures(
    reader: &mut Reader,
    entries: &[Entry<InfrastructureName>],
    known: &Known,
) -> BTreeMap<InfrastructureName, Infrastructure> {
    let mut taken = Taken::default();
    entries
        .iter()
        .filter_map(|entry| {
            let infrastructure = infrastructure(reader, entry, known, &mut taken)?;
            Some((entry.name.clone(), infrastructure))
        })
        .collect()
}

fn infrastructure<'e>(
    reader: &mut Reader,
    entry: &'e Entry<InfrastructureName>,
    known: &Known,
    taken: &mut Taken<'e>,
) -> Option<Infrastructure> {
    let path = join("infrastructures", entry.name.as_str());
    let fields = reader.fields(entry.place, entry.value, &path, &KEYS)?;
    let optional = |reader: &mut Reader, key: &str| {
        fields
            .get(key)
            .map(|node| reader.text(node, &fields.path(key)).map(str::to_owned))
    };
    let checkout = optional(reader, "checkout");
    let owner = optional(reader, "owner");
    let gitlab_project = gitlab_project(reader, &fields, &entry.name, taken);
    let aws = aws(reader, &fields, &entry.name, taken);
    let eips = names(reader, &fields, "eips", known);
    let instances = names(reader, &fields, "instances", known);
    let ssh = fields.get("ssh").map(|node| ssh(reader, &fields, node));
    let terraform_state = fields.get("terraform_state").map(|node| {
        let path = fields.path("terraform_state");
        let state = reader.fields(fields.place_of("terraform_state"), node, &path, &["name"])?;
        let name = state.required(reader, "name", "name: \"{environment}_infra\"")?;
        let value = template::read(reader, name, &state.path("name"), Owner::Elsewhere)?;
        let place = name.place;
        Some(Placed { place, value })
    });

    let own: Vec<&Placed<NameTemplate>> = eips
        .iter()
        .chain(instances.iter())
        .flat_map(BTreeMap::values)
        .chain(terraform_state.iter().flatten())
        .collect();
    if fields.get("owner").is_none() {
        owner_is_missing(reader, entry, &own, known, (&eips, &instances));
    }
    if let (Some(eips), Some(owner)) = (&eips, flat(owner.clone())) {
        // Sides without names of their own differ in the owner alone.
        let key = owner.clone().filter(|_| known.eips_need_owner());
        if !eips.is_empty() || taken.judged_owners.insert(key) {
            addresses_are_distinct(reader, eips, owner.as_deref(), known);
        }
    }
    Some(Infrastructure {
        checkout: flat(checkout)?,
        gitlab_project: gitlab_project?,
        aws: aws?,
        owner: flat(owner)?,
        eips: values(eips?),
        instances: values(instances?),
        ssh: flat(ssh)?,
        terraform_state: flat(terraform_state)?.map(|p| p.value),
    })
}

type Names = BTreeMap<EndpointName, Placed<NameTemplate>>;

fn values(names: Names) -> BTreeMap<EndpointName, NameTemplate> {
    names.into_iter().map(|(e, p)| (e, p.value)).collect()
}

fn gitlab_project<'e>(
    reader: &mut Reader,
    fields: &Fields,
    name: &'e InfrastructureName,
    taken: &mut Taken<'e>,
) -> Option<String> {
    let node = fields.required(
        reader,
        "gitlab_project",
        "gitlab_project: gigascience/upstream/gigadb-website",
    )?;
    let project = template::gitlab_project(reader, node, &fields.path("gitlab_project"))?;
    // GitLab tells paths apart without regard to case.
    if let Some((other, first)) = taken.projects.get(&project.to_ascii_lowercase()) {
        reader.fault(
            node.place,
            format!(
                "`{project}` is the GitLab project of `{other}` too ({first}), and each side has \
                 its own. Write the project of `{name}`."
            ),
        );
        return None;
    }
    taken
        .projects
        .insert(project.to_ascii_lowercase(), (name, node.place));
    Some(project)
}

fn aws<'e>(
    reader: &mut Reader,
    fields: &Fields,
    name: &'e InfrastructureName,
    taken: &mut Taken<'e>,
) -> Option<Aws> {
    let node = fields.required(
        reader,
        "aws",
        "aws: { profile: Upstream, region: ap-east-1 }",
    )?;
    let place = fields.place_of("aws");
    let aws = reader.fields(place, node, &fields.path("aws"), &["profile", "region"])?;
    let profile = aws
        .required(reader, "profile", "profile: Upstream")
        .and_then(|node| reader.text(node, &aws.path("profile")));
    let region = aws
        .required(reader, "region", "region: ap-east-1")
        .and_then(|node| template::region(reader, node, &aws.path("region")));
    let aws = Aws {
        profile: profile?.to_owned(),
        region: region?,
    };
    let account = (aws.profile.clone(), aws.region.clone());
    if let Some((other, first)) = taken.accounts.get(&account) {
        reader.fault(
            place,
            format!(
                "Profile `{}` in region `{}` is where `{other}` is too ({first}), and each side \
                 has its own. Write the profile and region of `{name}`.",
                aws.profile, aws.region
            ),
        );
        return None;
    }
    taken.accounts.insert(account, (name, place));
    Some(aws)
}

/// `eips` or `instances`: names that differ from the endpoints' own.
fn names(reader: &mut Reader, fields: &Fields, key: &str, known: &Known) -> Option<Names> {
    let Some(node) = fields.get(key) else {
        return Some(Names::new());
    };
    let path = fields.path(key);
    let expected = "the names that differ, by endpoint, as in `{ web: \"…\" }`";
    let entries = reader.named::<EndpointName>(node, &path, expected)?;
    let mut names = Names::new();
    for Entry { name, place, value } in entries {
        let endpoint = known.endpoint(reader, place, name.as_str());
        let path = join(&path, name.as_str());
        let template = template::read(reader, value, &path, Owner::Elsewhere);
        if let (Some(endpoint), Some(template)) = (endpoint, template) {
            let place = value.place;
            let value = template;
            names.insert(endpoint, Placed { place, value });
        }
    }
    Some(names)
}

fn ssh(reader: &mut Reader, fields: &Fields, node: &Node) -> Option<Ssh> {
    let place = fields.place_of("ssh");
    let keys = ["user", "private_key", "bastion_user"];
    let ssh = reader.fields(place, node, &fields.path("ssh"), &keys)?;
    let user = ssh
        .required(reader, "user", "user: centos")
        .and_then(|node| template::login(reader, node, &ssh.path("user")));
    let private_key = ssh.get("private_key").map(|node| {
        reader
            .text(node, &ssh.path("private_key"))
            .map(str::to_owned)
    });
    let bastion_user = match ssh.get("bastion_user") {
        Some(node) => template::login(reader, node, &ssh.path("bastion_user")),
        None => user.clone(),
    };
    Some(Ssh {
        user: user?,
        private_key: flat(private_key)?,
        bastion_user: bastion_user?,
    })
}

/// Names every template that this side would have to fill with an owner it does not have: its own
/// where they stand, the endpoints' where the side begins.
fn owner_is_missing(
    reader: &mut Reader,
    entry: &Entry<InfrastructureName>,
    own: &[&Placed<NameTemplate>],
    known: &Known,
    (eips, instances): (&Option<Names>, &Option<Names>),
) {
    let name = &entry.name;
    for template in own.iter().filter(|t| needs_owner(&t.value)) {
        reader.fault(
            template.place,
            format!(
                "`{}` needs an owner, and `infrastructures.{name}` has none. \
                 Add `owner` to `{name}`, or write the name without `{{owner}}`.",
                template.value.as_str()
            ),
        );
    }
    let overridden = |names: &Option<Names>, endpoint: &EndpointName| {
        names.as_ref().is_none_or(|n| n.contains_key(endpoint))
    };
    let inherited = known
        .endpoints
        .iter()
        .flat_map(|(endpoint, KnownEndpoint { eip, instance })| {
            let of = |key, template: &Option<Placed<NameTemplate>>, names| {
                template
                    .as_ref()
                    .filter(|t| needs_owner(&t.value) && !overridden(names, endpoint))
                    .map(|_| format!("`endpoints.{endpoint}.{key}`"))
            };
            [of("eip", eip, eips), of("instance", instance, instances)]
        })
        .flatten()
        .collect::<Vec<_>>();
    if !inherited.is_empty() {
        reader.fault(
            entry.place,
            format!(
                "`infrastructures.{name}` has no `owner`, and {} needs one. \
                 Add `owner: gigadb`, or the names that differ under `eips` and `instances`.",
                inherited.join(", ")
            ),
        );
    }
}

/// Two endpoints of one side cannot have one address.
fn addresses_are_distinct(reader: &mut Reader, eips: &Names, owner: Option<&str>, known: &Known) {
    let mut seen: BTreeMap<String, (&EndpointName, bool, Place)> = BTreeMap::new();
    for (endpoint, of_endpoint) in &known.endpoints {
        let own = eips.get(endpoint);
        let Some(eip) = own.or(of_endpoint.eip.as_ref()) else {
            continue;
        };
        let filled: Vec<String> = if known.environments.is_empty() {
            vec![eip.value.as_str().to_owned()]
        } else {
            known
                .environments
                .iter()
                .map(|environment| eip.value.fill(environment, owner))
                .collect()
        };
        for name in filled {
            match seen.get(&name) {
                Some((other, ..)) if *other == endpoint => {}
                Some((other, other_is_own, other_place)) => {
                    // Where only one of the two is written for this side, that one is the slip.
                    let (place, this, that) = if own.is_none() && *other_is_own {
                        (*other_place, *other, endpoint)
                    } else {
                        (eip.place, endpoint, *other)
                    };
                    reader.fault(
                        place,
                        format!(
                            "`{name}` is the Elastic IP of both `{this}` and `{that}`, and each \
                             endpoint has its own address. Write the name of `{this}`'s own."
                        ),
                    );
                    break;
                }
                None => {
                    seen.insert(name, (endpoint, own.is_some(), eip.place));
                }
            }
        }
    }
}
