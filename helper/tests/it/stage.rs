//! A stage of its own for every test: simulated APIs, a home folder, an environment.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use gigadb_simulator::{Edit, Options, Simulator, World, world};
use tempfile::TempDir;

/// The topology of GigaDB's own procedure.
const TOPOLOGY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/terraform/upstream/topology.yaml"
);

/// Records of `live` with the address at each side.
const LIVE: [(&str, &str, &str); 8] = [
    ("gigadb.org", "198.51.100.10", "203.0.113.10"),
    ("bastion.gigadb.org", "198.51.100.11", "203.0.113.11"),
    ("files.gigadb.org", "198.51.100.12", "203.0.113.12"),
    ("portainer.gigadb.org", "198.51.100.10", "203.0.113.10"),
    ("alt-live.gigadb.host", "203.0.113.10", "198.51.100.10"),
    (
        "bastion.alt-live.gigadb.host",
        "203.0.113.11",
        "198.51.100.11",
    ),
    ("files.alt-live.gigadb.org", "203.0.113.12", "198.51.100.12"),
    (
        "portainer.alt-live.gigadb.host",
        "203.0.113.10",
        "198.51.100.10",
    ),
];

/// Simulated APIs with everything that the program needs to reach them.
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) environment: BTreeMap<String, String>,
    home: TempDir,
}

impl Stage {
    /// The procedure's world: `gigadb-website` is production in both environments.
    pub(crate) fn sop() -> Self {
        Self::with_world(World::sop())
    }

    /// Another world.
    pub(crate) fn with_world(world: World) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (config, credentials) = world.aws.write_profiles(home.path()).unwrap();
        let options = Options {
            dns: true,
            ..Options::default()
        };
        let simulator = Simulator::start_with(world, &options).unwrap();
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let environment = BTreeMap::from([
            set("HOME", home.path().to_str().unwrap()),
            set("PATH", "/usr/bin:/bin"),
            // The least that may be set: nobody wants to wait for what was killed here.
            set("GIGADB_OPEN_FOR", "30"),
            set("GIGADB_TOPOLOGY", TOPOLOGY),
            set("CLOUDFLARE_API_TOKEN", world::CLOUDFLARE_TOKEN),
            set("CLOUDFLARE_BASE_URL", simulator.cloudflare_url()),
            set("GITLAB_TOKEN", world::GITLAB_TOKEN),
            set("GITLAB_BASE_URL", simulator.gitlab_url()),
            set("AWS_ENDPOINT_URL", simulator.aws_url()),
            set("AWS_CONFIG_FILE", config.to_str().unwrap()),
            set("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
            set("AWS_EC2_METADATA_DISABLED", "true"),
            set("GIGADB_HTTPS_CHECK", "off"),
            // Never the network's own.
            set(
                "GIGADB_DNS_SERVER",
                &simulator.name_servers()[0].to_string(),
            ),
        ]);
        Self {
            simulator,
            environment,
            home,
        }
    }

    /// The same with an environment variable set.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without an environment variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// The working directory.
    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the working directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Trades the records of `live`, as a person in Cloudflare's dashboard would.
    pub(crate) fn trade_records(&self) {
        for (name, _, content) in LIVE {
            self.set_record(name, content);
        }
    }

    /// Gives one A record another content.
    pub(crate) fn set_record(&self, name: &str, content: &str) {
        let edit = Edit::SetRecord {
            name: name.to_owned(),
            kind: "A".to_owned(),
            content: content.to_owned(),
        };
        self.simulator.edit(|world| world.apply(&edit)).unwrap();
    }

    /// The program, ready to run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gigadb-roles"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end. No secret may be in what it says.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        no_secret(&output);
        output
    }

    /// The answer of a run that must succeed.
    pub(crate) fn answer(&self, arguments: &[&str]) -> String {
        self.answer_with(0, arguments)
    }

    /// The answer of a run that must end with this exit code.
    pub(crate) fn answer_with(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", self.told(&output));
        text(&output.stdout)
    }

    /// Runs the program and tells exit code, stdout and stderr together.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        self.told(&output)
    }

    /// Exit code, stdout and stderr, without what differs from run to run.
    pub(crate) fn told(&self, output: &Output) -> String {
        let mut told = match output.status.code() {
            Some(code) => format!("exit {code}"),
            None => "killed".to_owned(),
        };
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = text(bytes);
            if !text.is_empty() {
                told = format!("{told}\n-- {name}\n{}", text.trim_end());
            }
        }
        let told = sorted_progress(&without_ids(&told));
        let dns = self.simulator.name_servers()[0].to_string();
        told.replace(self.simulator.aws_url(), "http://simulator")
            .replace(&dns, "ns:53")
            .replace(self.folder().to_str().unwrap(), "$HOME")
            .replace(TOPOLOGY, "$TOPOLOGY")
    }
}

/// The text with every run's id as `RUN`.
pub(crate) fn without_ids(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((start, length)) = run_id(rest) {
        shown.push_str(&rest[..start]);
        shown.push_str("RUN");
        rest = &rest[start + length..];
    }
    shown + rest
}

/// The place and length of the first id of a run: `20261122T093000123Z-live-0a1b`.
fn run_id(text: &str) -> Option<(usize, usize)> {
    let is_id = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        let [start, _, random] = parts.as_slice() else {
            return false;
        };
        start.len() == 19 && start.ends_with('Z') && start.contains('T') && random.len() == 4
    };
    let mut begin = 0;
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(bare) {
            return Some((begin, bare.len()));
        }
        begin += word.len();
    }
    None
}

/// The text with neighbouring lines about variables in order: they are written side by side.
fn sorted_progress(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let side_by_side = |line: &&str| line.contains(": variable `") && !line.contains("error:");
    for run in lines.chunk_by_mut(|a, b| side_by_side(a) && side_by_side(b)) {
        run.sort_unstable();
    }
    lines.join("\n")
}

/// Fails where a planted secret is in the output.
pub(crate) fn no_secret(output: &Output) {
    for bytes in [&output.stdout, &output.stderr] {
        let text = text(bytes);
        for secret in world::PLANTED {
            assert!(!text.contains(secret), "a secret was shown: {text}");
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A pipe that nobody reads any more.
pub(crate) fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Says what was not run and why, on standard output itself: the test runner keeps back what a passing
/// test prints. `cargo xtask test` repeats such lines at its end.
pub(crate) fn not_run(what: &str) {
    let _ = writeln!(io::stdout().lock(), "proof: NOT RUN: {what}");
}
