//! The program on a terminal of its own.

use std::io::Read as _;

use gigadb_simulator::world;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::stage::Stage;

/// What a run showed on its terminal, and its exit code.
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) code: u32,
}

/// Runs the program on a terminal that is so many columns wide.
pub(crate) fn show(stage: &Stage, columns: u16, arguments: &[&str]) -> Shown {
    let size = PtySize {
        rows: 50,
        cols: columns,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gigadb-roles"));
    command.args(arguments);
    command.cwd(stage.folder());
    command.env_clear();
    for (name, value) in &stage.environment {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    // The last writer must be the child, so that reading ends with it.
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut bytes = Vec::new();
    // Linux ends a terminal whose last writer is gone with an error.
    let _ = reader.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    for secret in world::PLANTED {
        assert!(!text.contains(secret), "a secret was shown: {text}");
    }
    Shown {
        text,
        code: child.wait().unwrap().exit_code(),
    }
}
