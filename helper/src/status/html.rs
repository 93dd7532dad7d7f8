//! The status as a page: who holds which role, who serves which name, what disagrees, past runs.

use gigadb_engine::{topology::Topology, view::Status};
use jiff::Timestamp;

use super::{Report, text::sentence};
use crate::{
    page::{Html, Page, Tone},
    review::regions::place,
};

/// A past run for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) environment: String,
    pub(crate) started: String,
    pub(crate) what: String,
    pub(crate) reason: String,
    pub(crate) ended: String,
    /// Who ran it.
    pub(crate) by: String,
}

/// Runs that are shown of each environment, the newest first.
const RUNS: usize = 10;

/// Renders the page. `past` are the runs that are known, and why some are not; `source` tells the records, `now` is when they were read.
pub(crate) fn render(
    topology: &Topology,
    reports: &[Report],
    (past, untold): (&[Past], &[String]),
    source: &str,
    now: u64,
) -> String {
    let mut page = Page::new("Who holds which role");
    for report in reports {
        environment(&mut page, topology, report);
        runs(&mut page, report, past, untold);
    }
    let at = i64::try_from(now).map(Timestamp::from_second);
    let at = match at {
        Ok(Ok(at)) => at.strftime("%-d %B %Y at %H:%M:%S UTC").to_string(),
        _ => "a time that is not known".to_owned(),
    };
    page.end(&Html::text(&format!(
        "Records from {source}, read on {at}. This page does not change by itself."
    )))
}

fn environment(page: &mut Page, topology: &Topology, report: &Report) {
    let tone = match report.status {
        Status::Consistent | Status::Prepared => Tone::Good,
        Status::Mixed => Tone::Warn,
        Status::Unknown => Tone::Bad,
    };
    let state = Html::word(tone, report.status.as_str());
    page.heading(
        2,
        &Html::text(&format!("{}: ", report.environment)).then(&state),
    );
    match &report.roles {
        Ok(pair) => {
            let side = |name| {
                let region = topology.infrastructures.get(name);
                let region = region.map_or("region not known", |side| place(&side.aws.region));
                Html::code(&format!("{name}")).then(&Html::text(&format!(" ({region})")))
            };
            page.paragraph(
                &Html::text("Production is ")
                    .then(&side(&pair.production))
                    .then(&Html::text(", hot standby is "))
                    .then(&side(&pair.hot_standby))
                    .then(&Html::text(".")),
            );
        }
        Err(reason) => page.paragraph(&Html::line(&format!(
            "It is not clear who has which role: {reason}."
        ))),
    }
    let doubts = report.doubts.iter();
    let said = report.disagreements.iter().map(sentence);
    let said = said.chain(
        doubts
            .chain(&report.ambiguous)
            .chain(&report.unread)
            .cloned(),
    );
    page.list(said.map(|line| Html::line(&format!("{}.", line.trim_end_matches('.')))));
    let mut sides: Vec<_> = topology.infrastructures.iter().collect();
    sides.sort_by_key(|(name, _)| (report.role_of(name).is_none(), report.role_of(name)));
    page.table(
        &[
            "Side",
            "Role",
            "Region",
            "GitLab project",
            "AWS profile",
            "Release",
        ],
        sides.into_iter().map(|(name, side)| {
            let role = match (&report.roles, report.role_of(name)) {
                (Err(_), _) => "unclear",
                (Ok(_), None) => "none",
                (Ok(_), Some(role)) => role.as_str(),
            };
            vec![
                Html::code(name.as_str()),
                Html::text(&role.replace('_', " ")),
                Html::text(place(&side.aws.region)),
                Html::code(&side.gitlab_project),
                Html::code(&side.aws.profile),
                Html::text(report.release_of(name).as_str()),
            ]
        }),
    );
    let Some(view) = &report.view else {
        return;
    };
    let mut names: Vec<_> = view.hostnames.iter().collect();
    names.sort_by_key(|(name, seen)| (seen.role, *name));
    page.table(
        &["Name", "Role", "Served by", "Address", "Endpoint"],
        names.into_iter().map(|(name, seen)| {
            let address = seen.address.map(|address| address.to_string());
            let address = address.map_or_else(|| Html::text("not known"), |a| Html::code(&a));
            let side = seen.infrastructure.as_ref();
            let side = match (side, seen.address) {
                (Some(side), _) => Html::code(side.as_str()),
                (None, Some(_)) => Html::word(Tone::Bad, "neither side"),
                (None, None) => Html::text("not known"),
            };
            vec![
                Html::code(name.as_str()),
                Html::text(&seen.role.as_str().replace('_', " ")),
                side,
                address,
                Html::text(seen.endpoint.as_str()),
            ]
        }),
    );
}

fn runs(page: &mut Page, report: &Report, past: &[Past], untold: &[String]) {
    let of_this = past
        .iter()
        .filter(|run| run.environment == report.environment.as_str());
    let runs: Vec<&Past> = of_this.take(RUNS).collect();
    page.heading(3, &Html::text("Past runs"));
    if !runs.is_empty() {
        page.table(
            &["Began", "What", "Reason", "Ended", "By"],
            runs.into_iter().map(|run| {
                let cells = [&run.started, &run.what, &run.reason, &run.ended, &run.by];
                cells.map(|text| Html::text(text)).into()
            }),
        );
    } else if untold.is_empty() {
        page.paragraph(&Html::text("No run of this environment is known here."));
    }
    for why in untold {
        page.paragraph(&Html::text(why));
    }
}
