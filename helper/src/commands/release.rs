//! `gigadb-roles release`.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;
use gigadb_engine::{
    intent::{Arrangement, Mode},
    release::{
        Back, Begin, End, EndedAs, Interlock, Kind, Mark, Override, Process, Record, Step, open,
    },
    rules::{Rule, UnknownRule},
};
use tokio_util::sync::CancellationToken;

use super::swap::Change;
use crate::{
    candidates, dumps,
    exit::Exit,
    failure::Failure,
    global::{Format, Global},
    named::OneEnvironment,
    planning::{self, Goal, PlanOptions, https::HttpsOptions, one_line},
    releasing::{
        self, Desk,
        carry::{Carry, Roles},
        store::Store,
        text,
    },
    running::{Control, Verb, view::RunView},
    session::{Session, Waiting},
    surroundings,
    ui::Ui,
};

/// Take a release through its procedure, step by step, as a team.
///
/// What was done, when and by whom is kept in a Terraform state of GitLab, in the project of the
/// topology's `lock`, so that everybody sees it and no two operators take one step twice. Each step
/// checks before and after what is so: who has which role, what is deployed, what runs. What was
/// done by hand is recognized where facts show it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles release start -e live --process complex --release v4.4.0
  gigadb-roles release status -e live
  gigadb-roles release next -e live
  gigadb-roles release next -e live --wait
  gigadb-roles release confirm validate-business -e live --by 'Ada Example'
  gigadb-roles release back -e live --reason 'uploads fail'
  gigadb-roles release finish -e live")]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    command: ReleaseCommand,
}

#[derive(Debug, Subcommand)]
enum ReleaseCommand {
    /// Begin a release: one per environment at a time.
    Start(StartArgs),
    /// Show every step, what is next and what stands in its way.
    Status(WhereArgs),
    /// Carry out the next step, or say what a person has to do.
    Next(NextArgs),
    /// Give a person's word for what only a person can see.
    Confirm(ConfirmArgs),
    /// Take the way back: the roles and variables as they were.
    Back(EndArgs),
    /// End a release whose steps are all done.
    Finish(EndArgs),
    /// Give a release up, and list what it leaves open.
    Abandon(EndArgs),
}

#[derive(Debug, Args)]
struct WhereArgs {
    #[command(flatten)]
    environment: OneEnvironment,

    /// Keep the record in this file, where GitLab cannot keep it.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct StartArgs {
    #[command(flatten)]
    place: WhereArgs,

    /// Complex (blue/green, the roles are traded) or simple.
    #[arg(long, value_name = "PROCESS", add = ArgValueCandidates::new(candidates::processes))]
    process: Process,

    /// What is released: fills `{release}` of the topology's `release.ref`.
    #[arg(long, value_name = "RELEASE", value_parser = one_line)]
    release: String,

    /// Why, in a line. No secrets.
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct NextArgs {
    #[command(flatten)]
    place: WhereArgs,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    waivers: Waivers,

    /// Leave the next step out, which must be a list of further jobs; needs --reason.
    #[arg(long, requires = "reason")]
    leave_out: bool,

    /// Where Terraform changes the roles: wait until records and variables show that it did.
    #[arg(long)]
    wait: bool,

    /// Look at what goes on elsewhere this often, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = interval)]
    interval: Duration,

    #[command(flatten)]
    https: HttpsOptions,
}

/// Seconds, or parts of one.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|one| (0.01..=3600.0).contains(one));
    let duration = seconds.and_then(|one| Duration::try_from_secs_f64(one).ok());
    duration.ok_or_else(|| "write a number from 0.01 to 3600".to_owned())
}

#[derive(Debug, Args)]
struct Waivers {
    /// Override this interlock of the release, or waive this rule of the swap; needs --reason.
    #[arg(long = "override", value_name = "NAME", value_parser = waiver, requires = "reason", add = ArgValueCandidates::new(candidates::waivers))]
    overrides: Vec<Waiver>,

    /// Why, in a line: kept in the record. No secrets.
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct ConfirmArgs {
    /// The step.
    #[arg(value_name = "STEP", add = ArgValueCandidates::new(candidates::steps))]
    step: Step,

    #[command(flatten)]
    place: WhereArgs,

    /// Whose word it is.
    #[arg(long, value_name = "WHO", value_parser = one_line)]
    by: String,

    /// What they said, in a line.
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    note: Option<String>,

    /// Of the step `backup`, which needs it: the key of the dump that was made.
    #[arg(long, value_name = "KEY", value_parser = dump_key)]
    key: Option<String>,

    #[command(flatten)]
    waivers: Waivers,
}

/// A key becomes part of a command and of a dump's name.
fn dump_key(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("a key is letters, digits, `_`, `-` and `.`, as in 202611291015".to_owned())
    }
}

