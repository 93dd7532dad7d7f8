//! `gigadb-roles known-hosts`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use gigadb_engine::{message::Message, nearest::nearest};
use tokio_util::sync::CancellationToken;

use super::{
    inventory::{Asked, gather},
    scope::ScopeArgs,
};
use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    host_keys::{
        Key, Seen,
        file::{KnownHosts, usual},
        scan,
    },
    inventory::{AddressKind, Way},
    replace::replace,
    surroundings,
    ui::Ui,
};

/// Print or refresh the SSH host keys of the inventory's machines.
///
/// Private addresses repeat between the sides, so the inventory tells ssh to keep host keys by the
/// host's name. This prints the lines of `known_hosts` by these names; with --scan, it asks each
/// machine for its key, through the bastion of its own side.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gigadb-roles known-hosts --environment live
  gigadb-roles known-hosts --scan
  gigadb-roles known-hosts --scan --write ~/.ssh/known_hosts
  gigadb-roles known-hosts --scan --write ~/.ssh/known_hosts --replace gigadb-website-live-web

Run it for a new side, and after a machine was built again. OpenSSH's own `ssh` and `ssh-keygen` do
the work. A key that changed is never replaced unless --replace names its host.

Exit codes: 0 all keys are known, printed or written; 1 a machine showed another key than before,
a revoked one or none, and nothing was written; 3 written, but a machine showed no key.")]
pub(crate) struct KnownHostsArgs {
    /// Ask each machine for its key, through the bastion of its own side.
    #[arg(long)]
    scan: bool,

    /// Write new keys into this file, and compare with it instead of `~/.ssh/known_hosts`.
    #[arg(long, value_name = "FILE", requires = "scan")]
    write: Option<PathBuf>,

    /// Let the key of this host change; once for each host.
    #[arg(long, value_name = "HOST", requires = "write")]
    replace: Vec<String>,

    #[command(flatten)]
    scope: ScopeArgs,
}

/// Prints what is known, or asks, compares and writes.
pub(super) async fn run(
    args: &KnownHostsArgs,
    global: &Global,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let asked = Asked {
        scope: args.scope.scope()?,
        address: AddressKind::ByEndpoint,
        max_age: if args.scan { 0 } else { u64::MAX },
    };
    let (inventory, note) = gather(asked, global, ui, cancel).await?;
    for warning in &inventory.warnings {
        ui.warning(warning);
    }
    if let Some(note) = &note {
        ui.note(note);
    }
    let hosts = inventory.hosts.iter();
    let ways: BTreeMap<&str, &Way> = hosts
        .filter_map(|(name, host)| Some((name.as_str(), host.way.as_ref()?)))
        .collect();
    if ways.is_empty() {
        return Err(Failure::refused(
            "No host keys are kept by name, because no side in scope has `ssh` in the topology.",
            "the hosts in scope",
            "Add `ssh: { user: ... }` to the sides in the topology; without it, Ansible keeps host \
             keys by address.",
        ));
    }
    for host in &args.replace {
        known_host(host, &ways)?;
    }
    let usual = || usual(surroundings::variable("HOME"));
    let file = args.write.clone().or_else(usual).ok_or_else(|| {
        Failure::refused(
            "The known hosts could not be read, because HOME is not set.",
            "`~/.ssh/known_hosts`",
            "Set HOME, or name a file with --scan --write FILE.",
        )
    })?;
    let known = KnownHosts::read(&file, ways.keys().copied())
        .await
        .map_err(|reason| failed("read", &file, &reason))?;
    if args.scan {
        Scan {
            file: &file,
            write: args.write.is_some(),
            replace: &args.replace,
            known,
        }
        .run(&ways, ui)
        .await
    } else {
        print(&ways, &known, &file, ui)
    }
}

fn known_host(host: &str, ways: &BTreeMap<&str, &Way>) -> Result<(), Failure> {
    if ways.contains_key(host) {
        return Ok(());
    }
    let meant = nearest(host, ways.keys().copied())
        .map(|name| format!("Did you mean `{name}`? "))
        .unwrap_or_default();
    Err(Failure::usage(
        format!("--replace names `{host}`, which is no host in scope."),
        format!("`{host}`"),
        format!("{meant}Run `gigadb-roles inventory --graph` to see the hosts."),
    ))
}

fn failed(did: &str, file: &Path, reason: &str) -> Failure {
    Failure::refused(
        format!("The known hosts could not be {did}: {reason}."),
        format!("`{}`", file.display()),
        "Correct that, or name another file with --scan --write FILE.",
    )
}

/// Prints what the file says, and tells of which hosts it says nothing.
fn print(
    ways: &BTreeMap<&str, &Way>,
    known: &KnownHosts,
    file: &Path,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    let mut missing = Vec::new();
    for host in ways.keys() {
        let keys = known.keys(host);
        if keys.is_empty() {
            missing.push(format!("`{host}`"));
        }
        lines.extend(keys.iter().map(|key| key.line(host)));
    }
    if !missing.is_empty() {
        ui.warning(&format!(
            "`{file}` has no key of {}. Run `gigadb-roles known-hosts --scan --write {file}` to \
             ask for them.",
            missing.join(", "),
            file = file.display(),
        ));
    }
    if !lines.is_empty() {
        ui.answer(&lines.join("\n"))?;
    }
    Ok(Exit::Success)
}

/// One scan.
struct Scan<'a> {
    file: &'a Path,
    write: bool,
    replace: &'a [String],
    known: KnownHosts,
}

