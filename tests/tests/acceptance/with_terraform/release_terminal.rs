//! A release whose roles Terraform trades, on a terminal: the plan is applied once production's
//! hostname is typed, and only then.

use std::{
    io::{Read as _, Write},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use gigadb_simulator::{Api, Effect, Fault, world};
use gigadb_tests::{Scene, procedure::Side, programs};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

use super::{
    assert_live,
    release::{PREPARE, configure, confirm, next, prepared_for_terraform, release_of},
};

/// How long something may take to appear before the test has failed.
const PATIENCE: Duration = Duration::from_mins(2);
const TRADE: &str = "Type `gigadb.org` to apply this plan (";

/// The helper, whose three streams are one terminal.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start(scene: &Scene, arguments: &[&str]) -> Self {
        let size = PtySize {
            rows: 50,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(programs::ours("gigadb-roles"));
        command.args(arguments);
        command.env_clear();
        for (name, value) in scene.environment() {
            command.env(name, value);
        }
        command.cwd(scene.root());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, bytes) = channel();
        thread::spawn(move || {
            let _master = pair.master;
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            bytes,
            shown: String::new(),
        }
    }

    /// Waits until `text` was shown.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.shown.contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            let bytes = self.bytes.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} in {}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end: the exit code, and everything that was shown in one line.
    fn end(mut self) -> (u32, String) {
        while let Ok(bytes) = self.bytes.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        let code = self.child.wait().unwrap().exit_code();
        for secret in world::PLANTED {
            assert!(!self.shown.contains(secret), "{}", self.shown);
        }
        let words: Vec<&str> = self.shown.split_whitespace().collect();
        (code, words.join(" "))
    }
}

/// `release next` at its question.
fn asked(scene: &Scene) -> Terminal {
    let words = ["release", "next", "-e", "live", "--interval", "0.05"];
    let mut terminal = Terminal::start(scene, &words);
    terminal.wait_for(TRADE);
    terminal
}

/// What the record says of a step.
fn entry(scene: &Scene, step: &str) -> Value {
    let status = release_of(scene, &["status", "--format", "json"]).expect(0);
    let document: Value = serde_json::from_str(&status.stdout).unwrap();
    let steps = document["steps"].as_array().unwrap();
    let found = steps.iter().find(|one| one["step"] == step);
    found.unwrap()["entry"].clone()
}

/// Whatever is typed but the hostname applies nothing, and the step is as it was.
fn refused(scene: &Scene, step: &str) {
    let before = scene.world();
    let state = scene.read("terraform.tfstate");
    scene.simulator().clear_requests();
    for (keys, exit, says) in [
        (
            "gigadb.host\n",
            1,
            "The step was not confirmed: `gigadb.org` was not typed.",
        ),
        (
            "GIGADB.ORG\n",
            1,
            "The step was not confirmed: `gigadb.org` was not typed.",
        ),
        (
            "alt-gigadb-website\n",
            1,
            "The step was not confirmed: `gigadb.org` was not typed.",
        ),
        (
            "yes\n",
            1,
            "The step was not confirmed: `gigadb.org` was not typed.",
        ),
        // The end of input, and Ctrl-C.
        (
            "\u{4}",
            1,
            "The step was not confirmed: `gigadb.org` was not typed.",
        ),
        ("\u{3}", 130, "interrupted:"),
    ] {
        let mut terminal = asked(scene);
        terminal.keys(keys);
        let (code, shown) = terminal.end();
        assert_eq!(code, exit, "{keys:?}: {shown}");
        for part in [says, "Nothing was changed."] {
            assert!(shown.contains(part), "{keys:?}: {part:?} is not in {shown}");
        }
        assert!(!shown.contains("Running: terraform apply"), "{shown}");
    }
    scene.assert_nothing_written();
    assert_eq!(scene.world(), before);
    assert_eq!(scene.read("terraform.tfstate"), state);
    assert_eq!(entry(scene, step), Value::Null, "the step was not begun");
    // The plan that was made for the question is gone, and nobody holds the state.
    let left: Vec<_> = std::fs::read_dir(scene.folder().join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("release.tfplan").exists())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!scene.root().join(".terraform.tfstate.lock.info").exists());
}

/// The hostname is typed, and the plan that was shown is applied.
fn typed(scene: &Scene, step: &str) {
    let mut terminal = asked(scene);
    terminal.keys("gigadb.org\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    for part in ["Apply complete!", &format!("Step `{step}` is done")] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    assert_eq!(entry(scene, step)["state"], "done");
    let _ = scene.plan(&[]).expect(0);
}

#[test]
fn roles_are_traded_by_terraform_once_the_apex_is_typed() {
    let scene = prepared_for_terraform();
    configure(&scene, Side::Upstream, PREPARE);
    typed(&scene, "prepare");
    let _ = next(&scene).expect(0).says(&["Step `rebuild` is done"]);
    confirm(&scene, "probe", "Ada");
    configure(&scene, Side::Alt, "");
    refused(&scene, "swap");
    typed(&scene, "swap");
    assert_live(&scene, Side::Alt);
}

/// Roles that are traded outside while the question waits: the plan that was shown is stale.
#[test]
fn what_moves_while_the_question_waits_is_not_written_over() {
    let scene = prepared_for_terraform();
    configure(&scene, Side::Upstream, PREPARE);
    let _ = next(&scene).expect(0).says(&["Step `prepare` is done"]);
    let _ = next(&scene).expect(0);
    confirm(&scene, "probe", "Ada");
    configure(&scene, Side::Alt, "");
    let mut terminal = asked(&scene);
    // Somebody deploys to the side that was validated: no swap to what nobody looked at.
    scene.simulator().edit(|world| {
        let project = world.gitlab.project_mut(world::ALT_PROJECT).unwrap();
        let mut other = project.deployments.last().unwrap().clone();
        other.id += 1;
        other.iid += 1;
        "v4.4.1".clone_into(&mut other.reference);
        project.deployments.push(other);
    });
    scene.simulator().clear_requests();
    terminal.keys("gigadb.org\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("[validated-before-swap]"), "{shown}");
    scene.assert_nothing_written();
    assert_eq!(entry(&scene, "swap"), Value::Null);
    scene.assert_records_led_by(Side::Upstream);
}

/// Ctrl-C reaches Terraform as well, and both end: nothing was begun.
#[test]
fn ctrl_c_while_terraform_plans_begins_nothing() {
    let scene = prepared_for_terraform();
    configure(&scene, Side::Upstream, PREPARE);
    let before = scene.world();
    scene.simulator().clear_requests();
    let words = ["release", "next", "-e", "live"];
    // The provider waits for Cloudflare once it is asked to plan: the helper has read by then.
    let mut terminal = Terminal::start(&scene, &words);
    terminal.wait_for("Running: terraform plan");
    let hang = Fault::new(Effect::Hang).api(Api::Cloudflare);
    scene.simulator().fault(hang.always());
    terminal.keys("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("Nothing was changed."), "{shown}");
    scene.simulator().clear_faults();
    scene.assert_nothing_written();
    assert_eq!(scene.world(), before);
    assert_eq!(entry(&scene, "prepare"), Value::Null);
    typed(&scene, "prepare");
}
