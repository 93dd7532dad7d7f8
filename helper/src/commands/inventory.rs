//! `gigadb-roles inventory`, and `--list` and `--host` without a command.

use std::{collections::BTreeMap, mem, path::PathBuf, time::Duration};

use clap::Args;
use futures::future::join_all;
use gigadb_engine::{
    name::{EnvironmentName, InfrastructureName},
    nearest::nearest,
};
use tokio_util::sync::CancellationToken;

use super::{
    scope::{self as asked, ScopeArgs, setting},
    wrapper,
};
use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    inventory::{
        AddressKind, BuildError, Inventory, ScopeError, Settings, build, facts,
        outputs::{self, Outputs},
        render,
        scope::Scope,
    },
    session::{Session, Waiting},
    sockets::sockets,
    surroundings,
    ui::Ui,
};

/// How long a region, or Cloudflare, may hold an inventory up.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how many seconds hosts that were read are used again.
const MAX_AGE: u64 = 60;

/// List hosts by role for Ansible.
///
/// Hosts are named `<infrastructure>-<environment>-<endpoint>` and are in groups by role,
/// environment, infrastructure, endpoint and region, and in their intersections, such as
/// `production_live_bastion`. Groups for playbooks written for terraform-inventory
/// (`name_<Name tag>`) are there only where one infrastructure is in scope.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles inventory --graph
  gigadb-roles inventory --environment live --role hot_standby
  gigadb-roles inventory --wrapper ./gigadb-inventory
  GIGADB_ENVIRONMENT=live GIGADB_ROLE=production ansible-playbook -i inventories site.yml
  ansible-inventory -i \"$(command -v gigadb-roles)\" --graph

Ansible does not look for a program on PATH: name it by its path.

Environment:
  GIGADB_ENVIRONMENT, GIGADB_ROLE, GIGADB_INFRASTRUCTURE   the same as the options
  GIGADB_MAX_AGE                                           the same as --max-age
  GIGADB_SSH_KEY, GIGADB_SSH_KEY_<SIDE>                    your own key, used instead of the
                                                           topology's; <SIDE> in capitals, - as _
  TF_KEY_NAME=private_ip|public_ip                         which address ansible_host is

Where none of these says what is meant, an `ansible.properties` in the working directory does.")]
pub(crate) struct InventoryArgs {
    /// Print the whole inventory as JSON (the default).
    #[arg(long, conflicts_with_all = ["host", "graph"])]
    list: bool,

    /// Print the variables of one host as JSON.
    #[arg(long, value_name = "NAME", conflicts_with = "graph")]
    host: Option<String>,

    /// Draw groups and hosts as a tree.
    #[arg(long)]
    graph: bool,

    /// Write a two-line script that runs this program, for an inventory directory.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "host", "graph", "environment", "role", "infrastructure", "strict", "refresh", "max_age"])]
    wrapper: Option<PathBuf>,

    #[command(flatten)]
    scope: ScopeArgs,

    /// Fail when a region in scope cannot be read, instead of serving what is last known of it.
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    freshness: Freshness,

    /// Ignored: wrappers of older inventories pass a folder.
    #[arg(value_name = "PATH", hide = true)]
    paths: Vec<String>,
}

/// How fresh hosts must be.
#[derive(Debug, Args)]
struct Freshness {
    /// Ask EC2 again, whatever --max-age says.
    #[arg(long)]
    refresh: bool,

    /// Use hosts that were read less than this many seconds ago; 0 asks EC2 again. Roles are read
    /// at every call. The default is 60, or what `GIGADB_MAX_AGE` says.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,
}

impl Freshness {
    /// In seconds; hosts must be younger.
    fn limit(&self) -> Result<u64, Failure> {
        if self.refresh {
            return Ok(0);
        }
        if let Some(seconds) = self.max_age {
            return Ok(seconds);
        }
        let asked: Option<u64> = setting(None, "--max-age", "GIGADB_MAX_AGE")?;
        Ok(asked.unwrap_or(MAX_AGE))
    }
}

impl InventoryArgs {
    /// What Ansible asks for: one host's variables, or everything.
    pub(super) fn for_ansible(host: Option<String>) -> Self {
        Self {
            list: host.is_none(),
            host,
            graph: false,
            wrapper: None,
            scope: ScopeArgs::default(),
            strict: false,
            freshness: Freshness {
                refresh: false,
                max_age: None,
            },
            paths: Vec::new(),
        }
    }
}

/// Prints the inventory, one host of it, or its tree.
pub(super) async fn run(
    args: &InventoryArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    if let Some(file) = &args.wrapper {
        return wrapper::write(file, global, ui);
    }
    let asked = Asked {
        scope: args.scope.scope()?,
        address: address_kind()?,
        max_age: args.freshness.limit()?,
    };
    let (inventory, notes) = gather(asked, global, ui, cancel).await?;
    if args.strict && !inventory.unread.is_empty() {
        return Err(not_strict(&inventory));
    }
    for warning in &inventory.warnings {
        ui.warning(warning);
    }
    // Ansible shows whatever a program says besides its answer as an error.
    if !surroundings::is_run_by_ansible() {
        for note in notes.iter().chain(&inventory.notes) {
            ui.note(note);
        }
    }
    ui.answer(&match &args.host {
        Some(name) => one_host(&inventory, name)?,
        None if args.graph => render::graph(&inventory),
        None => render::list(&inventory),
    })?;
    // The answer is written and the program ends: taking a large inventory apart is of no use.
    mem::forget(inventory);
    Ok(Exit::Success)
}

/// What is asked of an inventory.
pub(super) struct Asked {
    pub(super) scope: Scope,
    pub(super) address: AddressKind,
    /// In seconds; hosts must be younger.
    pub(super) max_age: u64,
}

