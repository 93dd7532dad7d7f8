//! The program on a terminal: what it shows, and what is typed.

use std::{
    io::{Read as _, Write},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::world;
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use crate::stage::Stage;

/// How long something may take to appear before the test has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run of the program whose three streams are one terminal.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Arc<(Mutex<Screen>, Condvar)>,
}

#[derive(Default)]
struct Screen {
    bytes: Vec<u8>,
    closed: bool,
}

impl Stage {
    /// Runs the program on a terminal of this many columns.
    pub(crate) fn on_terminal(&self, columns: u16, arguments: &[&str]) -> Terminal {
        let size = PtySize {
            rows: 60,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gigadb-roles"));
        command.args(arguments);
        command.env_clear();
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.cwd(self.folder());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let shown = Arc::new((Mutex::new(Screen::default()), Condvar::new()));
        let screen = Arc::clone(&shown);
        thread::spawn(move || {
            let _master = pair.master;
            let mut bytes = [0; 4096];
            loop {
                let read = reader.read(&mut bytes).unwrap_or(0);
                let mut state = screen.0.lock().unwrap();
                state.bytes.extend_from_slice(&bytes[..read]);
                state.closed = read == 0;
                screen.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Terminal { child, keys, shown }
    }
}

impl Terminal {
    /// Waits until `text` was shown.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(
            |screen| String::from_utf8_lossy(&screen.bytes).contains(text),
            text,
        );
    }

    fn wait(&self, holds: impl Fn(&Screen) -> bool, what: &str) {
        let until = Instant::now() + PATIENCE;
        let mut screen = self.shown.0.lock().unwrap();
        while !holds(&screen) {
            let left = until.saturating_duration_since(Instant::now());
            let shown = String::from_utf8_lossy(&screen.bytes).into_owned();
            assert!(!left.is_zero() && !screen.closed, "no {what:?} in: {shown}");
            screen = self.shown.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Types these keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end: the exit code, and everything that was shown. No secret may be in it.
    pub(crate) fn end(mut self) -> (u32, String) {
        let status = self.child.wait().unwrap();
        let until = Instant::now() + PATIENCE;
        let mut screen = self.shown.0.lock().unwrap();
        while !screen.closed && Instant::now() < until {
            screen = self.shown.1.wait_timeout(screen, PATIENCE).unwrap().0;
        }
        let shown = String::from_utf8_lossy(&screen.bytes).replace("\r\n", "\n");
        for secret in world::PLANTED {
            assert!(!shown.contains(secret), "a secret was shown: {shown}");
        }
        (status.exit_code(), shown)
    }
}

/// What a run showed on its terminal, and its exit code.
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) code: u32,
}

/// Runs the program, of which nothing is asked, on a terminal that is so many columns wide.
pub(crate) fn show(stage: &Stage, columns: u16, arguments: &[&str]) -> Shown {
    let (code, text) = stage.on_terminal(columns, arguments).end();
    Shown { text, code }
}
