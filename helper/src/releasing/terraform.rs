//! A change of roles that Terraform makes: planned, reviewed and applied where its configuration
//! is, or waited for where a pipeline does that.

use std::{env, fs, path::Path, time::Duration};

use gigadb_clients::command::{self, Ran};
use gigadb_engine::{
    message::{Message, capitalized},
    observation::environment_of,
    release::Step,
};
use tempfile::TempDir;

use super::{
    carry::{Carry, Effect, Roles},
    store::Held,
};
use crate::{
    exit::Exit,
    failure::Failure,
    planning,
    review::{self, change::Change, document::Review, gates::Gates, markdown, source},
    surroundings,
};

/// What a configuration holds that assigns roles.
const ASSIGNMENT: &str = "gigadb_role_assignment";
/// The file in which a folder says whose programs installed its providers.
const LOCK_FILE: &str = ".terraform.lock.hcl";
const OPENTOFU: &str = "registry.opentofu.org";
/// The plan's name in a folder of its own.
const PLAN: &str = "release.tfplan";
/// How long Terraform may take to show a plan.
const SHOW_WAIT: Duration = Duration::from_mins(1);

/// A reviewed plan that makes the change, with the program that applies it.
pub(super) struct Planned {
    program: &'static str,
    folder: TempDir,
}

impl Planned {
    fn file(&self) -> String {
        self.folder.path().join(PLAN).display().to_string()
    }
}

