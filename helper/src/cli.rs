//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        apply::ApplyArgs, check::CheckArgs, completions::CompletionsArgs, exec::ExecArgs,
        failover::FailoverArgs, guide::GuideArgs, help::HelpArgs, history::HistoryArgs,
        init::InitArgs, inventory::InventoryArgs, known_hosts::KnownHostsArgs, man::ManArgs,
        plan::PlanArgs, release::ReleaseArgs, resume::ResumeArgs, revert::RevertArgs,
        review::ReviewArgs, status::StatusArgs, swap::SwapArgs, unlock::UnlockArgs,
        verify::VerifyArgs, watch::WatchArgs,
    },
    global::Global,
};

/// Show who is production, list hosts by role for Ansible, and swap the roles.
///
/// Roles are read from the A records at every call; nobody needs to infer them from a name.
/// Answers go to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "gigadb-roles",
    version = env!("GIGADB_ROLES_VERSION"),
    arg_required_else_help = true,
    subcommand_precedence_over_arg = true,
    args_conflicts_with_subcommands = false,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    /// Print the whole inventory as JSON (Ansible's contract for inventory programs).
    #[arg(long, conflicts_with = "host")]
    pub(crate) list: bool,

    /// Print the variables of one host as JSON (Ansible's contract for inventory programs).
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Ignored beside --list and --host, where wrappers of older inventories pass a folder.
    #[arg(value_name = "PATH", hide = true)]
    pub(crate) paths: Vec<String>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  gigadb-roles status
  gigadb-roles plan --environment live --swap --out swap.json
  gigadb-roles apply swap.json
  gigadb-roles inventory --environment live --role hot_standby --graph
  gigadb-roles exec --role hot_standby --environment live -- ./run-there.sh
  ansible-inventory -i \"$(command -v gigadb-roles)\" --list

Environment:
  GIGADB_TOPOLOGY                  the topology file, else topology.yaml here or in a folder above
  CLOUDFLARE_API_TOKEN             reads the records that decide the roles; without it,
                                   commands that only read ask DNS
  GIGADB_DNS_SERVER                the server to ask then, as ADDRESS:PORT, else the zones' own
  GITLAB_TOKEN                     reads the variables of both projects
  GIGADB_ENVIRONMENT               the environment, where --environment names none
  GIGADB_ROLE, GIGADB_INFRASTRUCTURE
                                   the rest of the inventory's scope
  GIGADB_LOG                       what to log to standard error, such as `debug`

Exit codes: 0 success, 1 failed or refused and nothing changed, 2 changes pending,
3 partly applied, 4 stale plan, 5 applied but not verified, 64 usage, 130 interrupted.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Inventory(InventoryArgs),
    Status(StatusArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Review(ReviewArgs),
    Swap(SwapArgs),
    Failover(FailoverArgs),
    Release(ReleaseArgs),
    History(HistoryArgs),
    Resume(ResumeArgs),
    Revert(RevertArgs),
    Unlock(UnlockArgs),
    Exec(ExecArgs),
    Verify(VerifyArgs),
    Watch(WatchArgs),
    KnownHosts(KnownHostsArgs),
    Check(CheckArgs),
    Help(HelpArgs),
    Guide(GuideArgs),
    Init(InitArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}
