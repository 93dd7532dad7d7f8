//! What webhooks are told of a release, in both formats: each thing once, and what is true.

use std::fs;

use gigadb_simulator::world::{ALT_PROJECT, PROJECT};

use crate::{
    further_jobs::warming,
    interlocks::deployed_by_hand,
    notify::Webhook,
    release::{
        confirm, document, next, release, stage, start, started_jobs, up_to_the_probe,
        up_to_the_swap,
    },
    stage::Stage,
};

/// Two webhooks, one for each format, that are told of every event.
struct Told {
    json: Webhook,
    slack: Webhook,
}

/// What both were told: outcome, step, and the text behind the release's name.
type News = (String, String, String);

impl Told {
    fn of(stage: Stage) -> (Self, Stage) {
        let [json, slack] = [(); 2].map(|()| Webhook::answering(Some("200 OK")));
        let file = stage.folder().join("topology.yaml");
        let notify = "notify:\n  - { url_variable: GIGADB_WEBHOOK_URL }\n  - { url_variable: GIGADB_SLACK_URL, format: slack }\n";
        let topology = fs::read_to_string(&file).unwrap();
        fs::write(&file, topology + notify).unwrap();
        let stage = stage
            .with("GIGADB_WEBHOOK_URL", &json.url)
            .with("GIGADB_SLACK_URL", &slack.url);
        (Self { json, slack }, stage)
    }

    /// Everything since the last call: a program that has ended has told all that it tells.
    fn news(&self) -> Vec<News> {
        let slack = self.slack.asked.try_iter().map(|sent| {
            assert_eq!(sent.as_object().unwrap().len(), 1, "{sent}");
            sent["text"].as_str().unwrap().to_owned()
        });
        let slack: Vec<String> = slack.collect();
        let mut texts = Vec::new();
        let mut all = Vec::new();
        for sent in self.json.asked.try_iter() {
            let news = &sent["news"];
            assert_eq!(news["event"], "release", "{sent}");
            assert_eq!(news["environment"], "live", "{sent}");
            let text = news["text"].as_str().unwrap();
            let escaped = text.replace('&', "&amp;");
            texts.push(escaped.replace('<', "&lt;").replace('>', "&gt;"));
            let said = text.strip_prefix("Release v4.4.0 of live: ").unwrap();
            all.push((
                news["outcome"].as_str().unwrap().to_owned(),
                news["step"].as_str().unwrap_or("-").to_owned(),
                said.to_owned(),
            ));
        }
        assert_eq!(texts, slack, "both are told the same");
        all
    }

    /// The one thing that was told since the last call.
    #[track_caller]
    fn one(&self, outcome: &str, step: &str) -> String {
        let new = self.news();
        let [(found, of, said)] = new.as_slice() else {
            panic!("not one: {new:?}");
        };
        assert_eq!((found.as_str(), of.as_str()), (outcome, step), "{said}");
        said.clone()
    }

    #[track_caller]
    fn nothing(&self) {
        assert_eq!(self.news(), []);
    }
}

/// Both jobs were played by hand, and ended well.
fn played_by_hand(stage: &Stage, project: &str) {
    stage.simulator.edit(|world| {
        let jobs = &mut world.gitlab.project_mut(project).unwrap().jobs;
        for name in ["build_live", "ld_gigadb"] {
            let job = jobs.iter_mut().rfind(|job| job.name == name).unwrap();
            "success".clone_into(&mut job.status);
        }
    });
    deployed_by_hand(&stage.simulator, project, "v4.4.0");
}