#[derive(Debug, Args)]
struct EndArgs {
    #[command(flatten)]
    place: WhereArgs,

    /// Do not ask.
    #[arg(short = 'y', long)]
    yes: bool,

    #[command(flatten)]
    waivers: Waivers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiver {
    Interlock(Interlock),
    Rule(Rule),
}

fn waiver(text: &str) -> Result<Waiver, String> {
    match (text.parse(), planning::waivable(text)) {
        (Ok(interlock), _) => Ok(Waiver::Interlock(interlock)),
        (_, Ok(rule)) => Ok(Waiver::Rule(rule)),
        (Err(why), Err(of_rule)) => Err(match text.parse::<Rule>() {
            Ok(_)
            | Err(UnknownRule {
                nearest: Some(_), ..
            }) => of_rule,
            Err(_) => why,
        }),
    }
}

impl Waivers {
    fn interlocks(&self) -> BTreeSet<Interlock> {
        let interlock = |one: &Waiver| match one {
            Waiver::Interlock(interlock) => Some(*interlock),
            Waiver::Rule(_) => None,
        };
        self.overrides.iter().filter_map(interlock).collect()
    }

    fn rules(&self) -> Vec<Rule> {
        let rule = |one: &Waiver| match one {
            Waiver::Rule(rule) => Some(*rule),
            Waiver::Interlock(_) => None,
        };
        self.overrides.iter().filter_map(rule).collect()
    }

    fn kept(&self, session: &Session) -> Vec<Override> {
        let reason = session.reason(self.reason.as_deref()).unwrap_or_default();
        let kept = self.interlocks().into_iter().map(|interlock| Override {
            interlock,
            reason: reason.clone(),
        });
        kept.collect()
    }
}

impl ReleaseArgs {
    /// Whether the command may write, be it only into the record.
    pub(super) fn writes(&self) -> bool {
        !matches!(self.command, ReleaseCommand::Status(_))
    }

