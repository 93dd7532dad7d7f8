//! The example provider under the real `terraform`, where that is installed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says on stderr what it skips, its helpers too"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value as Json;
use tempfile::TempDir;

const TOKEN: &str = "planted-token-51c9";

/// A root module of its own, with a home, a CLI configuration and a folder of notes.
struct Module {
    root: TempDir,
    terraform: PathBuf,
}

struct Run {
    code: Option<i32>,
    output: String,
    log: String,
}

impl Module {
    /// Returns none, and says so, where there is no `terraform`.
    fn new(resources: &str) -> Option<Self> {
        let Some(terraform) = on_path("terraform") else {
            assert!(
                std::env::var_os("TFPLUG_REQUIRE_TERRAFORM").is_none(),
                "terraform is required, but not on PATH"
            );
            eprintln!("SKIPPED: terraform is not on PATH, nothing was tested against it");
            return None;
        };
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "notes", "work", "tmp"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(
            support::program(),
            root.path().join("bin/terraform-provider-notes"),
        )
        .unwrap();
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"example/notes\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
            root.path().join("bin").display()
        );
        std::fs::write(root.path().join("cli.tfrc"), overrides).unwrap();
        let module = Self { root, terraform };
        module.write(resources);
        Some(module)
    }

    fn write(&self, resources: &str) {
        let text = format!(
            "terraform {{\n  required_providers {{\n    notes = {{ source = \"example/notes\" }}\n  }}\n}}\n\
             provider \"notes\" {{\n  folder = \"{}\"\n  token = \"{TOKEN}\"\n}}\n{resources}",
            self.notes().display()
        );
        std::fs::write(self.root.path().join("work/main.tf"), text).unwrap();
    }

    fn notes(&self) -> PathBuf {
        self.root.path().join("notes")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let root = self.root.path();
        let mut command = Command::new(&self.terraform);
        command
            .env_clear()
            .env("HOME", root)
            .env("TMPDIR", root.join("tmp"))
            .env("TF_CLI_CONFIG_FILE", root.join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_ARGS", "-no-color")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_LOG", "trace")
            .env("TF_LOG_PATH", root.join("log"))
            .current_dir(root.join("work"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let _ = std::fs::remove_file(self.root.path().join("log"));
        let output = self
            .command(arguments)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let run = Run {
            code: output.status.code(),
            output: String::from_utf8(text).unwrap(),
            log: self.log(),
        };
        assert!(
            !run.log.contains("failed to exit gracefully"),
            "a provider was killed"
        );
        assert!(
            !run.log.contains("unexpected data"),
            "something was written to stdout"
        );
        run
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.root.path().join("log")).unwrap_or_default())
            .into_owned()
    }

    fn apply(&self) -> Run {
        self.run(&["apply", "-auto-approve"])
    }

    /// Asserts that there is nothing left to do.
    fn settled(&self) {
        let plan = self.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(
            plan.code,
            Some(0),
            "the second plan is not empty:\n{}",
            plan.output
        );
    }

    fn state(&self) -> Json {
        let text = std::fs::read(self.root.path().join("work/terraform.tfstate")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn left_behind(&self) -> usize {
        std::fs::read_dir(self.root.path().join("tmp"))
            .unwrap()
            .count()
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn note(name: &str, rest: &str) -> String {
    format!("resource \"notes_note\" \"{name}\" {{\n  name = \"{name}\"\n{rest}\n}}\n")
}

#[test]
fn plan_apply_and_an_empty_plan() {
    let resources = [
        note(
            "a",
            "  text = \"first\"\n  secret = \"hidden-value\"\n  tags = { x = { color = \"red\" } }",
        ),
        // Refined unknowns: a prefix, a length, and a collection of them.
        note(
            "b",
            "  text = \"x-${notes_note.a.id}\"\n  rating = length(notes_note.a.id)",
        ),
        note(
            "c",
            "  text = \"e\u{301} decomposed\"\n  any = { deep = [1, notes_note.a.id, true] }",
        ),
        "data \"notes_count\" \"all\" {\n  depends_on = [notes_note.b, notes_note.c]\n}\n\
         output \"total\" {\n  value = data.notes_count.all.total\n}\n"
            .to_owned(),
    ];
    let Some(module) = Module::new(&resources.concat()) else {
        return;
    };
    let planned = module.run(&["plan", "-detailed-exitcode", "-out=plan"]);
    assert_eq!(planned.code, Some(2), "{}", planned.output);
    let applied = module.run(&["apply", "plan"]);
    assert_eq!(applied.code, Some(0), "{}", applied.output);
    module.settled();
    assert_eq!(
        std::fs::read_to_string(module.notes().join("b")).unwrap(),
        "x-a"
    );
    for line in [
        "tf_rpc=ApplyResourceChange",
        "tf_resource_type=notes_note",
        "tf_req_duration_ms=",
    ] {
        assert!(applied.log.contains(line), "no {line} in the log");
    }
    let provider_lines = |log: &str| {
        let lines = log
            .lines()
            .filter(|line| line.contains("provider.terraform-provider-notes:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for line in provider_lines(&planned.log)
        .iter()
        .chain(&provider_lines(&applied.log))
    {
        assert!(
            !line.contains("\"@level\""),
            "not parsed as a record: {line}"
        );
        assert!(
            !line.contains(TOKEN) && !line.contains("hidden-value"),
            "a secret in the log: {line}"
        );
    }

    module.write(&note("a", "  text = \"second\""));
    let changed = module.apply();
    assert!(
        changed.output.contains("1 changed, 2 destroyed"),
        "{}",
        changed.output
    );
    assert!(
        changed.output.contains("note b will be deleted"),
        "{}",
        changed.output
    );
    std::fs::remove_file(module.notes().join("a")).unwrap();
    assert_eq!(module.run(&["plan", "-detailed-exitcode"]).code, Some(2));
    assert_eq!(module.apply().code, Some(0));
    assert_eq!(module.run(&["destroy", "-auto-approve"]).code, Some(0));
    assert_eq!(module.left_behind(), 0, "a socket was left behind");
}

#[test]
fn numbers_beyond_floats_and_attributes_beyond_4_mib() {
    let number = "123456789012345678901234567890.123456789";
    let big = "x".repeat(5 << 20);
    let resources = note("n", &format!("  text = file(\"big\")\n  rating = {number}"));
    let Some(module) = Module::new(&resources) else {
        return;
    };
    std::fs::write(module.root.path().join("work/big"), &big).unwrap();
    let applied = module.apply();
    assert_eq!(
        applied.code,
        Some(0),
        "{}",
        applied.output.chars().take(2000).collect::<String>()
    );
    module.settled();
    assert_eq!(
        std::fs::metadata(module.notes().join("n")).unwrap().len(),
        5 << 20
    );
    let state = std::fs::read_to_string(module.root.path().join("work/terraform.tfstate")).unwrap();
    assert!(
        state.contains(&format!("\"rating\": {number}")),
        "the number was rounded"
    );
}

#[test]
fn import_and_clear_text() {
    let Some(module) = Module::new(&note("i", "  text = \"there already\"")) else {
        return;
    };
    std::fs::write(module.notes().join("i"), "there already").unwrap();
    let clear = [("TF_DISABLE_PLUGIN_TLS", "1")];
    let imported = module.run_with(&["import", "notes_note.i", "i"], &clear);
    assert_eq!(imported.code, Some(0), "{}", imported.output);
    let plan = module.run_with(&["plan", "-detailed-exitcode"], &clear);
    assert_eq!(plan.code, Some(0), "{}", plan.output);
}

/// Every program on PATH that reads Terraform's configuration, each with a name of its own for the provider.
#[test]
fn debug_mode_serves_terraform_and_opentofu_without_an_installation() {
    use std::io::BufRead as _;
    let Some(mut module) = Module::new(&note("d", "  text = \"under a debugger\"")) else {
        return;
    };
    // Nothing is installed, so only the process under the debugger can be it.
    std::fs::write(module.root.path().join("cli.tfrc"), "").unwrap();
    let long = module.root.path().join("x".repeat(180));
    std::fs::create_dir(&long).unwrap();
    let mut plugin = Command::new(support::program())
        .env_clear()
        .env("TMPDIR", &long)
        .arg("--debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(plugin.stdout.take().unwrap()).lines();
    let assignment = lines
        .map(Result::unwrap)
        .find_map(|line| {
            let value = line.trim().strip_prefix("export TF_REATTACH_PROVIDERS=")?;
            Some(value.trim_matches('\'').to_owned())
        })
        .unwrap();
    let reattach = [("TF_REATTACH_PROVIDERS", assignment.as_str())];
    let terraform = module.terraform.clone();
    let tofu = on_path("tofu");
    if tofu.is_none() {
        eprintln!("SKIPPED: tofu is not on PATH, debug mode was not tried with it");
    }
    for program in [Some(terraform), tofu].into_iter().flatten() {
        module.terraform = program;
        let applied = module.run_with(&["apply", "-auto-approve"], &reattach);
        assert_eq!(applied.code, Some(0), "{}", applied.output);
        assert!(module.notes().join("d").is_file());
        let destroyed = module.run_with(&["destroy", "-auto-approve"], &reattach);
        assert_eq!(destroyed.code, Some(0), "{}", destroyed.output);
    }
    let pid = Pid::from_raw(plugin.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(plugin.wait().unwrap().code(), Some(0));
}

#[test]
fn it_is_installed_from_a_mirror() {
    let Some(module) = Module::new(&note("m", "  text = \"from a mirror\"")) else {
        return;
    };
    // Unpacked, as `filesystem_mirror` reads it. The name carries the version.
    let version = env!("CARGO_PKG_VERSION");
    let shown = module.run(&["version", "-json"]);
    let shown: Json = serde_json::from_str(&shown.output).unwrap();
    let mirror = module.root.path().join("mirror");
    let folder = mirror
        .join("registry.terraform.io/example/notes")
        .join(version)
        .join(shown["platform"].as_str().unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("terraform-provider-notes_v{version}");
    std::fs::copy(support::program(), folder.join(name)).unwrap();
    let rc = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.display()
    );
    std::fs::write(module.root.path().join("cli.tfrc"), rc).unwrap();
    let installed = module.run(&["init"]);
    assert_eq!(installed.code, Some(0), "{}", installed.output);
    let lock = module.root.path().join("work/.terraform.lock.hcl");
    let lock = std::fs::read_to_string(lock).unwrap();
    assert!(lock.contains(&format!("version = \"{version}\"")), "{lock}");
    let applied = module.apply();
    assert_eq!(applied.code, Some(0), "{}", applied.output);
    module.settled();
}

#[test]
fn a_panic_is_a_diagnostic_and_loses_nothing() {
    let corner = |fault: &str| {
        format!(
            "resource \"notes_corner\" \"c\" {{\n  fault = \"{fault}\"\n  secret = \"{TOKEN}\"\n}}\n"
        )
    };
    let Some(module) = Module::new(&corner("none")) else {
        return;
    };
    assert_eq!(module.apply().code, Some(0));
    module.write(&corner("panic"));
    let panicked = module.apply();
    assert_eq!(panicked.code, Some(1));
    assert!(
        panicked
            .output
            .contains("bug in the provider: notes_corner: ApplyResourceChange"),
        "{}",
        panicked.output
    );
    assert!(
        panicked
            .output
            .contains("It panicked: the apply was asked to panic with [redacted]."),
        "{}",
        panicked.output
    );
    assert!(
        panicked
            .log
            .contains("panic: the apply was asked to panic with [redacted] at "),
        "no panic in the log"
    );
    assert_eq!(
        module.state()["resources"][0]["instances"][0]["attributes"]["fault"],
        "none"
    );
    for fault in [
        "another value",
        "leave unknown",
        "forget",
        "plan another value",
        "plan nothing",
    ] {
        module.write(&corner(fault));
        let run = module.apply();
        assert_eq!(run.code, Some(1), "{fault}: {}", run.output);
        assert!(
            run.output.contains("bug in the provider: notes_corner"),
            "{fault}: {}",
            run.output
        );
        assert!(
            !run.output.contains("Provider produced"),
            "{fault}: core found it first: {}",
            run.output
        );
        assert!(
            !run.output.contains("Provider returned"),
            "{fault}: core found it first: {}",
            run.output
        );
        assert!(
            !run.output.contains(TOKEN),
            "{fault}: a secret in the output"
        );
        assert!(
            !module.state()["resources"][0]["instances"][0]["attributes"].is_null(),
            "{fault}: the object was lost"
        );
    }
}

#[test]
fn ctrl_c_during_a_slow_create_keeps_the_object() {
    let resources = "resource \"notes_corner\" \"slow\" {\n  fault = \"wait for stop\"\n}\n";
    let Some(module) = Module::new(resources) else {
        return;
    };
    let mut command = module.command(&["apply", "-auto-approve"]);
    // A process group of its own, so that the signal reaches core and providers as a terminal's Ctrl-C does.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut terraform = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&module.notes().join("waiting"));
    let group = Pid::from_raw(terraform.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process_group(group, Signal::INT).unwrap();
    let status = terraform.wait().unwrap();
    assert_eq!(status.code(), Some(1), "core reports the interruption");
    let object = &module.state()["resources"][0]["instances"][0];
    assert_eq!(
        object["attributes"]["id"], "corner",
        "what was created is not in the state"
    );
    assert!(object["status"].is_null(), "tainted");
}

fn wait_for(path: &Path) {
    let end = Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(Instant::now() < end, "{} did not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
