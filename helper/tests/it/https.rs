//! `--https-check`: the promoted side is probed for a plan, before the first write, and after.

use std::net::Ipv4Addr;

use gigadb_simulator::{
    Api, Fault, World,
    sites::{Site, Sites},
};

use crate::runs::SWAP;
use crate::stage::Stage;

/// The web machine of the promoted side.
const PROMOTED: Ipv4Addr = Ipv4Addr::new(127, 0, 113, 10);
const NAMES: [&str; 2] = ["gigadb.org", "portainer.gigadb.org"];
const PLAN: [&str; 4] = ["plan", "--environment", "live", "--swap"];

struct Play {
    stage: Stage,
    sites: Sites,
}

impl Play {
    fn with(site: Site) -> Self {
        let sites = Sites::start().unwrap();
        sites.set(PROMOTED, site).unwrap();
        Self {
            stage: Stage::with_world(World::sop().on_loopback()),
            sites,
        }
    }

    /// Runs a command with these probes, and tells how it ended and what was said.
    fn run(&self, command: &[&str], further: &[&str]) -> String {
        let port = self.sites.port().to_string();
        let file = self.sites.ca_file().to_str().unwrap();
        let probes = ["--https-port", &port, "--https-ca-file", file];
        self.stage.run(&[command, &probes, further].concat())
    }

    fn production(&self) -> String {
        let world = self.stage.simulator.world();
        world.cloudflare.records("gigadb.org")[0].content.clone()
    }
}

#[track_caller]
fn says(told: &str, exit: u8, parts: &[&str]) {
    assert!(told.starts_with(&format!("exit {exit}\n")), "{told}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is missing: {told}");
    }
}

#[test]
fn a_side_that_is_ready_is_promoted_without_a_word() {
    let play = Play::with(Site::of(&NAMES));
    let require = ["--https-check", "require"];
    let told = play.run(&PLAN, &require);
    says(&told, 2, &["Would change 8 records"]);
    assert!(!told.contains("https-ready"), "{told}");
    let told = play.run(&SWAP, &require);
    says(&told, 0, &["Swapped live"]);
    assert!(!told.contains("https-ready"), "{told}");
    assert_eq!(play.production(), PROMOTED.to_string());
    // Two names: for the plan, for the swap, which asks nobody in between, and after it.
    assert_eq!(play.sites.asked().len(), 6);
}

#[test]
fn a_saved_plan_is_probed_again_before_the_first_write() {
    let play = Play::with(Site::of(&NAMES));
    let require = ["--https-check", "require"];
    let save = [&PLAN[..], &["--out", "swap.json"]].concat();
    says(&play.run(&save, &require), 2, &["Would change 8 records"]);
    play.sites.refuse(PROMOTED);
    let before = play.production();
    let told = play.run(&["apply", "swap.json"], &require);
    says(&told, 1, &["connection refused", "Nothing was changed."]);
    assert_eq!(play.production(), before);
}

#[test]
fn what_is_completed_or_taken_back_is_probed_afterwards_alone() {
    let play = Play::with(Site::of(&NAMES));
    let require = ["--https-check", "require"];
    says(&play.run(&SWAP, &require), 0, &["Swapped live"]);
    let former = Ipv4Addr::new(127, 51, 100, 10);
    let id = play.stage.last_run();
    // Nobody answers on the side that gets production back: that keeps nobody from going back.
    play.sites.refuse(former);
    let asked = play.sites.asked().len();
    let told = play.run(&["revert", &id], &require);
    says(
        &told,
        5,
        &[
            "Took back the run of live",
            "warning[https-ready]: `gigadb-website` does not answer for `gigadb.org`",
            "What was written stays as it is.",
        ],
    );
    assert_eq!(play.production(), former.to_string());
    // A run that is completed is probed for all that it moved, also where nothing is left to write.
    let id = play.stage.last_run();
    play.sites.set(former, Site::of(&NAMES)).unwrap();
    says(
        &play.run(&["resume", &id], &require),
        0,
        &["No changes in live"],
    );
    assert_eq!(play.sites.asked().len(), asked + 2);
}

#[test]
fn a_side_that_is_not_ready_warns_or_stops_as_the_mode_says() {
    let play = Play::with(Site::of(&["x.org"]));
    let wrong = "`alt-gigadb-website` does not answer for `gigadb.org` as it should: the certificate is for x.org.";
    let require = ["--https-check", "require"];
    let warn = ["--https-check", "warn"];
    let before = play.production();
    let error = format!("error[https-ready]: {wrong}");
    says(
        &play.run(&PLAN, &require),
        1,
        &[&error, "Nothing was changed."],
    );
    says(&play.run(&SWAP, &require), 1, &[&error]);
    assert_eq!(play.production(), before);
    let waived = play.run(
        &PLAN,
        &["--https-check", "require", "--override", "https-ready"],
    );
    says(&waived, 2, &[&format!("waived[https-ready]: {wrong}")]);
    let warning = format!("warning[https-ready]: {wrong}");
    says(&play.run(&PLAN, &warn), 2, &[&warning]);
    says(
        &play.run(&SWAP, &warn),
        0,
        &[&warning, "What was written stays as it is."],
    );
    assert_eq!(play.production(), PROMOTED.to_string());
}

#[test]
fn a_side_that_breaks_while_it_is_promoted_ends_as_not_verified() {
    for (mode, exit) in [("require", 5), ("warn", 0)] {
        let Play { stage, sites } = Play::with(Site::of(&NAMES));
        let play = std::sync::Arc::new(sites);
        let breaking = std::sync::Arc::clone(&play);
        let fault = Fault::hook(move |_| breaking.refuse(PROMOTED));
        stage
            .simulator
            .fault(fault.api(Api::Cloudflare).method("POST"));
        let port = play.port().to_string();
        let file = play.ca_file().to_str().unwrap();
        let probes = [
            "--https-check",
            mode,
            "--https-port",
            &port,
            "--https-ca-file",
            file,
        ];
        let told = stage.run(&[&SWAP[..], &probes].concat());
        says(
            &told,
            exit,
            &["Swapped live", "warning[https-ready]", "connection refused"],
        );
    }
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let play = Play::with(Site::of(&NAMES));
    let told = play.stage.run(
        &[
            &PLAN[..],
            &["--https-check", "warn", "--https-ca-file", "no-such.pem"],
        ]
        .concat(),
    );
    says(
        &told,
        1,
        &["--https-ca-file", "no-such.pem", "Nothing was changed."],
    );
    let told = play.run(&PLAN, &["--https-check", "maybe"]);
    says(&told, 64, &["--https-check", "maybe"]);
    let Play { stage, sites: _ } = play;
    let told = stage.with("GIGADB_HTTPS_CHECK", "yes").run(&PLAN);
    says(&told, 64, &["GIGADB_HTTPS_CHECK", "yes"]);
}