    fn place(&self) -> &WhereArgs {
        match &self.command {
            ReleaseCommand::Start(args) => &args.place,
            ReleaseCommand::Status(place) => place,
            ReleaseCommand::Next(args) => &args.place,
            ReleaseCommand::Confirm(args) => &args.place,
            ReleaseCommand::Back(args)
            | ReleaseCommand::Finish(args)
            | ReleaseCommand::Abandon(args) => &args.place,
        }
    }
}

/// Shows the release.
pub(super) async fn look(
    args: &ReleaseArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let place = args.place();
    let session = Session::open_to_read(global, Waiting::Ordinary)?;
    let environment = planning::environment(&session.topology, &place.environment.name()?)?;
    let store = Store::new(&session, &environment, place.record.as_deref(), None)?;
    let Some(held) = store.read(&session, cancel).await? else {
        ui.answer(&match global.format {
            Format::Json => text::no_release_json(&environment),
            _ => format!("No release is under way in `{environment}`."),
        })?;
        return Ok(Exit::Success);
    };
    let desk = Desk::new(&session, &environment)?;
    let facts = desk.facts(&held.record, cancel).await;
    let next = desk.next(&held.record, &facts, &BTreeSet::new());
    let listed = desk.lists_dumps().then_some(&facts.dumps);
    let newest = dumps::newest(listed, surroundings::now());
    let newest = newest.as_ref();
    ui.answer(&match global.format {
        Format::Text => text::status(&held.record, &facts, &next, newest),
        Format::Json => text::json(&held.record, &facts, &next, newest),
        _ => text::markdown(&held.record, &next),
    })?;
    Ok(Exit::Success)
}

/// Does what changes the record.
pub(super) async fn run(
    args: &ReleaseArgs,
    global: &Global,
    ui: &Ui,
    view: &dyn RunView,
    control: &Control,
) -> Result<Exit, Failure> {
    let place = args.place();
    let session = Session::open(global, Waiting::Ordinary)?;
    let environment = planning::environment(&session.topology, &place.environment.name()?)?;
    let at_work = Some(&control.at_work);
    let store = Store::new(&session, &environment, place.record.as_deref(), at_work)?;
    let desk = Desk::new(&session, &environment)?;
    let cancel = &control.cancel;
    let tell = |outcome: &str, step: Option<&Step>, record: &Record, said: &str| {
        let said = format!("{}: {said}", text::whole(record));
        desk.tell(&control.outbox, record, (outcome, step, said));
    };
    let held = store.read(&session, cancel).await?;
    if let ReleaseCommand::Start(args) = &args.command {
        if let Some(held) = &held
            && held.record.ended.is_none()
        {
            return Err(text::under_way(&held.record));
        }
        let record = begin(args, &desk, cancel).await?;
        let written = store.write(&session, held.as_ref(), &record, cancel);
        let record = written.await?.record;
        let said = text::started(&record);
        tell("started", None, &record, &said);
        ui.answer(&said)?;
        return Ok(Exit::Success);
    }
    let Some(mut held) = held.filter(|held| held.record.ended.is_none()) else {
        let none = releasing::none(&session, &environment, place.record.as_deref(), cancel);
        return Err(none.await);
    };
    match &args.command {
        ReleaseCommand::Start(_) | ReleaseCommand::Status(_) => Ok(Exit::Success),
        ReleaseCommand::Confirm(args) => {
            let (what, next) = match (&args.key, args.step.kind) {
                (None, Kind::Backup) => (
                    "Which dump step `backup` made is not said.",
                    "Name it with --key: the restore takes that one.",
                ),
                (Some(_), kind) if kind != Kind::Backup => (
                    "--key names the dump of step `backup`, and nothing else.",
                    "Leave it out here.",
                ),
                _ => ("", ""),
            };
            if !what.is_empty() {
                return Err(Failure::usage(what, format!("step `{}`", args.step), next));
            }
            let mut dump = None;
            if let Some(key) = args.key.as_ref().filter(|_| desk.lists_dumps()) {
                let listed = desk.dumps(&held.record, cancel).await;
                dump = releasing::key::dump(listed, key, &held.record, ui)?;
            }
            let by = session.apis.redacted(&args.by);
            let mark = Mark {
                at: releasing::now(),
                by: by.clone(),
            };
            let note = session.reason(args.note.as_deref());
            let waived = args.waivers.kept(&session);
            held.record
                .confirm(&args.step, mark, note, &waived)
                .map_err(text::blocked)?;
            if let Some(key) = &args.key {
                held.record.key = Some(key.clone());
                let dump =
                    dump.map(|dump| format!(": the dump `{}`, {} bytes", dump.name, dump.size));
                let seen = format!("key `{key}`{}", dump.unwrap_or_default());
                if let Some(entry) = held.record.steps.get_mut(&args.step) {
                    entry.evidence.push(seen);
                }
            }
            store.write_again(&session, &mut held, cancel).await?;
            let said = format!(
                "Confirmed `{}` by `{by}`. {}",
                args.step,
                text::then(&held.record)
            );
            tell("confirmed", Some(&args.step), &held.record, &said);
            ui.answer(&said)?;
            Ok(Exit::Success)
        }
        ReleaseCommand::Back(args) => {
            let waived = args.waivers.kept(&session);
            let facts = desk.facts(&held.record, cancel).await;
            let back = held.record.may_go_back(&facts, &waived);
            back.map_err(text::blocked)?;
            let already = held.record.back.is_some();
            // What stood in nobody's way was not overridden.
            let needed = held.record.may_go_back(&facts, &[]).is_err();
            if !already {
                held.record.back = Some(Back {
                    mark: releasing::mark(),
                    reason: session.reason(args.waivers.reason.as_deref()),
                    overrides: if needed { waived } else { Vec::new() },
                });
                store.write_again(&session, &mut held, cancel).await?;
            }
            let said = text::goes_back(&held.record, already);
            if !already {
                tell("back", None, &held.record, &said);
            }
            ui.answer(&said)?;
            Ok(Exit::Success)
        }
        ReleaseCommand::Finish(args) => {
            let left = held.record.left();
            if !left.is_empty() {
                return Err(text::not_finished(&held.record, &left));
            }
            let facts = desk.facts(&held.record, cancel).await;
            let left = open(&held.record, &facts);
            end(&mut held.record, EndedAs::Finished, args, &session, left);
            store.write_again(&session, &mut held, cancel).await?;
            let said = text::ended(&held.record);
            tell("finished", None, &held.record, &said);
            ui.answer(&said)?;
            Ok(Exit::Success)
        }
        ReleaseCommand::Abandon(args) => {
            let facts = desk.facts(&held.record, cancel).await;
            let under_way = held.record.held(&facts);
            let waived = args.waivers.interlocks().contains(&Interlock::StepHeld);
            if let Some(block) = under_way.filter(|_| !waived) {
                releasing::in_the_middle(&held.record, block, args.yes, ui).await?;
            }
            let left = open(&held.record, &facts);
            let always = held
                .record
                .steps
                .keys()
                .any(|step| step.kind == Kind::Embargo)
                && !held.record.is_past(Kind::LiftEmbargo)
                || !held.record.steps.is_empty() && !held.record.is_past(Kind::Table);
            end(&mut held.record, EndedAs::Abandoned, args, &session, left);
            store.write_again(&session, &mut held, cancel).await?;
            let said = text::ended(&held.record);
            tell("abandoned", None, &held.record, &said);
            ui.answer(&said)?;
            Ok(if always { Exit::Failed } else { Exit::Success })
        }
        ReleaseCommand::Next(args) => {
            let roles = async |roles: Roles| {
                let (verb, production, hot_standby, prepare) = match &roles {
                    Roles::Prepare(now) => (
                        Verb::Apply,
                        &now.production,
                        &now.hot_standby,
                        Some(&now.hot_standby),
                    ),
                    Roles::Trade(then) => (Verb::Swap, &then.production, &then.hot_standby, None),
                };
                let options = PlanOptions::of_release(
                    args.waivers.rules(),
                    args.waivers.reason.clone(),
                    args.https.clone(),
                );
                let change = Change {
                    verb,
                    environment: environment.as_str(),
                    goal: Goal::Arrangement {
                        production: production.as_str(),
                        hot_standby: Some(hot_standby.as_str()),
                    },
                    mode: Mode::Switchover,
                    prepare: prepare.map(|side| side.as_str()),
                    yes: args.yes,
                    without_terminal: "Review `gigadb-roles release status`, then run it with --yes.",
                    options: &options,
                };
                Box::pin(change.run(global, ui, view, control)).await
            };
            let carry = Carry {
                desk: &desk,
                store: &store,
                ui,
                yes: args.yes,
                interlocks: args.waivers.interlocks(),
                overrides: args.waivers.kept(&session),
                left_out: args
                    .leave_out
                    .then(|| session.reason(args.waivers.reason.as_deref()))
                    .flatten(),
                https: &args.https,
                interval: args.interval,
                wait: args.wait,
                outbox: &control.outbox,
                cancel,
            };
            Box::pin(carry.next(held, &roles)).await
        }
    }
}

fn end(record: &mut Record, how: EndedAs, args: &EndArgs, session: &Session, open: Vec<String>) {
    record.ended = Some(End {
        how,
        mark: releasing::mark(),
        reason: session.reason(args.waivers.reason.as_deref()),
        open,
    });
}

/// Looks before a release begins: roles are clear, and both projects have a pipeline of the ref.
async fn begin(
    args: &StartArgs,
    desk: &Desk<'_>,
    cancel: &CancellationToken,
) -> Result<Record, Failure> {
    let environment = desk.environment;
    let roles: Arrangement = desk.roles(cancel).await?;
    let release = desk.session.apis.redacted(&args.release);
    let record = Record::begin(Begin {
        environment: environment.clone(),
        process: args.process,
        reference: desk.release.reference(&release),
        release,
        reason: desk.session.reason(args.reason.as_deref()),
        roles,
        more: desk.more(),
        mark: releasing::mark(),
    });
    let facts = desk.facts(&record, cancel).await;
    for side in [&record.hot_standby, &record.production] {
        let Some(read) = facts.side(side) else {
            return Err(Failure::refused(
                format!(
                    "The release was not begun: what `{side}` carries is not known: {}.",
                    facts.unread(side).unwrap_or_default()
                ),
                record.whole(),
                "Start it again once GitLab answers.",
            ));
        };
        if read.pipeline.is_none() {
            return Err(Failure::refused(
                format!(
                    "The release was not begun: project of `{side}` has no pipeline of `{}`.",
                    record.reference
                ),
                record.whole(),
                "Check the spelling of --release, push the tag, or wait until GitLab has made the \
                 pipeline.",
            ));
        }
        let missing = desk
            .jobs(&Kind::DeployStandby.into())
            .into_iter()
            .find(|name| read.job(name).is_none());
        if let Some(name) = missing {
            return Err(Failure::refused(
                format!(
                    "The release was not begun: the newest pipeline of `{}` of `{side}` has no \
                     job `{name}`.",
                    record.reference
                ),
                record.whole(),
                "Correct `release.deploy_jobs` of the topology, or the pipeline.",
            ));
        }
    }
    Ok(record)
}
