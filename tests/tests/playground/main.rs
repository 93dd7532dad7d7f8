//! `gigadb-simulator play` and `drill`, with the programs as they are shipped.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod drills;
mod play;
mod with_terraform;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use gigadb_tests::programs;

/// Starts the playground's program with a clean environment, as in a terminal without settings.
fn simulator(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs::ours("gigadb-simulator"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::null());
    command
}

/// What a program said, and its exit code.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Said {
    #[track_caller]
    fn expect(&self, code: i32) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.code, Some(code), "{stdout}\n--\n{stderr}");
        self
    }

    #[track_caller]
    fn tells(&self, texts: &[&str]) -> &Self {
        let all = format!("{}\n--\n{}", self.stdout, self.stderr);
        for text in texts {
            assert!(all.contains(text), "{text:?} is missing: {all}");
        }
        self
    }
}
