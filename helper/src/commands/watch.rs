//! `gigadb-roles watch`.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use gigadb_clients::{Lookout, Scope as Reads, Which, probe::ask_endpoints};
use gigadb_engine::{
    answer::Question,
    intent::infrastructure,
    message::Message,
    message::clock,
    name::{EnvironmentName, Hostname, InfrastructureName},
    roles,
    topology::Topology,
    watch::{Event, Goal, Phase, Said, Standing, Watch, Who},
    world::Reading,
};
use tokio_util::sync::CancellationToken;

use crate::{
    candidates,
    endpoints::{Asking, EndpointArgs},
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    planning::https,
    session::{Session, dns_settings},
    surroundings::now,
    ui::Ui,
    watching,
};

/// How long an endpoint is waited for.
const ENDPOINT: Duration = Duration::from_secs(5);
/// Who stands for the zone's servers where Cloudflare answers with its own addresses.
const THE_API: &str = "Cloudflare's API";

/// Follow a cutover until nobody can be led to the old addresses.
///
/// Asks the zones' name servers, the resolvers of the topology, and every endpoint of production's
/// names on both sides, again and again. A resolver may keep an answer for as long as its TTL
/// says: the end is one TTL after all name servers agree, or later where a resolver is seen to
/// keep an old answer for longer. Exits with 0 when the old side may be touched, and with 3 when
/// something is wrong. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles watch --environment live
  gigadb-roles watch -e live --production alt-gigadb-website   # also before it is swapped
  gigadb-roles watch -e live --format json | jq .phase")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    endpoints: EndpointArgs,

    /// The side that production's names shall lead to (default: the one that the apex leads to).
    #[arg(long, value_name = "INFRASTRUCTURE", add = ArgValueCandidates::new(candidates::infrastructures))]
    production: Option<String>,

    /// Ask everybody this often, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,

    /// Give up where the names do not lead there after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
}

