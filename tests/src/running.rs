//! A program under way, to be interrupted or killed in the middle.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::{
    programs::{Output, shown},
    secrets,
};

/// How long something that a test waits for may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// A program of a scene that runs, in a process group of its own as in a terminal.
#[derive(Debug)]
pub struct Running {
    child: Child,
    command: String,
    started: Instant,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let text = shown(&command);
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{text}`: {error}"));
        Self {
            child,
            command: text,
            started: Instant::now(),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What Ctrl-C does: interrupts the program and all that it started.
    pub fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).unwrap();
    }

    /// Kills our provider, which this program started, as the kernel would: at once.
    pub fn kill_provider(&self) {
        let providers = children_of(self.pid().as_raw_pid(), "terraform-provi");
        let [provider] = providers[..] else {
            panic!("not one provider of `{}`: {providers:?}", self.command);
        };
        kill_process(Pid::from_raw(provider).unwrap(), Signal::KILL).unwrap();
    }

    /// Waits for the program to end.
    pub fn end(self) -> Output {
        let output = self.child.wait_with_output().unwrap();
        let output = Output {
            took: self.started.elapsed(),
            command: self.command,
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        secrets::assert_none_in(&output.command, output.stdout.as_bytes());
        secrets::assert_none_in(&output.command, output.stderr.as_bytes());
        output
    }
}

/// Waits until something holds, and fails the test where it never does.
#[track_caller]
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}: never");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The processes with this name, as the kernel cuts it, that the process `parent` started.
fn children_of(parent: i32, name: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some((before, after)) = stat.rsplit_once(") ") else {
            continue;
        };
        let ppid = after.split_whitespace().nth(1).and_then(|p| p.parse().ok());
        if ppid == Some(parent) && before.ends_with(name) {
            found.push(pid);
        }
    }
    found
}
