//! The programs that a scene starts, and what they answered.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long any program may run before it counts as hung.
const PATIENCE: Duration = Duration::from_mins(3);

/// Exit code, stdout and stderr of a program, without colors.
#[derive(Clone)]
pub struct Output {
    /// The command as a person would type it.
    pub command: String,
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it answered.
    pub stdout: String,
    /// What it said beside the answer.
    pub stderr: String,
    /// From its start to its end and that of its answer.
    pub took: Duration,
}

impl Output {
    /// Returns this output if the program ended with that code, else panics with all of it.
    #[track_caller]
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Returns stdout and stderr as one text without line breaks and frames, so that a sentence is found
    /// however Terraform folded it.
    pub fn flat(&self) -> String {
        let text = format!("{}\n{}", self.stdout, self.stderr);
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'));
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Asserts that each text is somewhere in the output, however it was folded.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) -> &Self {
        let flat = self.flat();
        for text in texts {
            assert!(flat.contains(text), "{text:?} is missing in {self:?}");
        }
        self
    }

    /// Asserts that none of the texts is in the output.
    #[track_caller]
    pub fn omits(&self, texts: &[&str]) -> &Self {
        let flat = self.flat();
        for text in texts {
            assert!(!flat.contains(text), "{text:?} is in {self:?}");
        }
        self
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.code, self.stdout, self.stderr
        )
    }
}

/// The command as a person would type it.
pub(crate) fn shown(command: &std::process::Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Runs a program to its end, without input.
pub(crate) fn run(command: std::process::Command) -> Output {
    let shown = shown(&command);
    let mut command = tokio::process::Command::from(command);
    command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let started = Instant::now();
    let output = runtime
        .block_on(async { tokio::time::timeout(PATIENCE, command.output()).await })
        .unwrap_or_else(|_| panic!("`{shown}` still runs after {} s", PATIENCE.as_secs()))
        .unwrap_or_else(|error| panic!("cannot start `{shown}`: {error}"));
    let took = started.elapsed();
    Output {
        took,
        command: shown,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Returns a program of ours: from `GIGADB_BIN_DIR`, else from the build that this program is part of.
pub fn ours(name: &str) -> PathBuf {
    let folder = env::var_os("GIGADB_BIN_DIR").map_or_else(
        || {
            let here = env::current_exe().unwrap();
            let folder = here.parent().unwrap();
            if folder.ends_with("deps") {
                folder.parent().unwrap().to_owned()
            } else {
                folder.to_owned()
            }
        },
        PathBuf::from,
    );
    let file = folder.join(name);
    assert!(
        file.is_file(),
        "{} is not built; build it with `cargo build --workspace --all-targets`, or run `cargo xtask test`",
        file.display()
    );
    file
}

/// Returns Terraform or OpenTofu: `GIGADB_TERRAFORM`, else the first on `PATH`.
pub fn terraform() -> PathBuf {
    env::var_os("GIGADB_TERRAFORM")
        .map(PathBuf::from)
        .or_else(|| {
            let path = env::var_os("PATH")?;
            let names = ["terraform", "tofu"];
            names.iter().find_map(|name| {
                env::split_paths(&path)
                    .map(|folder| folder.join(name))
                    .find(|file| file.is_file())
            })
        })
        .expect("neither terraform nor tofu is on PATH; `cargo xtask test` skips what needs them")
}

/// Returns a program of the pinned Python environment: `GIGADB_VENV`, else `target/venv`.
pub fn python_tool(name: &str) -> PathBuf {
    let venv = env::var_os("GIGADB_VENV").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv"),
        PathBuf::from,
    );
    let file = venv.join("bin").join(name);
    assert!(
        file.is_file(),
        "{} is not there; `cargo xtask test` prepares it",
        file.display()
    );
    file
}
