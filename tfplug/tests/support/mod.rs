//! A plugin process under test, and a client that plays core.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "a module of test programs, each of which uses a part"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, its helpers too"
)]

pub mod certificate;
pub mod client;
#[path = "../../src/wire/mod.rs"]
pub mod wire;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Returns the example provider's program, which cargo builds before it runs tests.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/notes");
    assert!(
        program.is_file(),
        "{} is missing: cargo build -p tfplug --examples",
        program.display()
    );
    program
}

/// Returns a command that starts the plugin with core's environment and no other.
pub fn command(temporary: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A started plugin, its handshake read.
pub struct Plugin {
    pub process: Child,
    pub network: String,
    pub address: String,
    pub certificate: String,
    /// Kept open: core reads it as long as it lives.
    pub stdout: Option<BufReader<ChildStdout>>,
}

impl Plugin {
    pub async fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).await.unwrap();
        assert!(line.ends_with('\n'), "no handshake: {line:?}");
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [core, app, network, address, protocol, certificate] = fields[..] else {
            panic!("not six fields: {line:?}")
        };
        assert_eq!((core, app, protocol), ("1", "6", "grpc"), "{line:?}");
        let (network, address, certificate) = (network.into(), address.into(), certificate.into());
        Self {
            process,
            network,
            address,
            certificate,
            stdout: Some(stdout),
        }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(self.process.id().unwrap().try_into().unwrap()).unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end and returns the exit code.
    pub async fn ended(&mut self, within: Duration) -> Option<i32> {
        tokio::time::timeout(within, self.process.wait())
            .await
            .expect("the plugin did not end")
            .unwrap()
            .code()
    }
}
