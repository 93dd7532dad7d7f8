//! One stage: simulated APIs, a home folder, a Terraform root.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use gigadb_simulator::{
    LoggedRequest, Options, Simulator, World,
    world::{CLOUDFLARE_TOKEN, GITLAB_TOKEN},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    procedure::{self, Side},
    programs::{self, Output, run},
    running::Running,
    secrets,
};

const HEADER: &str = r#"terraform {
  required_providers {
    gigadb = { source = "gigascience/gigadb" }
  }
}

provider "gigadb" {
  topology_file = "${path.module}/topology.yaml"
}
"#;

/// Returns the HCL of one role assignment, with further attributes, one a line.
pub fn assignment(environment: &str, production: Side, further: &str) -> String {
    format!(
        "\nresource \"gigadb_role_assignment\" \"{environment}\" {{\n  environment = \"{environment}\"\n  production = \"{}\"\n{further}\n}}\n",
        production.name()
    )
}

/// A stage of its own for one test.
#[derive(Debug)]
pub struct Scene {
    simulator: Simulator,
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Scene {
    /// Sets the stage with the procedure's world and topology, and an empty Terraform root.
    pub fn new() -> Self {
        Self::with_world(World::sop())
    }

    /// Sets the stage with another world.
    pub fn with_world(world: World) -> Self {
        let simulator = Simulator::start_with(world, &Options::default()).unwrap();
        // Short: plugins listen on Unix sockets in TMPDIR, whose paths may not exceed about a hundred bytes.
        let folder = tempfile::Builder::new()
            .prefix("gigadb-")
            .tempdir()
            .unwrap();
        let mut scene = Self {
            simulator,
            folder,
            environment: BTreeMap::new(),
        };

        for name in ["root", "home/.aws", "tmp", "plugins", "logs"] {
            fs::create_dir_all(scene.path(name)).unwrap();
        }
        scene
            .simulator
            .world()
            .aws
            .write_profiles(&scene.path("home/.aws"))
            .unwrap();
        scene.write("topology.yaml", &example("upstream/topology.yaml"));
        scene.point_terraform_at_our_provider();

        let folder = |name: &str| scene.path(name).display().to_string();
        let environment = [
            ("PATH", env::var("PATH").unwrap_or_default()),
            ("HOME", folder("home")),
            ("TMPDIR", folder("tmp")),
            ("LANG", "C.UTF-8".to_owned()),
            ("TF_CLI_CONFIG_FILE", folder("terraform.rc")),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("TF_INPUT", "0".to_owned()),
            ("CHECKPOINT_DISABLE", "1".to_owned()),
            ("CLOUDFLARE_API_TOKEN", CLOUDFLARE_TOKEN.to_owned()),
            (
                "CLOUDFLARE_BASE_URL",
                scene.simulator.cloudflare_url().to_owned(),
            ),
            ("GITLAB_TOKEN", GITLAB_TOKEN.to_owned()),
            ("GITLAB_BASE_URL", scene.simulator.gitlab_url().to_owned()),
            ("AWS_ENDPOINT_URL", scene.simulator.aws_url().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("GIGADB_HTTPS_CHECK", "off".to_owned()),
            ("GIGADB_TOPOLOGY", folder("root/topology.yaml")),
        ];
        scene.environment = environment
            .map(|(key, value)| (key.to_owned(), value))
            .into();
        scene
    }

    fn point_terraform_at_our_provider(&self) {
        let name = "terraform-provider-gigadb";
        let plugins = self.path("plugins");
        std::os::unix::fs::symlink(programs::ours(name), plugins.join(name)).unwrap();
        let plugins = plugins.display();
        let text = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"registry.terraform.io/gigascience/gigadb\" = \"{plugins}\"\n    \"registry.opentofu.org/gigascience/gigadb\" = \"{plugins}\"\n  }}\n  direct {{}}\n}}\n"
        );
        fs::write(self.path("terraform.rc"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the simulated APIs.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Returns the Terraform root.
    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Returns the folder that holds all of this scene; what lies beside the Terraform root is not
    /// searched for secrets when the scene ends.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets an environment variable for programs started from now on.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        self.environment.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Removes an environment variable for programs started from now on.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.environment.remove(key);
        self
    }

    /// The environment variables of programs, all of them.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Lets Terraform and the provider log at TRACE from now on; returns the log's file.
    pub fn log_to(&mut self, name: &str) -> PathBuf {
        let file = self.path("logs").join(name);
        self.set("TF_LOG", "TRACE")
            .set("TF_LOG_PATH", &file.display().to_string());
        file
    }

    /// Writes a file into the Terraform root.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).unwrap();
    }

    /// Reads a file of the Terraform root.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// Changes the topology by replacing a text, which must be there.
    pub fn edit_topology(&self, from: &str, to: &str) {
        let text = self.read("topology.yaml");
        assert!(text.contains(from), "the topology does not hold {from:?}");
        self.write("topology.yaml", &text.replace(from, to));
    }

    /// Writes `main.tf`: the provider, then what is given.
    pub fn configure(&self, body: &str) {
        self.write("main.tf", &format!("{HEADER}{body}"));
    }

    /// Writes `main.tf` with live assigned, and nothing else.
    pub fn configure_live(&self, production: Side) {
        self.configure(&assignment("live", production, ""));
    }

    /// Adopts live as it is, so that the state knows it, and forgets the requests that took.
    pub fn adopt_live(&self) {
        self.configure_live(Side::Upstream);
        let _ = self.apply().expect(0);
        self.simulator.clear_requests();
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root())
            .env_clear()
            .envs(&self.environment);
        command
    }

    /// Runs Terraform (or OpenTofu) in the root.
    pub fn terraform(&self, arguments: &[&str]) -> Output {
        answer(self.command(&programs::terraform()), arguments)
    }

    /// Starts Terraform in the root, and does not wait for it.
    pub fn start_terraform(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&programs::terraform());
        command.args(arguments);
        Running::start(command)
    }