#[test]
fn what_was_done_by_hand_or_left_out_and_the_end_of_it() {
    let (told, stage) = Told::of(warming());
    start(&stage, "simple");
    told.one("started", "-");
    played_by_hand(&stage, ALT_PROJECT);
    // Looking tells nobody.
    let status = release(&stage, 0, &["status"]);
    assert!(status.contains("is done already"), "{status}");
    told.nothing();
    next(&stage);
    let said = told.one("seen", "deploy-standby");
    for part in [
        "Step `deploy-standby` was done already, as facts show (job `build_live` (",
        "; job `ld_gigadb` (",
        ") of `alt-gigadb-website`: http",
        "Next is `deploy-standby/warm`: ",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert_eq!(started_jobs(&stage), 0);

    let why = ["next", "--leave-out", "--reason", "it is <warm> & well"];
    let answer = release(&stage, 0, &why);
    let said = told.one("left_out", "deploy-standby/warm");
    assert!(
        said.starts_with("Step `deploy-standby/warm` is left out (it is <warm> & well). Next is"),
        "{said}"
    );
    assert!(answer.contains(&said), "{answer}");
    assert_eq!(started_jobs(&stage), 0);

    confirm(&stage, "validate-technical", "Ada");
    told.one("confirmed", "validate-technical");
    next(&stage);
    told.one("done", "deploy-production");
    release(&stage, 0, &why);
    told.one("left_out", "deploy-production/warm");
    next(&stage);
    told.one("done", "verify");
    // What is refused is told nobody.
    release(&stage, 1, &["finish"]);
    told.nothing();
    confirm(&stage, "table", "Ada");
    told.one("confirmed", "table");
    let answer = release(&stage, 0, &["finish"]);
    let said = told.one("finished", "-");
    assert_eq!(said, "Release `v4.4.0` is finished. Nothing of it is open.");
    assert_eq!(answer.trim_end(), said);
    release(&stage, 1, &["finish"]);
    told.nothing();
}

#[test]
fn the_way_back_is_told_once_and_what_it_leaves() {
    let stage = stage();
    up_to_the_swap(&stage);
    let (told, stage) = Told::of(stage);
    release(&stage, 0, &["back", "--reason", "uploads fail"]);
    let said = told.one("back", "-");
    let goes = "Release `v4.4.0` goes back (uploads fail). Next is `swap-back`: ";
    assert!(said.starts_with(goes), "{said}");
    assert_eq!(document(&stage)["back"]["reason"], "uploads fail");
    let status = release(&stage, 0, &["status"]);
    assert!(
        status.contains(
            " (uploads fail).
"
        ),
        "{status}"
    );
    release(&stage, 0, &["back"]);
    told.nothing();
    // By hand, with the helper's own swap: another event.
    stage.answer(&["swap", "-e", "live", "--yes"]);
    let swap = told
        .json
        .asked
        .try_iter()
        .chain(told.slack.asked.try_iter());
    assert_eq!(swap.count(), 2);
    next(&stage);
    let said = told.one("seen", "swap-back");
    assert!(
        said.contains("every record and variable reads so: production is `gigadb-website`"),
        "{said}"
    );
    confirm(&stage, "lift-embargo", "Ada");
    told.one("confirmed", "lift-embargo");
    confirm(&stage, "table", "Ada");
    told.one("confirmed", "table");
    release(&stage, 0, &["finish"]);
    let said = told.one("finished", "-");
    for part in [
        "Release `v4.4.0` is finished. Open:",
        "\n  `gigadb-website` carries `v4.3.4`, `alt-gigadb-website` carries `v4.4.0`.",
        "\n  This release paused the synchronization of data",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(!said.contains("is production"), "{said}");
}

#[test]
fn a_swap_by_hand_is_told_as_seen_and_a_step_of_the_helper_as_both() {
    let stage = stage();
    up_to_the_probe(&stage);
    let (told, stage) = Told::of(stage);
    let kept = stage.simulator.world();
    // The release's own swap: one event of the swap, one of the step.
    next(&stage);
    let sent: Vec<_> = told.json.asked.try_iter().collect();
    let events: Vec<_> = sent.iter().map(|one| &one["news"]["event"]).collect();
    assert_eq!(events, ["swap", "release"], "{sent:?}");
    assert_eq!(sent[0]["news"]["production"], "alt-gigadb-website");
    assert_eq!(sent[1]["news"]["outcome"], "done");
    assert_eq!(told.slack.asked.try_iter().count(), 2);
    // The same by hand.
    stage.simulator.edit(|world| *world = kept);
    stage.answer(&["swap", "-e", "live", "--yes"]);
    told.json.asked.try_iter().for_each(drop);
    told.slack.asked.try_iter().for_each(drop);
    next(&stage);
    let said = told.one("seen", "swap");
    assert!(
        said.contains("production is `alt-gigadb-website`"),
        "{said}"
    );
    assert!(said.contains("Next is `verify`: "), "{said}");
    let project = stage.simulator.world();
    let former = project.gitlab.project(PROJECT).unwrap();
    assert_eq!(former.deployments.last().unwrap().reference, "v4.3.4");
}
