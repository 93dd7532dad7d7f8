//! What is likely, from what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use super::{
    found::{
        Draft, DraftEnvironment, DraftSide, Ground, Leading, Owners, SideSurvey, Survey, rows,
    },
    gaps,
    pairing::paired,
};
use crate::{
    foreign::Foreign,
    name::{Hostname, Role},
    world::{Record, RecordType},
};

/// The words that environments are usually called, where no variable's scope tells.
const USUAL: [&str; 4] = ["live", "staging", "production", "dev"];
const ENVIRONMENT: &str = "{environment}";
/// What stands for a project that is not known.
const UNKNOWN: &str = "group/project-";

/// The topology that what was found makes likely.
pub fn guess(survey: &Survey) -> Draft {
    let names = environment_names(survey);
    let mut draft = Draft {
        endpoints: endpoints(survey, &names),
        ..Draft::default()
    };
    let sides: Vec<&SideSurvey> = sides(survey, &draft.endpoints, &names);
    let owners = owners(&sides, &draft.endpoints, &names);
    let leading = leading(survey);
    draft.sides = paired(survey, &sides, &owners, &leading);
    let mut left_out = Vec::new();
    for name in &names {
        let found = environment(survey, name, &owners, &leading, &draft.sides);
        let Some(environment) = found else {
            left_out.push(format!(
                "No name was found that leads to an Elastic IP of `{name}`: the environment is \
                 left out."
            ));
            continue;
        };
        let gaps = gaps::gaps(survey, &draft, name, &environment);
        draft.missing.extend(gaps);
        draft.environments.insert(name.clone(), environment);
    }
    if !draft.environments.is_empty() {
        draft.missing.extend(left_out);
    }
    draft.unread.clone_from(&survey.unread);
    draft.fill_in(survey);
    draft
}

/// The scopes of variables that stand in the name of an Elastic IP, else the usual words that do.
fn environment_names(survey: &Survey) -> BTreeSet<String> {
    let eips: BTreeSet<&str> = survey
        .sides
        .iter()
        .flat_map(|side| &side.found.elastic_ips)
        .map(|eip| eip.name.as_str())
        .collect();
    let used = |word: &str| eips.iter().any(|eip| template(eip, word).is_some());
    let scopes = survey.projects.values().flatten();
    let scopes: BTreeSet<String> = scopes
        .map(|variable| variable.scope.clone())
        .filter(|scope| used(scope))
        .collect();
    if scopes.is_empty() {
        let usual = USUAL.into_iter().filter(|word| used(word));
        return usual.map(str::to_owned).collect();
    }
    scopes
}

/// A name with the environment's in braces, where it holds that as a word.
fn template(name: &str, environment: &str) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    for (at, _) in name.match_indices(environment) {
        let before = name[..at].chars().next_back();
        let after = name[at + environment.len()..].chars().next();
        if !before.is_some_and(is_word) && !after.is_some_and(is_word) {
            let rest = &name[at + environment.len()..];
            return Some(format!("{}{ENVIRONMENT}{rest}", &name[..at]));
        }
    }
    None
}

/// The templates that most sides share, each with the instance's beside it.
fn endpoints(
    survey: &Survey,
    names: &BTreeSet<String>,
) -> BTreeMap<String, (String, Option<String>)> {
    let mut found: BTreeMap<String, (BTreeSet<usize>, Option<String>)> = BTreeMap::new();
    for (index, side) in survey.sides.iter().enumerate() {
        for eip in &side.found.elastic_ips {
            for name in names {
                let Some(eip_template) = template(&eip.name, name) else {
                    continue;
                };
                let instances = side.found.instances.iter();
                let mut instances =
                    instances.filter(|one| Some(&one.id) == eip.instance_id.as_ref());
                let instance = instances.find_map(|one| template(&one.name, name));
                let entry = found.entry(eip_template).or_default();
                entry.0.insert(index);
                entry.1 = entry.1.take().or(instance);
            }
        }
    }
    let most = found.values().map(|(sides, _)| sides.len()).max();
    found.retain(|_, (sides, _)| Some(sides.len()) == most);
    let words: Vec<BTreeSet<&str>> = found.keys().map(|text| words(text)).collect();
    let common: BTreeSet<&str> = words.first().map_or_else(BTreeSet::new, |first| {
        let shared = first
            .iter()
            .filter(|w| words.iter().all(|all| all.contains(*w)));
        shared.copied().collect()
    });
    found
        .iter()
        .map(|(eip, (_, instance))| {
            let own: Vec<&str> = eip
                .split(['-', '_', ' '])
                .filter(|word| !word.is_empty() && !common.contains(word))
                .filter(|word| *word != ENVIRONMENT)
                .collect();
            let name = if own.is_empty() {
                "web".to_owned()
            } else {
                own.join("-")
            };
            (name, (eip.clone(), instance.clone()))
        })
        .collect()
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(['-', '_', ' ']).collect()
}

