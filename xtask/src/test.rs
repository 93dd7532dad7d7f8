//! `cargo xtask test`: every test, with the totals of all runners at the end.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context as _, bail};

use crate::{
    step::{Steps, show, succeed},
    terraform::{self, OnPath},
    totals::Totals,
    venv,
    workspace::{self, EVERYTHING},
};

/// Options of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Fail when neither Terraform nor OpenTofu is on PATH, or an older or newer ansible-core cannot be
    /// installed, instead of skipping what needs them.
    #[arg(long)]
    require_terraform: bool,
}

/// Tests whose path holds this word need Terraform or OpenTofu.
const NEEDS_TERRAFORM: &str = "with_terraform::";

/// What a test that searches begins its count with, on standard output itself: the test runner would
/// keep back what a passing test prints.
const PROOF: &str = "proof: ";

/// Folders of tests in Python.
const FIDELITY: &str = "simulator/fidelity";
const COLLECTION: &str = "ansible/tests";

/// What waits for other programs runs in four processes, each of which takes from the others' tests
/// when it has none left; a test that hangs fails, with its name, after so many seconds.
const BESIDE_EACH_OTHER: [&str; 6] = ["-n", "4", "--dist", "worksteal", "--timeout", "900"];

/// Tests in Rust that run beside each other, a core: most of their time, they wait for answers.
const THREADS_A_CORE: usize = 2;

/// The oldest line of ansible-core that is supported, and the newest that runs with Python 3.11.
const ANSIBLE_LINES: [&str; 2] = ["2.16", "2.19"];

/// What runs with one ansible-core alone, because it is about something else: the shell programs,
/// EC2's answers, the collection's text, OpenSSH's files of keys, and how a release puts together what
/// the other files try one by one.
const ONCE: [&str; 11] = [
    "test_collection_style.py",
    "test_data_sync_programs.py",
    "test_dump_formats.py",
    "test_inventory_moto.py",
    "test_known_hosts.py",
    "test_programs_style.py",
    "test_release.py",
    "test_restored_database.py",
    "test_sync_dropboxes.py",
    "test_walk.py",
    "test_who_is_production.py",
];

/// Runs every test; fails if one does, after all have run.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let totals = all(&mut steps, arguments.require_terraform)?;
    steps.print_durations();
    totals.conclude()
}

/// What all runners said.
#[derive(Debug)]
pub(crate) struct Report {
    totals: Totals,
    /// How far the searches went, as they say it.
    proofs: Vec<String>,
    /// What could not be prepared, and why.
    not_run: Vec<String>,
    failures: Vec<String>,
    found: OnPath,
}

impl Report {
    /// Prints the closing lines; an error when anything failed.
    pub(crate) fn conclude(&self) -> anyhow::Result<()> {
        println!();
        if self.found.either().is_none() {
            println!("{}\n", terraform::MISSING);
        }
        for proof in &self.proofs {
            println!("{proof}");
        }
        for told in &self.not_run {
            println!("{told}");
        }
        println!("{}", self.found.told());
        println!("total: {}", self.totals);
        if self.totals.failed > 0 || !self.failures.is_empty() {
            bail!("tests failed: {}", self.failures.join(", "));
        }
        Ok(())
    }
}

