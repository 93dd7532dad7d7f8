//! The playground: a simulated world with everything set, and a shell in it.
//!
//! Invariants: nothing that the shell is given leads off this machine; a folder that is no playground is not touched;
//! `topology.yaml` and `main.tf` are written once and then belong to the person who plays.

mod drill;
mod folder;
mod goal;
mod machines;
mod programs;
mod shell;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use gigadb_simulator::{Edge, Options, Simulator, World};

use self::drill::{Drill, Script};
use self::folder::Folder;
use self::goal::Watch;
use self::machines::Machines;

/// How often the world is looked at.
const GLANCE: Duration = Duration::from_millis(100);
/// The release whose jobs wait in both projects, as the guides name it.
const RELEASE: &str = "v4.4.0";
/// Start the simulated world and open a shell in which everything is set.
///
/// Writes `topology.yaml`, `main.tf`, AWS files, Terraform's CLI configuration and `env.sh` into DIR, starts the APIs,
/// HTTPS sites and name servers on this machine, and opens $SHELL, or runs the command after `--`. Nothing leaves the
/// machine. At the end the world is kept in DIR, and the next `play DIR` goes on with it.
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// A new folder, or one of an earlier play.
    dir: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Practise an incident: what the pager says, the misfortune itself, and how long it takes you.
///
/// Starts a playground in which something goes wrong, and measures until the world is right again. Ends with 0 if it
/// is, else with 1.
#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    /// What goes wrong.
    name: Drill,
    /// Play in this new folder (default: one that is removed at the end).
    #[arg(long = "in", value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// The provider's program, or a release's folder `mirror` (default: beside this program, else on PATH).
    #[arg(long, value_name = "PATH")]
    provider: Option<PathBuf>,
    /// Let every call take this many milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 40)]
    latency: u64,
    /// Run this command instead of a shell.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What runs as long as somebody plays.
struct Stage {
    simulator: Simulator,
    /// What the machines answer, or why none does.
    machines: Result<Machines, String>,
}

/// Plays without a script.
pub(crate) fn play(arguments: &PlayArgs) -> Result<ExitCode, Box<dyn Error>> {
    let folder = Folder::open(&arguments.dir)?;
    run(&folder, &arguments.common, None)
}

/// Plays a script, and measures.
pub(crate) fn drill(arguments: &DrillArgs) -> Result<ExitCode, Box<dyn Error>> {
    let script = arguments.name.script();
    if let Some(dir) = &arguments.dir {
        return run(&Folder::create(dir)?, &arguments.common, Some(&script));
    }
    let temporary = tempfile::Builder::new().prefix("gigadb-drill-").tempdir()?;
    let folder = Folder::create(&temporary.path().join("playground"))?;
    run(&folder, &arguments.common, Some(&script))
}

fn run(
    folder: &Folder,
    common: &Common,
    script: Option<&Script>,
) -> Result<ExitCode, Box<dyn Error>> {
    // The guard keeps Ctrl-C for the shell and its programs.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let world = match folder.kept_world()? {
            Some(world) => world,
            None => World::sop().with_release(RELEASE).on_loopback(),
        };
        let before = world.clone();
        let options = Options {
            dns: true,
            edge: Edge::Loopback,
            latency: Duration::from_millis(common.latency),
            ..Options::default()
        };
        let simulator = Simulator::start_with(world, &options)?;
        let machines = Machines::start(&simulator.origins());
        let stage = Stage {
            simulator,
            machines,
        };
        let found = programs::Found::look(common.provider.as_deref());
        folder.write(&stage, &found, script)?;
        say(&told(folder, &stage, &found));
        if let Some(script) = script {
            say(&script.told(folder.path()));
            script.set(&stage)?;
        }
        let mut watch = script.map(|script| Watch::new(&before, script));
        let status = shell::run(folder, &stage, script, &common.command, || {
            if let Some(watch) = &mut watch {
                watch.look(&stage, Instant::now());
            }
        })
        .await?;
        if let Some(watch) = &mut watch {
            watch.look(&stage, Instant::now());
            say(&watch.account(&stage));
            return Ok(if watch.is_right() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        folder.keep_world(&stage.simulator.world())?;
        Ok(ExitCode::from(status))
    })
}

fn told(folder: &Folder, stage: &Stage, found: &programs::Found) -> String {
    let servers: Vec<String> = stage
        .simulator
        .name_servers()
        .iter()
        .map(ToString::to_string)
        .collect();
    let (sites, greetings) = match &stage.machines {
        Ok(machines) => machines.told(),
        Err(why) => (format!("none: {why}; probes are off"), "none".to_owned()),
    };
    format!(
        "Playground in {}. Nothing leaves this machine.\n  \
         APIs           Cloudflare, GitLab and EC2, simulated at {}\n  \
         HTTPS sites    {sites}\n  \
         SSH, FTP       {greetings}\n  \
         name servers   {}\n  \
         not there      SSH and FTP after a greeting, caching resolvers, GitLab's pages, pipelines that run\n  \
         gigadb-roles   {}\n  \
         provider       {}\n  \
         other terminal . {}\n\
         Try `gigadb-roles status`, or `terraform init` and `terraform plan`; `exit` ends it.\n",
        folder.path().display(),
        stage.simulator.aws_url(),
        servers.join(", "),
        programs::Found::told(found.helper.as_deref(), "put it beside this program"),
        programs::Found::told(found.provider.as_deref(), "name it with --provider"),
        folder.environment_file().display(),
    )
}

/// Writes to the conversation; nobody is left to tell that it is closed.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// An error that names the file or folder.
fn at(path: &Path, verb: &str) -> impl FnOnce(std::io::Error) -> String {
    let what = format!("cannot {verb} {}", path.display());
    move |error| format!("{what}: {error}")
}