/// The profiles whose regions have Elastic IPs of these endpoints. Two profiles that see the same
/// addresses are one side.
fn sides<'a>(
    survey: &'a Survey,
    endpoints: &BTreeMap<String, (String, Option<String>)>,
    names: &BTreeSet<String>,
) -> Vec<&'a SideSurvey> {
    let mut seen: BTreeSet<Vec<Ipv4Addr>> = BTreeSet::new();
    let has = |side: &&SideSurvey| {
        let eips = side.found.elastic_ips.iter();
        let ours = eips.filter(|eip| {
            names.iter().any(|name| {
                let found = template(&eip.name, name);
                found.is_some_and(|found| endpoints.values().any(|(eip, _)| *eip == found))
            })
        });
        let mut addresses: Vec<Ipv4Addr> = ours.map(|eip| eip.address).collect();
        addresses.sort_unstable();
        !addresses.is_empty() && seen.insert(addresses)
    };
    survey.sides.iter().filter(has).collect()
}

fn owners(
    sides: &[&SideSurvey],
    endpoints: &BTreeMap<String, (String, Option<String>)>,
    names: &BTreeSet<String>,
) -> Owners {
    let mut owners = Owners::new();
    for (index, side) in sides.iter().enumerate() {
        for (endpoint, (eip, _)) in endpoints {
            for name in names {
                let wanted = eip.replace(ENVIRONMENT, name);
                let found = side
                    .found
                    .elastic_ips
                    .iter()
                    .filter(|one| one.name == wanted);
                for one in found {
                    owners.insert(one.address, (index, endpoint.clone(), name.clone()));
                }
            }
        }
    }
    owners
}

fn leading<'a>(survey: &'a Survey) -> Leading<'a> {
    let mut records: BTreeMap<&'a Hostname, Vec<&'a Record>> = BTreeMap::new();
    for record in &survey.records {
        records.entry(&record.name).or_default().push(record);
    }
    let single = |(name, records): (&'a Hostname, Vec<&Record>)| match records.as_slice() {
        [one] if one.record_type == RecordType::A => Some((name, one.address()?)),
        _ => None,
    };
    records.into_iter().filter_map(single).collect()
}