impl Scan<'_> {
    fn may_change(&self, host: &str) -> bool {
        self.replace.iter().any(|name| name == host)
    }

    async fn run(&self, ways: &BTreeMap<&str, &Way>, ui: &Ui) -> Result<Exit, Failure> {
        let seen = scan::all(ways, &self.known, |host| self.may_change(host)).await;
        let seen = seen.map_err(|reason| {
            Failure::refused(
                format!("The machines could not be asked for their keys: {reason}."),
                "the hosts in scope",
                "Correct that and run the command again.",
            )
        })?;
        for (host, seen) in &seen {
            self.tell(host, seen, ui).await;
        }
        let lines: Vec<String> = seen
            .iter()
            .filter_map(|(host, seen)| Some(seen.key()?.line(host)))
            .collect();
        if !lines.is_empty() {
            ui.answer(&lines.join("\n"))?;
        }
        let names = |of: fn(&Seen) -> bool| -> Vec<&str> {
            let found = seen.iter().filter(|(_, seen)| of(seen));
            found.map(|(host, _)| *host).collect()
        };
        let revoked = names(|seen| matches!(seen, Seen::Revoked(_)));
        if !revoked.is_empty() {
            return Err(self.refuse_revoked(&revoked));
        }
        let mut changed = names(|seen| matches!(seen, Seen::Changed(_)));
        changed.retain(|host| !self.may_change(host));
        if !changed.is_empty() {
            return Err(self.refuse(&changed));
        }
        let written = if self.write { self.write(&seen)? } else { 0 };
        if written > 0 {
            ui.conversation(&format!(
                "Wrote {} into `{}`.",
                keys(written),
                self.file.display()
            ));
        }
        let silent = names(|seen| matches!(seen, Seen::Silent(_)));
        if silent.is_empty() {
            return Ok(Exit::Success);
        }
        let what = format!("{} showed no host key.", quoted(&silent));
        let next =
            "See the warnings above for the reasons, correct them and run the command again.";
        if written == 0 {
            return Err(Failure::refused(what, quoted(&silent), next));
        }
        let message = Message {
            what,
            object: quoted(&silent),
            changed: format!(
                "{} {} written into `{}`; those of these hosts are as they were.",
                keys(written),
                if written == 1 { "was" } else { "were" },
                self.file.display()
            ),
            next: next.to_owned(),
        };
        Err(Failure::with(Exit::PartlyApplied, message))
    }

    /// Says what is not as it was. A fingerprint that cannot be made is left out.
    async fn tell(&self, host: &str, seen: &Seen, ui: &Ui) {
        match seen {
            Seen::Same(_) => {}
            Seen::New(key) => ui.note(&format!("`{host}` has a new key: {}.", print_of(key).await)),
            Seen::Changed(key) => {
                let mut before = Vec::new();
                for key in self.known.keys(host) {
                    before.push(print_of(&key).await);
                }
                ui.warning(&format!(
                    "`{host}` shows another key than `{}` has: {}, before {}.",
                    self.file.display(),
                    print_of(key).await,
                    before.join(" and ")
                ));
            }
            Seen::Revoked(key) => ui.warning(&format!(
                "`{host}` shows a key that `{}` marks as revoked: {}.",
                self.file.display(),
                print_of(key).await
            )),
            Seen::Silent(reason) => ui.warning(&format!("`{host}` showed no key: {reason}.")),
        }
    }

    fn refuse_revoked(&self, revoked: &[&str]) -> Failure {
        Failure::refused(
            format!(
                "{} shows a host key that is marked as revoked.",
                quoted(revoked)
            ),
            format!("`{}`", self.file.display()),
            "Do not connect: somebody else may have that key. Find out who answers there, and have \
             the machine make new host keys; then run the command again. If the key was revoked \
             by mistake, remove its `@revoked` line.",
        )
    }

    fn refuse(&self, changed: &[&str]) -> Failure {
        let options: Vec<String> = changed
            .iter()
            .map(|host| format!("--replace {host}"))
            .collect();
        Failure::refused(
            format!("{} shows another host key than before.", quoted(changed)),
            format!("`{}`", self.file.display()),
            format!(
                "If these machines were built again, compare the fingerprints above with those on \
                 the machines' consoles, then run `gigadb-roles known-hosts --scan --write {} {}`. \
                 If they were not, do not connect: find out who answers there.",
                self.file.display(),
                options.join(" ")
            ),
        )
    }

    /// Writes the keys that the file does not have yet; returns how many.
    fn write(&self, seen: &BTreeMap<&str, Seen>) -> Result<usize, Failure> {
        let new: BTreeMap<&str, &Key> = seen
            .iter()
            .filter(|(_, seen)| matches!(seen, Seen::New(_) | Seen::Changed(_)))
            .filter_map(|(host, seen)| Some((*host, seen.key()?)))
            .collect();
        if new.is_empty() {
            return Ok(0);
        }
        let text = self.known.with(&new);
        let text = text.map_err(|reason| failed("written", self.file, &reason))?;
        // A link stays one.
        let file = fs::canonicalize(self.file).unwrap_or_else(|_| self.file.to_owned());
        let mode = fs::metadata(&file).map_or(0o600, |found| found.permissions().mode() & 0o7777);
        replace(&file, &text, mode)
            .map_err(|error| failed("written", self.file, &error.to_string()))?;
        Ok(new.len())
    }
}

async fn print_of(key: &Key) -> String {
    let made = scan::fingerprint(key).await;
    made.unwrap_or_else(|_| key.kind.clone())
}

fn keys(number: usize) -> String {
    match number {
        1 => "1 key".to_owned(),
        _ => format!("{number} keys"),
    }
}

fn quoted(hosts: &[&str]) -> String {
    let hosts: Vec<String> = hosts.iter().map(|host| format!("`{host}`")).collect();
    hosts.join(", ")
}