    /// Makes a second root: another checkout of the first one, with its state and plan files.
    pub fn second_root(&self) {
        let second = self.path("second");
        fs::create_dir_all(&second).unwrap();
        for entry in fs::read_dir(self.root()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), second.join(entry.file_name())).unwrap();
            }
        }
    }

    /// Runs Terraform in the second root.
    pub fn terraform_in_second_root(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&programs::terraform());
        command.current_dir(self.path("second"));
        answer(command, arguments)
    }

    /// The folder with the journals of this scene.
    pub fn journals(&self) -> PathBuf {
        self.path("home/.local/state/gigadb/journal")
    }

    /// Runs `terraform plan` with `-detailed-exitcode`: 0 is empty, 2 has changes, 1 failed.
    pub fn plan(&self, further: &[&str]) -> Output {
        let mut arguments = vec!["plan", "-no-color", "-detailed-exitcode"];
        arguments.extend(further);
        self.terraform(&arguments)
    }

    /// Runs `terraform apply`, planning and applying in one go.
    pub fn apply(&self) -> Output {
        self.terraform(&["apply", "-no-color", "-auto-approve"])
    }

    /// Plans to a file and returns the plan as JSON; it must have changes.
    #[track_caller]
    pub fn plan_to(&self, file: &str) -> Value {
        let _ = self.plan(&[&format!("-out={file}")]).expect(2);
        self.show(file)
    }

    /// Returns a plan file, or the state if the name is empty, as JSON.
    #[track_caller]
    pub fn show(&self, file: &str) -> Value {
        let mut arguments = vec!["show", "-json"];
        arguments.extend(Some(file).filter(|file| !file.is_empty()));
        serde_json::from_str(&self.terraform(&arguments).expect(0).stdout).unwrap()
    }

    /// Returns the attributes of a resource or data source in the state.
    #[track_caller]
    pub fn attributes(&self, address: &str) -> Value {
        let state = self.show("");
        let resources = state["values"]["root_module"]["resources"]
            .as_array()
            .cloned();
        resources
            .unwrap_or_default()
            .into_iter()
            .find(|resource| resource["address"] == address)
            .unwrap_or_else(|| panic!("{address} is not in the state: {state:#}"))["values"]
            .clone()
    }

    /// Runs a program in the root.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        answer(self.command(program), arguments)
    }

    /// Puts a program of that name first on the path of [`Self::shell`].
    pub fn stand_in(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.path("programs").join(name);
        fs::create_dir_all(self.path("programs")).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs lines as a person types them, in the root: bash, which stops at the first failure.
    /// Programs that end with 2 because there are changes count as well here, and a step of a
    /// release is confirmed.
    pub fn shell(&self, script: &str) -> Output {
        let ours = programs::ours("gigadb-roles");
        let pending = "code=$?; test $code -eq 2 || exit $code";
        self.stand_in(
            "gigadb-roles",
            &format!(
                "case \"$1 $2\" in \"release next\") set -- \"$@\" --yes --interval 0.05;; esac\n\
                 {} \"$@\" || {{ {pending}; }}",
                ours.display()
            ),
        );
        let inventory = programs::python_tool("ansible-inventory");
        for (name, program) in [
            ("terraform", programs::terraform()),
            ("ansible-inventory", inventory),
        ] {
            self.stand_in(name, &format!("exec {} \"$@\"", program.display()));
        }
        let mut command = self.command(Path::new("bash"));
        let path = env::var("PATH").unwrap_or_default();
        command
            .env(
                "PATH",
                format!("{}:{path}", self.path("programs").display()),
            )
            .env("ANSIBLE_LOCAL_TEMP", self.path("tmp"));
        answer(command, &["-e", "-o", "pipefail", "-c", script])
    }

    /// Reads a YAML file with a parser that nobody here wrote.
    #[track_caller]
    pub fn yaml(&self, file: &Path) -> Value {
        let program =
            "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
        let python = programs::python_tool("python");
        let file = file.display().to_string();
        let output = answer(self.command(&python), &["-c", program, &file]).expect(0);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// Asserts that live's apex leads to this side.
    #[track_caller]
    pub fn assert_records_led_by(&self, production: Side) {
        let (found, expected) = (self.world(), procedure::world(production, Side::Upstream));
        assert_eq!(
            found.cloudflare.a_records(),
            expected.cloudflare.a_records()
        );
    }

    /// Runs the helper in the root.
    pub fn gigadb_roles(&self, arguments: &[&str]) -> Output {
        answer(self.command(&programs::ours("gigadb-roles")), arguments)
    }

    /// Starts the helper in the root, and does not wait for it.
    pub fn start_gigadb_roles(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(&programs::ours("gigadb-roles"));
        command.args(arguments);
        Running::start(command)
    }

    /// Runs `ansible-inventory` on the helper.
    pub fn ansible_inventory(&self, arguments: &[&str]) -> Output {
        self.ansible_inventory_of(&programs::ours("gigadb-roles"), arguments)
    }

    /// Runs `ansible-inventory` on an inventory program.
    pub fn ansible_inventory_of(&self, inventory: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command(&programs::python_tool("ansible-inventory"));
        command
            .env("ANSIBLE_LOCAL_TEMP", self.path("tmp"))
            .env("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true")
            .env("ANSIBLE_NOCOLOR", "1")
            .arg("-i")
            .arg(inventory);
        answer(command, arguments)
    }

    /// Returns the simulated world without what moves on every write.
    pub fn world(&self) -> World {
        self.simulator.world().normalized()
    }

    /// Asserts that the world is the procedure's with these sides as production, to the last byte.
    #[track_caller]
    pub fn assert_world(&self, live: Side, staging: Side) {
        let (found, expected) = (self.world(), procedure::world(live, staging));
        assert_eq!(
            found.cloudflare.a_records(),
            expected.cloudflare.a_records()
        );
        assert_eq!(found.gitlab, expected.gitlab);
        assert!(
            found == expected,
            "something beside records and variables differs"
        );
    }

    /// Returns the writes that the APIs have seen since the log was last cleared.
    pub fn writes(&self) -> Vec<LoggedRequest> {
        let all = self.simulator.requests().into_iter();
        all.filter(LoggedRequest::is_write).collect()
    }

    /// Asserts that nothing was written since the log was last cleared.
    #[track_caller]
    pub fn assert_nothing_written(&self) {
        let writes: Vec<_> = self.writes().iter().map(ToString::to_string).collect();
        assert!(writes.is_empty(), "written: {writes:#?}");
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scene {
    /// Whatever was left behind (state, plan files, logs) holds no secret.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for folder in ["root", "tmp", "logs"] {
                secrets::assert_none_below(&self.path(folder));
            }
            if self.journals().exists() {
                secrets::assert_none_below(&self.journals());
            }
        }
    }
}

/// Runs a command and checks that it printed no secret.
fn answer(mut command: Command, arguments: &[&str]) -> Output {
    command.args(arguments);
    let output = run(command);
    secrets::assert_none_in(&output.command, output.stdout.as_bytes());
    secrets::assert_none_in(&output.command, output.stderr.as_bytes());
    output
}

/// Returns the text of a file below `examples/terraform/`.
pub fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/terraform");
    let file = examples.join(name);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