/// The environment; none where no name leads to it.
fn environment(
    survey: &Survey,
    name: &str,
    owners: &Owners,
    leading: &Leading<'_>,
    sides: &[DraftSide],
) -> Option<DraftEnvironment> {
    let mut by_side: BTreeMap<usize, BTreeMap<Hostname, String>> = BTreeMap::new();
    for (hostname, address) in leading {
        if let Some((side, endpoint, environment)) = owners.get(address)
            && environment == name
        {
            let names = by_side.entry(*side).or_default();
            names.insert((*hostname).clone(), endpoint.clone());
        }
    }
    // Production has the name that people know: the fewest labels, then the shortest.
    let of_zone = |hostname: &Hostname| {
        let zones = survey.zones.iter();
        zones.filter_map(|zone| hostname.labels_below(zone)).min()
    };
    let mut known: Vec<((usize, usize), usize, &Hostname)> = by_side
        .iter()
        .filter_map(|(side, names)| {
            let ranks = names
                .keys()
                .filter_map(|host| Some(((of_zone(host)?, host.as_str().len()), *side, host)));
            ranks.min()
        })
        .collect();
    known.sort_unstable();
    let (production, told_by) = match known.as_slice() {
        [] => return None,
        // Whether there are shorter names than these is known where all were read.
        [(first, side, host), (second, ..), ..] if survey.has_all_records && first != second => {
            (*side, Some((*host).clone()))
        }
        [(_, side, _), ..] => (*side, None),
    };
    let others = by_side.keys().filter(|side| **side != production);
    let most = others.max_by_key(|side| by_side[side].len()).copied();
    let standby = most.or_else(|| (0..sides.len()).find(|side| *side != production));
    let mut of = |side: Option<usize>| side.and_then(|side| by_side.remove(&side));
    let hostnames = [of(Some(production)), of(standby)].map(Option::unwrap_or_default);
    let rows = |side: Option<usize>| rows(survey, name, side, sides).unwrap_or_default();
    let (here, there) = (rows(Some(production)), rows(standby));
    let mut variables = [BTreeMap::new(), BTreeMap::new()];
    for (key, value) in &here {
        // What is the same on both sides follows no role.
        let Some(other) = there.get(key).filter(|other| *other != value) else {
            continue;
        };
        for (role, value) in Role::ALL.into_iter().zip([value, other]) {
            variables[usize::from(role == Role::HotStandby)]
                .insert((*key).to_owned(), (*value).to_owned());
        }
    }
    Some(DraftEnvironment {
        production,
        told_by,
        standby,
        left_out: by_side
            .into_values()
            .flat_map(BTreeMap::into_keys)
            .collect(),
        hostnames,
        variables,
    })
}

impl Draft {
    /// Puts something in the place of what was not found, and says so.
    fn fill_in(&mut self, survey: &Survey) {
        if self.endpoints.is_empty() {
            let web = (
                "eip-{environment}".to_owned(),
                Some("web_{environment}".to_owned()),
            );
            self.has_no_endpoints = true;
            self.endpoints.insert("web".to_owned(), web);
            self.missing.push("No Elastic IPs were found whose names hold an environment's: write the names under `endpoints`.".to_owned());
        }
        for number in self.sides.len()..2 {
            self.sides.push(DraftSide {
                name: format!("side-{}", number + 1),
                project: String::new(),
                ground: Ground::None,
                profile: format!("PROFILE-{}", number + 1),
                region: ["eu-west-1", "eu-west-2"][number].to_owned(),
            });
            self.missing.push(format!(
                "Fewer than two sides were found in AWS: write the profile and region of `side-{}`.",
                number + 1
            ));
        }
        let taken: BTreeSet<&str> = self
            .sides
            .iter()
            .map(|side| side.project.as_str())
            .collect();
        let free = survey
            .projects
            .keys()
            .filter(|one| !taken.contains(one.as_str()));
        let free: Vec<String> = free.map(|one| format!("`{}`", Foreign(one))).collect();
        for (number, side) in self.sides.iter_mut().enumerate() {
            if side.project.is_empty() {
                side.project = format!("{UNKNOWN}{}", number + 1);
                let choice = if free.is_empty() {
                    String::new()
                } else {
                    format!(", which may be {}", free.join(" or "))
                };
                self.missing.push(format!(
                    "The GitLab project of `{}` is not known: write its path{choice}.",
                    side.name
                ));
            }
        }
        if self.environments.is_empty() {
            let endpoint = self.endpoints.keys().next().cloned().unwrap_or_default();
            let names = |text: &str| {
                let name = text.parse().ok();
                name.map(|name| (name, endpoint.clone()))
                    .into_iter()
                    .collect()
            };
            let environment = DraftEnvironment {
                hostnames: [names("www.example.org"), names("alt.example.org")],
                ..DraftEnvironment::default()
            };
            self.environments.insert("live".to_owned(), environment);
            self.missing.push("No names were found that lead to an Elastic IP: write those of both roles under `environments`.".to_owned());
        }
    }
}
