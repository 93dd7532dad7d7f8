//! Which process this is, and whether another one still runs.

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// A process, told apart from all others that had or will have its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The name of the machine that it runs on.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// On Linux the machine's boot, the namespace of process numbers and the tick of its start, as
    /// `BOOT-NAMESPACE-TICK`; elsewhere unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// Whether a process still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It does.
    Running,
    /// It surely does not any more.
    Gone,
    /// That cannot be told from here: another machine, another container, or no way to look.
    Unknown,
}

impl Process {
    /// This process.
    pub fn this() -> Self {
        Self::numbered(std::process::id())
    }

    /// The process of this machine with the number `pid`.
    pub fn numbered(pid: u32) -> Self {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let start = surroundings().zip(tick(pid).ok());
        Self {
            host,
            pid,
            start: start.map(|(surroundings, tick)| format!("{surroundings}-{tick}")),
        }
    }

    /// Whether it still runs, as far as this process can tell.
    pub fn liveness(&self) -> Liveness {
        self.liveness_seen_by(&Self::this(), surroundings().as_deref())
    }

    /// Whether it is another process of the same program that the same process started, and still
    /// runs. Where that cannot be known (there is no `/proc`, or it is another container's), it is
    /// not.
    pub fn is_sibling(&self) -> bool {
        self.pid != std::process::id()
            && self.liveness() == Liveness::Running
            && started_alike(self.pid, std::process::id())
    }

    /// The same, as `this` process sees it in its `surroundings`. A process whose start is not
    /// known is never [`Liveness::Gone`]: a machine of the same name may be another one, and a
    /// number that means nothing here may be another container's.
    fn liveness_seen_by(&self, this: &Self, surroundings: Option<&str>) -> Liveness {
        if self == this && self.start.is_some() {
            return Liveness::Running;
        }
        let known = self
            .start
            .as_deref()
            .and_then(|start| start.rsplit_once('-'));
        let same_kernel = match (known, surroundings) {
            (Some((theirs, _)), Some(ours)) => theirs == ours,
            _ => false,
        };
        if self.host != this.host || !same_kernel {
            return Liveness::Unknown;
        }
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Liveness::Unknown;
        };
        if test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            return Liveness::Gone;
        }
        match (known, tick(self.pid)) {
            (Some((_, theirs)), Ok(present)) if theirs == present => Liveness::Running,
            (Some(_), Ok(_) | Err(NoTick::Zombie)) => Liveness::Gone,
            _ => Liveness::Unknown,
        }
    }
}

/// Why there is no start of a process.
enum NoTick {
    /// It has ended, and its parent has not taken notice yet.
    Zombie,
    Unreadable,
}

/// The tick at which a process began: field 22 of `/proc/PID/stat`, counted from the boot.
///
/// The second field is a name in parentheses, in which anything may stand; see
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
fn tick(pid: u32) -> Result<String, NoTick> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    let stat = stat.map_err(|_| NoTick::Unreadable)?;
    let (_, fields) = stat.rsplit_once(')').ok_or(NoTick::Unreadable)?;
    let mut fields = fields.split_whitespace();
    match fields.next() {
        Some("Z" | "X") => Err(NoTick::Zombie),
        _ => fields.nth(18).map(str::to_owned).ok_or(NoTick::Unreadable),
    }
}

/// Whether two processes of this machine have one parent and run one program.
fn started_alike(one: u32, other: u32) -> bool {
    let program = |pid: u32| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let (Some(parent), Some(program_of_one)) = (parent(one), program(one)) else {
        return false;
    };
    // Processes whose parent is gone all have number 1 for one.
    parent != 1 && self::parent(other) == Some(parent) && program(other) == Some(program_of_one)
}

/// The parent of a process: field 4 of `/proc/PID/stat`.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// The boot and the namespace in which process numbers mean what they mean here.
fn surroundings() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot = boot.split('-').next()?.trim().to_owned();
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let namespace: String = namespace
        .to_str()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    (!boot.is_empty() && !namespace.is_empty()).then(|| format!("{boot}-{namespace}"))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that waits for its input to end.
    fn waiting() -> Child {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_process_runs_until_it_is_killed() {
        assert_eq!(Process::this().liveness(), Liveness::Running);
        let mut child = waiting();
        let process = Process::numbered(child.id());
        assert_eq!(process.liveness(), Liveness::Running);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(process.liveness(), Liveness::Gone);
    }

    #[test]
    fn a_killed_process_that_nobody_waited_for_is_gone() {
        let mut child = waiting();
        let process = Process::numbered(child.id());
        child.kill().unwrap();
        while process.liveness() == Liveness::Running {
            std::thread::yield_now();
        }
        assert_eq!(process.liveness(), Liveness::Gone);
        child.wait().unwrap();
    }

    #[test]
    fn a_number_that_was_given_again_is_another_process() {
        let this = Process::this();
        let start = this.start.clone().unwrap();
        let (place, _) = start.rsplit_once('-').unwrap();
        let former = Process {
            start: Some(format!("{place}-1")),
            ..this
        };
        assert_eq!(former.liveness(), Liveness::Gone);
    }

    #[test]
    fn two_processes_of_one_program_under_one_parent_are_told() {
        let (mut one, mut other) = (waiting(), waiting());
        // Until it runs its program, a child is still this one.
        while program_name(one.id()) != program_name(other.id())
            || program_name(one.id()) == program_name(std::process::id())
        {
            std::thread::yield_now();
        }
        assert!(started_alike(one.id(), other.id()));
        // A child has another parent than this process, and is another program.
        assert!(!started_alike(one.id(), std::process::id()));
        assert!(!Process::numbered(one.id()).is_sibling());
        assert!(!Process::this().is_sibling());
        for child in [&mut one, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn program_name(pid: u32) -> Option<std::path::PathBuf> {
        std::fs::read_link(format!("/proc/{pid}/exe")).ok()
    }

    #[test]
    fn without_a_start_nothing_is_ever_gone() {
        let gone = 4_194_305; // above the largest number that Linux gives
        let without = |pid| Process {
            pid,
            start: None,
            ..Process::this()
        };
        // Where `/proc` cannot be read, on either side or both.
        for surroundings in [None, surroundings().as_deref()] {
            for pid in [gone, std::process::id()] {
                let told = without(pid).liveness_seen_by(&without(1), surroundings);
                assert_ne!(told, Liveness::Gone, "{pid} in {surroundings:?}");
            }
        }
    }

    #[test]
    fn what_runs_elsewhere_cannot_be_told() {
        let this = Process::this();
        let gone = 4_194_305; // above the largest number that Linux gives
        for (host, start) in [
            ("elsewhere.example.org", this.start.clone()),
            (this.host.as_str(), Some("0badb007-1-2".to_owned())),
            (this.host.as_str(), None),
        ] {
            let process = Process {
                host: host.to_owned(),
                pid: gone,
                start,
            };
            assert_eq!(process.liveness(), Liveness::Unknown, "{process:?}");
        }
    }
}