/// Follows it to its end.
pub(super) async fn run(
    args: &WatchArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let asking = args.endpoints.open(global)?;
    let topology = &asking.session.topology;
    let goal = goal(args, &asking, cancel).await?;
    let asked: BTreeSet<&Hostname> = goal
        .names
        .iter()
        .filter(|(_, name)| !name.proxied)
        .map(|(hostname, _)| hostname)
        .collect();
    let dns = dns_settings()?;
    let source = dns.source();
    let lookout = Lookout::find(dns, &asked, &topology.resolvers).await;
    let lookout = lookout.map_err(|why| {
        let what = format!("It cannot be watched where production's names lead: {why}.");
        asking.without_dns(what, &source)
    })?;
    let round = Round {
        session: &asking.session,
        lookout,
        questions: questions(&goal),
        proxied: goal.names.iter().any(|(_, name)| name.proxied),
        ca_file: args.endpoints.ca_file.as_deref(),
    };
    let mut watch = Watch::new(goal, now(), args.timeout);
    let mut view = View::new(ui, global.format);
    loop {
        let events = round.ask(&asking.environment, cancel).await?;
        // An answer is never older than this.
        let at = now();
        for event in events {
            watch.hear(at, event);
        }
        let standing = watch.standing(at);
        view.show(watch.goal(), &standing, at)?;
        // Nobody would hear how it ends.
        if ui.is_unread() {
            return Ok(Exit::Interrupted);
        }
        match standing.phase {
            Phase::Over { since } => {
                ui.drawn();
                if global.format != Format::Json {
                    ui.answer(&watching::over(watch.goal(), &standing, since))?;
                }
                return Ok(Exit::Success);
            }
            Phase::Wrong => {
                ui.drawn();
                return Err(wrong(watch.goal(), &standing));
            }
            Phase::Moving | Phase::Unwell { .. } | Phase::RunningOut { .. } => {}
        }
        let pause = match standing.phase {
            Phase::RunningOut { until } => args.interval.min(until.saturating_sub(at).max(1)),
            _ => args.interval,
        };
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// Where production's names shall lead, with the addresses of every side.
async fn goal(
    args: &WatchArgs,
    asking: &Asking,
    cancel: &CancellationToken,
) -> Result<Goal, Failure> {
    let (topology, environment) = (&asking.session.topology, &asking.environment);
    let table = asking.table()?;
    let wanted = wanted(topology, args.production.as_deref())?;
    let mut observation = asking.observe(cancel).await?;
    roles::deduce(table, &mut observation);
    let Some(production) = wanted.or_else(|| observation.apex_holder(table).cloned()) else {
        return Err(Failure::refused(
            "It is not known to which side production's names shall lead: the apex leads to none \
             that is known.",
            format!("environment `{environment}`"),
            "Name the side with --production; `gigadb-roles status` shows what is known.",
        ));
    };
    let (mut goal, homeless) = Goal::new(topology, table, &observation, &production);
    for name in goal.names.values_mut() {
        name.protocols = asking.ports.of(std::mem::take(&mut name.protocols));
    }
    if let Some(hostname) = homeless.first() {
        return Err(Failure::refused(
            format!(
                "The address that `{hostname}` shall have on `{production}` is not known: its \
                 region could not be read, or has no such Elastic IP."
            ),
            format!("environment `{environment}`"),
            "Run `gigadb-roles check`, which tells what is missing there.",
        ));
    }
    Ok(goal)
}

fn wanted(topology: &Topology, text: Option<&str>) -> Result<Option<InfrastructureName>, Failure> {
    let found = text.map(|text| infrastructure(topology, "production", text));
    found.transpose().map_err(|error| {
        Failure::usage(
            format!("--production cannot be used: {error}."),
            "--production",
            "Name an infrastructure of the topology.",
        )
    })
}

/// Every protocol of every name, on every side whose address is known.
fn questions(goal: &Goal) -> Vec<(InfrastructureName, Question)> {
    let mut questions = Vec::new();
    for (hostname, name) in &goal.names {
        let new = (name.new, &goal.production);
        let old = name.old.iter().map(|(address, side)| (*address, side));
        for (address, side) in std::iter::once(new).chain(old) {
            for protocol in &name.protocols {
                let question = Question {
                    hostname: hostname.clone(),
                    address: IpAddr::V4(address),
                    protocol: *protocol,
                };
                questions.push((side.clone(), question));
            }
        }
    }
    questions
}

/// Everything that is asked again and again.
struct Round<'a> {
    session: &'a Session,
    lookout: Lookout,
    questions: Vec<(InfrastructureName, Question)>,
    proxied: bool,
    ca_file: Option<&'a str>,
}

impl Round<'_> {
    async fn ask(
        &self,
        environment: &EnvironmentName,
        cancel: &CancellationToken,
    ) -> Result<Vec<Event>, Failure> {
        let asked: Vec<Question> = self.questions.iter().map(|(_, q)| q.clone()).collect();
        let (mut events, answers, records) = tokio::join!(
            self.lookout.ask(),
            ask_endpoints(&asked, self.ca_file, ENDPOINT),
            self.records(environment, cancel),
        );
        let answers = answers.map_err(|error| https::impossible(&error))?;
        let sides = self.questions.iter().map(|(side, _)| side.clone());
        events.extend(
            sides
                .zip(answers)
                .map(|(side, (question, answer))| Event::Answered {
                    hostname: question.hostname,
                    side,
                    protocol: question.protocol,
                    answer,
                }),
        );
        events.extend(records);
        Ok(events)
    }

    /// What the API says of names whose records DNS does not show.
    async fn records(
        &self,
        environment: &EnvironmentName,
        cancel: &CancellationToken,
    ) -> Vec<Event> {
        if !self.proxied {
            return Vec::new();
        }
        let reads = Reads {
            environments: Which::one(environment.clone()),
            records: true,
            variables: Which::none(),
            sides: Which::none(),
        };
        let observed = self.session.observe(&reads, cancel).await;
        let records = observed.world.records.values();
        let records = records.filter_map(Reading::read).flatten();
        let mut found: BTreeMap<Hostname, BTreeSet<IpAddr>> = BTreeMap::new();
        for record in records.filter(|record| record.proxied) {
            let addresses = found.entry(record.name.clone()).or_default();
            addresses.extend(record.content.parse::<IpAddr>());
        }
        let said = |(hostname, addresses)| Event::Said {
            hostname,
            who: Who::Server(THE_API.to_owned()),
            said: Ok(Said { addresses, ttl: 0 }),
        };
        found.into_iter().map(said).collect()
    }
}

/// How it is shown: a table that is drawn again on a terminal, else what is new.
struct View<'a> {
    ui: &'a Ui,
    format: Format,
    told: BTreeMap<String, String>,
    last: Option<Standing>,
}

impl<'a> View<'a> {
    fn new(ui: &'a Ui, format: Format) -> Self {
        Self {
            ui,
            format,
            told: BTreeMap::new(),
            last: None,
        }
    }

    fn show(&mut self, goal: &Goal, standing: &Standing, at: u64) -> Result<(), Failure> {
        if self.format == Format::Json {
            if self.last.as_ref() != Some(standing) {
                self.ui.answer(&watching::json(goal, standing, at))?;
                self.last = Some(standing.clone());
            }
            return Ok(());
        }
        if self.ui.can_draw() {
            self.ui
                .draw(|width| watching::table(goal, standing, at, width));
            return Ok(());
        }
        let lines = watching::lines(goal, standing);
        for (about, line) in &lines {
            if self.told.get(about) != Some(line) {
                self.ui.answer(&format!("{} {line}", clock(at)))?;
            }
        }
        self.told = lines;
        Ok(())
    }
}

fn wrong(goal: &Goal, standing: &Standing) -> Failure {
    let faults = if standing.faults.is_empty() {
        "the name servers do not all lead there".to_owned()
    } else {
        standing.faults.join("; ")
    };
    Failure::with(
        Exit::PartlyApplied,
        Message::nothing_changed(
            format!(
                "The cutover of `{}` to `{}` is not over: {faults}.",
                goal.environment, goal.production
            ),
            format!("environment `{}`", goal.environment),
            "Leave the old side serving, remove the cause, and watch again.",
        ),
    )
    .answered()
}
