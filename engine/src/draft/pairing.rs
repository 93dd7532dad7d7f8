//! Which GitLab project belongs to which side.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{DraftSide, Ground, Leading, Owners, SideSurvey, Survey, host};

/// Sides with their projects: the one whose variables name hosts of that side, where that is one.
pub(super) fn paired(
    survey: &Survey,
    sides: &[&SideSurvey],
    owners: &Owners,
    leading: &Leading<'_>,
) -> Vec<DraftSide> {
    let votes = votes(survey, owners, leading);
    let mut projects: BTreeMap<usize, (&str, Ground)> = BTreeMap::new();
    for side in 0..sides.len() {
        let ours = votes.iter().filter(|((of, _), _)| *of == side);
        let best = first(ours.map(|((_, project), count)| (*project, *count)));
        // Each must be the other's first choice.
        let matched = best.filter(|best| {
            let its = votes.iter().filter(|((_, project), _)| project == best);
            first(its.map(|((of, _), count)| (*of, *count))) == Some(side)
        });
        if let Some(project) = matched {
            projects.insert(side, (project, Ground::Variables));
        }
    }
    let taken: BTreeSet<&str> = projects.values().map(|(project, _)| *project).collect();
    let all = survey.projects.keys().map(String::as_str);
    let free: Vec<&str> = all.filter(|project| !taken.contains(project)).collect();
    let open: Vec<usize> = (0..sides.len())
        .filter(|side| !projects.contains_key(side))
        .collect();
    if let ([side], [project], false) = (open.as_slice(), free.as_slice(), taken.is_empty()) {
        projects.insert(*side, (project, Ground::Left));
    }
    let mut names = BTreeSet::new();
    let named = sides.iter().enumerate().map(|(index, side)| {
        let (project, ground) = projects.get(&index).copied().unwrap_or_default();
        let last = project.rsplit('/').next().unwrap_or_default().to_owned();
        let mut choices = [last, plain(&side.profile)].into_iter();
        let name = choices.find(|name| !name.is_empty() && !names.contains(name));
        let name = name.unwrap_or_else(|| format!("side-{}", index + 1));
        names.insert(name.clone());
        DraftSide {
            name,
            project: project.to_owned(),
            ground,
            profile: side.profile.clone(),
            region: side.region.clone(),
        }
    });
    named.collect()
}

/// How many variables of a project name a host of a side, in the environment that they are for.
fn votes<'a>(
    survey: &'a Survey,
    owners: &Owners,
    leading: &Leading<'_>,
) -> BTreeMap<(usize, &'a str), usize> {
    let mut votes = BTreeMap::new();
    for (project, variables) in &survey.projects {
        for variable in variables {
            let host = host(&variable.value);
            let address = host.as_ref().and_then(|host| leading.get(host));
            if let Some((side, _, environment)) = address.and_then(|address| owners.get(address))
                && *environment == variable.scope
            {
                *votes.entry((*side, project.as_str())).or_default() += 1;
            }
        }
    }
    votes
}

/// What has more votes than all others; none where two have as many.
fn first<T>(votes: impl Iterator<Item = (T, usize)>) -> Option<T> {
    let mut votes: Vec<(T, usize)> = votes.collect();
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut votes = votes.into_iter();
    match (votes.next(), votes.next()) {
        (Some((_, most)), Some((_, next))) if most == next => None,
        (best, _) => best.map(|(what, _)| what),
    }
}

/// A profile's name as an infrastructure's.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    plain.trim_matches('-').to_owned()
}