impl Carry<'_> {
    /// Waits until it is time to look again; says once what is waited for.
    pub(super) async fn waiting(
        &self,
        held: &Held,
        step: &Step,
        change: &Roles,
        said: &mut Option<Step>,
    ) {
        if said.as_ref() != Some(step) {
            self.ui.conversation(&format!(
                "`{step}`: {}. Waiting until records and variables show it: {}. Ctrl-C ends the \
                 wait, and nothing else.",
                step.kind.title(),
                self.line(held, change)
            ));
            *said = Some(step.clone());
        }
        self.pause().await;
    }

    /// Plans and reviews the change where the working directory is a root module that assigns
    /// roles; `None` where there is nothing to apply here, and that is said.
    pub(super) async fn planned(
        &self,
        held: &Held,
        step: &Step,
        change: &Roles,
    ) -> Result<Option<Planned>, Failure> {
        let Some(program) = program_here() else {
            self.by_hand(held, step, change, "Terraform does it")?;
            return Ok(None);
        };
        let folder = tempfile::tempdir().map_err(|error| {
            self.unplanned(
                held,
                step,
                &format!("no folder for the plan could be made: {error}"),
            )
        })?;
        let planned = Planned { program, folder };
        let out = format!("-out={}", planned.file());
        let arguments = [
            "plan",
            "-input=false",
            "-no-color",
            "-detailed-exitcode",
            &out,
        ];
        match self.terraform(program, &arguments).await {
            Ok(Ran { code: Some(0), .. }) => {
                self.by_hand(
                    held,
                    step,
                    change,
                    "the configuration here does not do it yet",
                )?;
                return Ok(None);
            }
            Ok(Ran { code: Some(2), .. }) => {}
            Ok(ran) => {
                return Err(self.unplanned(
                    held,
                    step,
                    &format!("`{program} plan` {}", command::ended(ran.code)),
                ));
            }
            Err(why) => return Err(self.unplanned(held, step, &why)),
        }
        let review = self.reviewed(held, step, &planned).await?;
        self.ui.conversation(&markdown::render(&review));
        let does = |one: &Change| {
            one.environment == held.record.environment.as_str() && makes(one, change)
        };
        if !review.acting().any(|(one, _)| does(one)) {
            self.by_hand(held, step, change, "the plan above does something else")?;
            return Ok(None);
        }
        if !review.refused.is_empty() {
            let why = format!("the plan is refused: {}", review.refused.join(" "));
            return Err(self.unplanned(held, step, why.trim_end_matches('.')));
        }
        if self.yes {
            return Ok(Some(planned));
        }
        if !self.ui.can_ask() {
            self.ui.answer(&format!(
                "`{step}`: the plan above does it. Run {} with --yes, or on a terminal, to apply \
                 it.",
                held.record.command("next")
            ))?;
            return Ok(None);
        }
        self.apex_typed(held, step).await?;
        Ok(Some(planned))
    }

    /// Applies the plan, and looks at what became of the world.
    pub(super) async fn applied(&self, held: &Held, step: &Step, planned: &Planned) -> Effect {
        let file = planned.file();
        let arguments = ["apply", "-input=false", "-no-color", &file];
        let ran = self.terraform(planned.program, &arguments).await;
        let why = match ran {
            Ok(Ran { code: Some(0), .. }) => return self.traded(held, step).await,
            Ok(ran) => format!("`{} apply` {}.", planned.program, command::ended(ran.code)),
            Err(why) => format!("{why}."),
        };
        let changed = "What Terraform did before it ended stands; it is told above.";
        self.failed(held, step, why, changed, Vec::new())
    }

    /// Runs Terraform here and shows what it says.
    async fn terraform(&self, program: &str, arguments: &[&str]) -> Result<Ran, String> {
        let argv: Vec<String> = [program]
            .iter()
            .chain(arguments)
            .map(|word| (*word).to_owned())
            .collect();
        self.ui
            .note(&format!("Running: {program} {}", arguments[0]));
        let secrets = self.desk.session.apis.secrets();
        let mut live = |line: &str| self.ui.conversation(line);
        let ran = command::run(&argv, secrets, &mut live, self.cancel).await;
        ran.map_err(|error| format!("`{program}` could not be started: {error}"))
    }

    async fn reviewed(
        &self,
        held: &Held,
        step: &Step,
        planned: &Planned,
    ) -> Result<Review, Failure> {
        let program = planned.program;
        let argv = [program, "show", "-json", &planned.file()].map(str::to_owned);
        let shown = match command::listed(&argv, SHOW_WAIT).await {
            Ok(Some(shown)) if shown.code == Some(0) => shown.output,
            Ok(shown) => {
                let how = shown.map_or_else(
                    || format!("did not end within {} s", SHOW_WAIT.as_secs()),
                    |shown| command::ended(shown.code),
                );
                let why = format!("`{program} show` {how}");
                return Err(self.unplanned(held, step, &why));
            }
            Err(error) => {
                let why = format!("`{program}` could not be started: {error}");
                return Err(self.unplanned(held, step, &why));
            }
        };
        let source = source::read(&shown, "the plan of this step")?;
        let mut review = Review::of(&source, Some(&self.desk.session.topology));
        let gates = Gates {
            only_role_change: true,
            environment: Some(self.desk.environment.as_str()),
            no_failover: true,
            digest: None,
        };
        review.refused = gates.refusals(&review);
        Ok(review)
    }

    async fn apex_typed(&self, held: &Held, step: &Step) -> Result<(), Failure> {
        let (session, environment) = (self.desk.session, self.desk.environment);
        let seen = planning::observe(session, environment, None, self.cancel).await?;
        let apex = environment_of(&session.topology, environment)
            .ok()
            .and_then(|table| seen.apex(table))
            .map_or_else(|| environment.to_string(), ToString::to_string);
        let question = format!("Type `{apex}` to apply this plan ({}): ", step.kind.title());
        if self.ui.ask(&question).await.as_deref() == Some(apex.as_str()) {
            return Ok(());
        }
        Err(Failure::refused(
            format!("The step was not confirmed: `{apex}` was not typed."),
            held.record.object(step),
            "Run the command again when you are sure.",
        ))
    }

    /// Which line of the configuration to change, and to what.
    fn line(&self, held: &Held, change: &Roles) -> String {
        let environment = self.desk.environment;
        let lines = match change {
            Roles::Prepare(now) => format!(
                "add `prepare = \"{}\"` beside `production = \"{}\"`",
                now.hot_standby, now.production
            ),
            Roles::Trade(then) if held.record.expected() != *then => format!(
                "set {} (was \"{}\"), and take `prepare` out",
                self.desk.assigned(then),
                then.hot_standby
            ),
            Roles::Trade(then) => {
                format!("set {}, and take `prepare` out", self.desk.assigned(then))
            }
        };
        format!("in the `{ASSIGNMENT}` of `{environment}`, {lines}")
    }

    /// Says what to change, and that facts will show it.
    fn by_hand(&self, held: &Held, step: &Step, change: &Roles, why: &str) -> Result<(), Failure> {
        self.ui.answer(&format!(
            "`{step}`: {}. {}: {}. Then run {} again: in the folder of that configuration it \
             plans, shows the review and applies; elsewhere it recognizes what was applied, and \
             --wait waits for it.",
            step.kind.title(),
            capitalized(why),
            self.line(held, change),
            held.record.command("next")
        ))
    }

    fn unplanned(&self, held: &Held, step: &Step, why: &str) -> Failure {
        let exit = if self.cancel.is_cancelled() {
            Exit::Interrupted
        } else {
            Exit::Failed
        };
        let message = Message::nothing_changed(
            format!("Step `{step}` was not begun: {why}."),
            held.record.object(step),
            format!(
                "Correct the configuration, then run {} again.",
                held.record.command("next")
            ),
        );
        Failure::with(exit, message)
    }
}

/// Whether a change of the plan is the one that the step makes.
fn makes(planned: &Change, change: &Roles) -> bool {
    let (then, prepare) = match change {
        Roles::Prepare(now) => (now, Some(now.hot_standby.as_str())),
        Roles::Trade(then) => (then, None),
    };
    let meant = |roles: &review::change::Roles| {
        then.production.as_str() == roles.production
            && then.hot_standby.as_str() == roles.hot_standby
    };
    planned.to.as_ref().is_some_and(meant) && planned.prepare.as_deref() == prepare
}

/// The program that plans in the working directory; `None` where that assigns no roles, or there
/// is no such program.
fn program_here() -> Option<&'static str> {
    if !assigns_roles(Path::new(".")) {
        return None;
    }
    let lock = fs::read_to_string(LOCK_FILE).unwrap_or_default();
    let programs = if lock.contains(OPENTOFU) {
        ["tofu", "terraform"]
    } else {
        ["terraform", "tofu"]
    };
    let path = surroundings::variable("PATH")?;
    let mut programs = programs.into_iter();
    programs.find(|program| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn assigns_roles(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files = entries.map(|entry| entry.path()).filter(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        [".tf", ".tofu", ".tf.json"]
            .iter()
            .any(|ending| name.ends_with(ending))
    });
    files.any(|file| fs::read_to_string(file).is_ok_and(|text| text.contains(ASSIGNMENT)))
}