/// Runs every test, one runner after the other, whatever the one before said; where `required`, what
/// cannot be prepared fails instead of being told of.
pub(crate) fn all(steps: &mut Steps, required: bool) -> anyhow::Result<Report> {
    let found = OnPath::look();
    if found.either().is_none() {
        if required {
            bail!("{}", terraform::MISSING);
        }
        println!("\n{}", terraform::MISSING);
    }
    let venv = steps.step("python environment", venv::prepare)?;
    steps.step("build programs and tests", || {
        succeed(&mut workspace::build())
    })?;

    let mut report = Report {
        totals: Totals::default(),
        proofs: Vec::new(),
        not_run: Vec::new(),
        failures: Vec::new(),
        found: found.clone(),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let prepare_with = |mut command: Command, terraform: Option<&PathBuf>| {
        command
            .env("RUST_TEST_THREADS", (THREADS_A_CORE * cores).to_string())
            .env("GIGADB_BIN_DIR", workspace::programs())
            .env(
                "GIGADB_SIMULATOR",
                workspace::programs().join("gigadb-simulator"),
            )
            .env("GIGADB_VENV", &venv)
            .env_remove("GIGADB_TERRAFORM");
        if let Some(terraform) = terraform {
            command.env("GIGADB_TERRAFORM", terraform);
            if terraform.ends_with("terraform") {
                // The plugin SDK's own tests look for it on PATH, and would pass without it.
                command.env("TFPLUG_REQUIRE_TERRAFORM", "1");
            }
        }
        command
    };
    let prepare = |command: Command| prepare_with(command, found.either());

    let mut rust = workspace::cargo(&["test", "--locked", "--no-fail-fast"]);
    rust.args(EVERYTHING);
    if found.either().is_none() {
        rust.args(["--", "--skip", NEEDS_TERRAFORM]);
    }
    report.run(steps, "rust tests", prepare(rust), Totals::of_cargo)?;

    // Where there is only one of the two, the tests above ran with it.
    if let (Some(_), Some(tofu)) = (&found.terraform, &found.tofu) {
        let mut again = workspace::cargo(&["test", "--locked", "--no-fail-fast"]);
        again.args(EVERYTHING).args(["--", NEEDS_TERRAFORM]);
        let again = prepare_with(again, Some(tofu));
        report.run(
            steps,
            "acceptance tests with OpenTofu",
            again,
            Totals::of_cargo_chosen,
        )?;
    }

    let examples =
        workspace::cargo(&["test", "--locked", "--no-fail-fast", "--workspace", "--doc"]);
    report.run(
        steps,
        "examples in documentation",
        prepare(examples),
        Totals::of_cargo,
    )?;

    let python = prepare(pytest(&venv, FIDELITY));
    let name = "simulator against other people's clients";
    report.run(steps, name, python, Totals::of_pytest)?;
    let mut python = prepare(pytest(&venv, COLLECTION));
    python.args(BESIDE_EACH_OTHER);
    report.run(steps, "ansible collection", python, Totals::of_pytest)?;
    for line in ANSIBLE_LINES {
        let name = format!("ansible collection with ansible-core {line}");
        match steps.step(&format!("environment of ansible-core {line}"), || {
            venv::prepare_ansible(line)
        }) {
            Ok(other) => {
                let mut python = prepare(pytest(&other, COLLECTION));
                python.args(BESIDE_EACH_OTHER).env("GIGADB_VENV", &other);
                python.args(ONCE.map(|file| format!("--ignore={COLLECTION}/{file}")));
                report.run(steps, &name, python, Totals::of_pytest)?;
            }
            Err(why) => {
                let told = format!("{name}: NOT RUN: {why:#}");
                println!("{told}");
                report.not_run.push(told);
                if required {
                    report.failures.push(name);
                }
            }
        }
    }
    Ok(report)
}

/// Returns pytest on a folder below the root, with an environment's Python.
fn pytest(venv: &Path, what: &str) -> Command {
    let mut python = Command::new(venv::python(venv));
    python
        .current_dir(workspace::root())
        .args(["-m", "pytest", "-p", "no:cacheprovider", "--quiet", "-rs"])
        .arg(what)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

impl Report {
    /// Runs one runner, adds up its closing lines, and notes if it failed.
    fn run(
        &mut self,
        steps: &mut Steps,
        name: &str,
        mut command: Command,
        read: fn(&str) -> Option<Totals>,
    ) -> anyhow::Result<()> {
        let status = steps.step(name, || self.stream(&mut command, read))?;
        if !status.success() {
            self.failures.push(name.to_owned());
        }
        Ok(())
    }

    /// Runs a command, passes its output on line by line, and adds up what `read` finds in it.
    fn stream(
        &mut self,
        command: &mut Command,
        read: fn(&str) -> Option<Totals>,
    ) -> anyhow::Result<ExitStatus> {
        let shown = show(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line.with_context(|| format!("cannot read what `{shown}` prints"))?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                if let Some(found) = read(line.trim_end()) {
                    self.totals += found;
                }
                // The runner may have begun a line of its own.
                if let Some(at) = line.find(PROOF) {
                    self.proofs.push(line[at..].trim_end().to_owned());
                }
            }
        }
        Ok(child.wait()?)
    }
}