/// Reads what is in scope, and builds its inventory; and why the scope is narrower than was asked.
pub(super) async fn gather(
    asked: Asked,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<(Inventory, Option<String>), Failure> {
    let Asked {
        mut scope,
        address,
        max_age,
    } = asked;
    let session = Session::open_to_read(global, Waiting::AtMost(PATIENCE))?;
    scope.check(&session.topology).map_err(scope_failure)?;
    let properties = asked::properties_here()?;
    let properties = properties.as_deref();
    let scoped = asked::from_properties(&mut scope, properties, &session.topology)?;
    let ansible = surroundings::of_ansible();
    asked::not_of_another_environment(&scope, ansible.as_deref().unwrap_or_default())?;
    let (observed, outputs) = tokio::join!(
        session.observe_hosts(max_age, cancel),
        outputs(&session, &scope, cancel),
    );
    if ansible.is_some() {
        observed.source.tell_doubts(ui);
    } else {
        observed.source.tell(ui);
    }
    let facts = facts(&session.topology, &observed.world);
    let settings = Settings {
        gitlab_base: session.gitlab_base,
        address,
        ages: observed.ages,
        outputs,
        keys: asked::keys(&session.topology, properties),
        sockets: sockets(),
    };
    let inventory = build(&session.topology, &facts, &scope, &settings).map_err(build_failure)?;
    // Soon the program ends, and gives all memory back at once.
    mem::forget((facts, observed.world));
    asked::guard(properties, &session.topology, &inventory)?;
    Ok((inventory, scoped))
}

/// Reads what only Terraform knows of the sides that may be in scope. Never kept.
async fn outputs(
    session: &Session,
    scope: &Scope,
    cancel: &CancellationToken,
) -> BTreeMap<(InfrastructureName, EnvironmentName), Result<Outputs, String>> {
    let topology = &session.topology;
    let environments = topology.environments.keys();
    let places = environments.flat_map(|environment| {
        let sides = topology.infrastructures.iter();
        sides.map(move |(name, side)| (environment, name, side))
    });
    let reads = places
        .filter(|(environment, name, _)| scope.admits(name, environment))
        .filter_map(|(environment, name, side)| {
            let state = side.terraform_state.as_ref()?;
            let state = state.fill(environment, side.owner.as_deref());
            Some(async move {
                let read = session
                    .apis
                    .terraform_outputs(&side.gitlab_project, &state, &outputs::ALLOWED, cancel)
                    .await;
                let read = read.map(outputs::allowed);
                let key = (name.clone(), environment.clone());
                (key, read.map_err(|failure| failure.to_string()))
            })
        });
    join_all(reads).await.into_iter().collect()
}

fn one_host(inventory: &Inventory, name: &str) -> Result<String, Failure> {
    if let Some(host) = inventory.hosts.get(name) {
        return Ok(render::host(host));
    }
    let meant = nearest(name, inventory.hosts.keys().map(String::as_str))
        .map(|name| format!("Did you mean `{name}`? "))
        .unwrap_or_default();
    Err(Failure::refused(
        format!("The inventory has no host `{name}`."),
        format!("`{name}`"),
        format!(
            "{meant}Run `gigadb-roles inventory --graph` with the same scope to see its hosts."
        ),
    ))
}

/// Refuses what was not read now.
fn not_strict(inventory: &Inventory) -> Failure {
    let unread = inventory.unread.iter();
    let reasons: Vec<String> = unread
        .map(|(side, failure)| format!("`{side}`: {failure}"))
        .collect();
    let names: Vec<String> = inventory
        .unread
        .keys()
        .map(|side| format!("`{side}`"))
        .collect();
    Failure::refused(
        format!(
            "There is no inventory, because a side in scope could not be read: {}.",
            reasons.join("; ")
        ),
        names.join(", "),
        "Correct that and run the command again, or leave --strict out to use what is last known.",
    )
}

fn build_failure(error: BuildError) -> Failure {
    let what = format!("There is no inventory: {error}.");
    match error {
        BuildError::Scope(error) => scope_failure(error),
        BuildError::SameHost(host) => Failure::refused(
            what,
            format!("host `{host}`"),
            "Rename an infrastructure, environment or endpoint in the topology.",
        ),
        BuildError::NothingKnown(_) => Failure::refused(
            what,
            "the hosts in scope",
            "Check the AWS profiles and whether EC2 can be reached in the named regions, then run \
             the command again.",
        ),
    }
}

fn scope_failure(error: ScopeError) -> Failure {
    let what = format!("There is no inventory: {error}.");
    match error {
        ScopeError::Unknown { kind, name, .. } => Failure::usage(
            what,
            format!("{kind} `{name}`"),
            "Name one that the topology has, by option or by environment variable.",
        ),
        ScopeError::Nothing(_) => Failure::refused(
            what,
            "the scope of the inventory",
            "Run `gigadb-roles status` to see who has which role, then widen the scope or correct \
             the records.",
        ),
    }
}

/// What the older inventory's variable asks for.
fn address_kind() -> Result<AddressKind, Failure> {
    match surroundings::variable("TF_KEY_NAME")
        .as_deref()
        .map(str::trim)
    {
        None => Ok(AddressKind::ByEndpoint),
        Some("private_ip") => Ok(AddressKind::Private),
        Some("public_ip") => Ok(AddressKind::Public),
        Some(other) => Err(Failure::usage(
            format!("TF_KEY_NAME cannot be used: `{other}` is none of `private_ip`, `public_ip`."),
            "TF_KEY_NAME",
            "Correct it, or unset it to reach bastions by public and all others by private address.",
        )),
    }
}
