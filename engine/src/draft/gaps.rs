//! What a draft leaves out: told, because nobody misses what was never there.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Draft, DraftEnvironment, Survey, host, rows};
use crate::{
    foreign::Foreign,
    name::Hostname,
    world::{Record, RecordType},
};

/// What could not be told of one environment: sentences.
pub(super) fn gaps(
    survey: &Survey,
    draft: &Draft,
    name: &str,
    environment: &DraftEnvironment,
) -> Vec<String> {
    let sides = [Some(environment.production), environment.standby];
    let place = Place {
        survey,
        draft,
        environment,
        titles: sides.map(|side| {
            let found = side.and_then(|side| draft.sides.get(side));
            found.map_or_else(|| "the other side".to_owned(), |side| quoted(&side.name))
        }),
        rows: sides.map(|side| rows(survey, name, side, &draft.sides)),
    };
    let found = [place.names(), place.hosts(), place.variables()].concat();
    let here = found
        .into_iter()
        .map(|gap| format!("In `{}`, {gap}.", Foreign(name)));
    here.collect()
}

/// An environment, with both roles' sides.
struct Place<'a> {
    survey: &'a Survey,
    draft: &'a Draft,
    environment: &'a DraftEnvironment,
    titles: [String; 2],
    rows: [Option<BTreeMap<&'a str, &'a str>>; 2],
}

impl Place<'_> {
    /// Names that one role has and the other has not, and names that neither has.
    fn names(&self) -> Vec<String> {
        let [production, standby] = &self.environment.hostnames;
        let [one, other] = &self.titles;
        if standby.is_empty() {
            return vec![format!(
                "names were found that lead to {one}, and none that lead to another side: see                  which role they belong to, and write those of the other one"
            )];
        }
        let mut gaps = Vec::new();
        if self.environment.told_by.is_none() {
            gaps.push(format!(
                "it could not be found out whether {one} or {other} is production: see which names                  belong to which role"
            ));
        }
        for endpoint in self.draft.endpoints.keys() {
            let has = |names: &BTreeMap<_, String>| names.values().any(|one| one == endpoint);
            let (with, without) = match (has(production), has(standby)) {
                (true, false) => ("production", "the hot standby"),
                (false, true) => ("the hot standby", "production"),
                _ => continue,
            };
            gaps.push(format!(
                "a name of {with} leads to endpoint {}, and none of {without} does",
                quoted(endpoint)
            ));
        }
        if !self.environment.left_out.is_empty() {
            let names = self.environment.left_out.iter();
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            gaps.push(format!(
                "names lead to a third side and are left out: {}",
                names.join(", ")
            ));
        }
        gaps
    }

    /// Hosts that variables name and that no role has.
    fn hosts(&self) -> Vec<String> {
        let known = |host: &Hostname| {
            let mut roles = self.environment.hostnames.iter();
            roles.any(|names| names.contains_key(host)) || self.environment.left_out.contains(host)
        };
        let mut unknown: BTreeMap<Hostname, BTreeSet<String>> = BTreeMap::new();
        for (rows, title) in self.rows.iter().zip(&self.titles) {
            for (key, value) in rows.iter().flatten() {
                if let Some(host) = host(value).filter(|host| !known(host)) {
                    let place = format!("{} of {title}", quoted(key));
                    unknown.entry(host).or_default().insert(place);
                }
            }
        }
        let told = unknown.into_iter().map(|(host, places)| {
            let records = self.survey.records.iter();
            let records: Vec<&Record> = records.filter(|record| record.name == host).collect();
            let why = match records.as_slice() {
                [] => "has no record that was read".to_owned(),
                [one] if one.record_type == RecordType::A => format!(
                    "leads to {}, which is no Elastic IP of these endpoints",
                    Foreign(&one.content)
                ),
                _ => "does not lead to an Elastic IP by one A record".to_owned(),
            };
            let places: Vec<String> = places.into_iter().collect();
            format!(
                "`{host}` is left out: it {why}, and is the value of {}",
                places.join(" and ")
            )
        });
        told.collect()
    }

    /// Variables that name hosts and do not differ by role.
    fn variables(&self) -> Vec<String> {
        if self.rows.iter().flatten().all(BTreeMap::is_empty) {
            return vec![
                "no variable was found that names a host: write those whose values follow the role"
                    .to_owned(),
            ];
        }
        let mut gaps = Vec::new();
        for (here, there) in [(0, 1), (1, 0)] {
            let theirs = self.rows[there].as_ref();
            let lacks = |key: &str| !theirs.is_some_and(|rows| rows.contains_key(key));
            let keys = self.rows[here].iter().flat_map(BTreeMap::keys);
            let keys: Vec<String> = keys
                .filter(|key| lacks(key))
                .map(|key| quoted(key))
                .collect();
            if keys.is_empty() {
                continue;
            }
            let other = &self.titles[there];
            let why = match theirs {
                Some(_) => format!("no such variable was found of {other}"),
                None => format!("the variables of {other} were not read"),
            };
            gaps.push(format!(
                "hosts are named by {} of {}, and {why}: where values follow the role, write both                  roles' values",
                keys.join(", "),
                self.titles[here]
            ));
        }
        let [Some(ours), Some(theirs)] = &self.rows else {
            return gaps;
        };
        let same = ours
            .iter()
            .filter(|(key, value)| theirs.get(*key) == Some(value));
        let same: Vec<String> = same.map(|(key, _)| quoted(key)).collect();
        if !same.is_empty() {
            gaps.push(format!(
                "both projects have one value for {}: where it should follow the role, write both                  roles' values",
                same.join(", ")
            ));
        }
        gaps
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", Foreign(text))
}
