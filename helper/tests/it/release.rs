//! `release`: both processes from beginning to end, and what stands in their way.

use gigadb_simulator::{
    World,
    sites::{Site, Sites},
};
use serde_json::Value;

use crate::{
    endpoints::{HONG_KONG, SYDNEY, WEB},
    stage::{Stage, text},
};

const RELEASE: &str = "v4.4.0";
/// Leaves a dump as `rclone lsjson` lists it.
const BACKUP: &str = "echo dumped $1 $2 >> trace
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
echo '[{\"Name\":\"db_'$2'.dump\",\"ModTime\":\"'$now'\",\"Size\":100}]' > dumps
";
const LIVE: [&str; 2] = ["-e", "live"];

/// A topology with a lock and with commands that leave a trace in the working directory.
pub(crate) fn stage() -> Stage {
    stage_of(World::sop())
}

/// The same in another world.
pub(crate) fn stage_of(world: World) -> Stage {
    let stage = Stage::with_world(world.with_release(RELEASE));
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/terraform/upstream/topology.yaml"
    );
    let own = std::fs::read_to_string(example).unwrap();
    let more = r#"
lock: { gitlab_project: gigascience/upstream/gigadb-website, name: "gigadb-roles-{environment}" }
release:
  swap: helper
  deploy_jobs: { live: [build_live, ld_gigadb] }
  commands:
    pause_sync: [sh, -c, "echo paused {environment} >> trace"]
    backup: [sh, backup.sh, "{production}", "{key}"]
    restore: [sh, -c, "echo restored {hot_standby} {key} >> trace"]
    backup_on: [sh, -c, "echo backups on {production} >> trace"]
    sync_on: [sh, -c, "echo synchronized {hot_standby} >> trace"]
    backups: [sh, -c, "cat dumps 2>/dev/null || echo '[]'"]
"#;
    stage.write("backup.sh", BACKUP);
    let file = stage.write("topology.yaml", &format!("{own}{more}"));
    let file = file.to_str().unwrap().to_owned();
    stage.with("GIGADB_TOPOLOGY", &file)
}

pub(crate) fn release(stage: &Stage, code: i32, arguments: &[&str]) -> String {
    let all = [&["release"], arguments, &LIVE].concat();
    let output = stage.output(&all);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        stage.told(&output)
    );
    text(&output.stdout) + &text(&output.stderr)
}

pub(crate) fn start(stage: &Stage, process: &str) {
    let words = ["start", "--process", process, "--release", RELEASE];
    release(stage, 0, &words);
}

pub(crate) fn confirm(stage: &Stage, step: &str, by: &str) {
    release(stage, 0, &["confirm", step, "--by", by]);
}

pub(crate) fn next(stage: &Stage) -> String {
    release(stage, 0, &["next", "--yes", "--interval", "0.01"])
}

pub(crate) fn document(stage: &Stage) -> Value {
    let answer = stage.answer(&["release", "status", "-e", "live", "--format", "json"]);
    serde_json::from_str(&answer).unwrap()
}

/// Takes every step up to the probe's word.
pub(crate) fn up_to_the_probe(stage: &Stage) {
    up_to_the_rebuild(stage);
    confirm(stage, "probe", "Ada");
}

/// Takes every step up to the probe.
fn up_to_the_rebuild(stage: &Stage) {
    up_to_prepare(stage);
    let told = next(stage);
    assert!(told.contains("Step `rebuild` is done"), "{told}");
}

/// Takes every step up to the rebuild.
pub(crate) fn up_to_prepare(stage: &Stage) {
    start(stage, "complex");
    confirm(stage, "embargo", "Ada");
    for step in ["pause-sync", "backup", "restore", "deploy-standby"] {
        let told = next(stage);
        assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
    }
    confirm(stage, "validate-technical", "Ada");
    confirm(stage, "validate-business", "Grace");
    let told = next(stage);
    assert!(told.contains("Step `prepare` is done"), "{told}");
}

/// The same, and the swap.
pub(crate) fn up_to_the_swap(stage: &Stage) {
    up_to_the_probe(stage);
    let told = next(stage);
    assert!(told.contains("Step `swap` is done"), "{told}");
}

/// How many jobs were started.
pub(crate) fn started_jobs(stage: &Stage) -> usize {
    let requests = stage.simulator.requests();
    let starts = |path: &str| path.ends_with("/play") || path.ends_with("/retry");
    requests.iter().filter(|one| starts(&one.path)).count()
}

/// What the commands of the topology did.
pub(crate) fn trace(stage: &Stage) -> String {
    std::fs::read_to_string(stage.folder().join("trace")).unwrap_or_default()
}

#[test]
fn a_complex_release_goes_by_branch_a() {
    let stage = stage();
    up_to_the_swap(&stage);
    for step in ["verify", "backup-on", "deploy-former", "sync-on"] {
        let told = next(&stage);
        assert!(told.contains(&format!("Step `{step}` is done")), "{told}");
    }
    let unfinished = release(&stage, 1, &["finish"]);
    assert!(
        unfinished.contains("`lift-embargo`, `table` open"),
        "{unfinished}"
    );
    confirm(&stage, "lift-embargo", "Ada");
    confirm(&stage, "table", "Ada");
    let told = release(&stage, 0, &["finish"]);
    assert!(
        told.contains("is finished. Nothing of it is open."),
        "{told}"
    );
    let trace = std::fs::read_to_string(stage.folder().join("trace")).unwrap();
    let key = document(&stage)["steps"].to_string();
    assert!(key.contains("ended with exit status 0"), "{key}");
    let lines: Vec<&str> = trace.lines().collect();
    assert_eq!(lines[0], "paused live");
    assert!(lines[1].starts_with("dumped gigadb-website 20"), "{trace}");
    assert!(
        lines[2].starts_with("restored alt-gigadb-website 20"),
        "{trace}"
    );
    assert_eq!(lines[3], "backups on alt-gigadb-website");
    assert_eq!(lines[4], "synchronized gigadb-website");
    let status = stage.answer(&["status", "--environment", "live"]);
    assert!(
        status.contains("consistent  production   alt-gigadb-website"),
        "{status}"
    );
    start(&stage, "simple");
}

#[test]
fn a_complex_release_goes_back_by_branch_b() {
    let stage = stage();
    let before = stage.simulator.world().normalized().cloudflare;
    up_to_the_swap(&stage);
    release(&stage, 0, &["back"]);
    let told = next(&stage);
    assert!(told.contains("Step `swap-back` is done"), "{told}");
    confirm(&stage, "lift-embargo", "Ada");
    confirm(&stage, "table", "Ada");
    let told = release(&stage, 0, &["finish"]);
    assert!(
        told.contains("This release paused the synchronization of data"),
        "{told}"
    );
    assert_eq!(stage.simulator.world().normalized().cloudflare, before);
}

/// What was turned on for the traded roles is told wherever they are given back.
#[test]
fn what_was_turned_on_for_the_traded_roles_is_told_on_the_way_back() {
    let stage = stage();
    up_to_the_swap(&stage);
    for _ in ["verify", "backup-on", "deploy-former", "sync-on"] {
        next(&stage);
    }
    let on = [
        "`sync-on` was taken while `alt-gigadb-website` was production",
        "`backup-on` was taken while `alt-gigadb-website` was production",
    ];
    let told = |told: &str| {
        for on in on {
            assert!(told.contains(on), "{told}");
        }
    };
    let over = ["--override", "former-untouched", "--reason", "it is lost"];
    told(&release(&stage, 0, &[&["back"], &over[..]].concat()));
    let status = release(&stage, 0, &["status"]);
    told(&status);
    // What was done is still shown.
    for step in ["backup-on", "deploy-former", "sync-on"] {
        assert!(status.contains(&format!("done       {step}")), "{status}");
    }
    told(&next(&stage));
    confirm(&stage, "lift-embargo", "Ada");
    confirm(&stage, "table", "Ada");
    told(&release(&stage, 0, &["finish"]));
}

#[test]
fn the_hot_standby_is_probed_under_productions_names() {
    let stage = stage_of(World::sop().on_loopback());
    let sites = Sites::start().unwrap();
    for side in [HONG_KONG, SYDNEY] {
        sites.set(side[0], Site::of(&WEB)).unwrap();
    }
    up_to_the_rebuild(&stage);
    let (port, authority) = (sites.port().to_string(), sites.ca_file());
    let probe = |code| {
        let https = [
            "--https-check",
            "require",
            "--https-port",
            &port,
            "--https-ca-file",
            authority.to_str().unwrap(),
        ];
        release(&stage, code, &[&["next", "--yes"], &https[..]].concat())
    };
    sites.refuse(SYDNEY[0]);
    let told = probe(1);
    assert!(told.contains("The probe found: "), "{told}");
    assert!(told.contains("127.0.113.10"), "{told}");
    sites.set(SYDNEY[0], Site::of(&WEB)).unwrap();
    let told = probe(0);
    assert!(told.contains("Step `probe` is done"), "{told}");
    let asked = sites.asked();
    assert!(
        asked
            .iter()
            .any(|one| one.sni.as_deref() == Some("gigadb.org"))
    );
    let steps = document(&stage)["steps"].to_string();
    let evidence =
        "the HTTPS probe of `alt-gigadb-website` under production's names found nothing wrong";
    assert!(steps.contains(evidence), "{steps}");
    let told = next(&stage);
    assert!(told.contains("Step `swap` is done"), "{told}");
}

#[test]
fn a_simple_release_goes_to_both_sides() {
    let stage = stage();
    start(&stage, "simple");
    next(&stage);
    let early = release(&stage, 2, &["next", "--yes", "--interval", "0.01"]);
    assert!(early.contains("`validate-technical`"), "{early}");
    confirm(&stage, "validate-technical", "Ada");
    next(&stage);
    next(&stage);
    confirm(&stage, "table", "Ada");
    release(&stage, 0, &["finish"]);
}

#[test]
fn a_release_is_begun_once_and_only_where_it_can_be() {
    let stage = stage();
    let unknown = ["start", "--process", "simple", "--release", "v9.9.9"];
    let told = release(&stage, 1, &unknown);
    assert!(told.contains("has no pipeline of `v9.9.9`"), "{told}");
    start(&stage, "simple");
    let again = ["start", "--process", "simple", "--release", RELEASE];
    let told = release(&stage, 1, &again);
    assert!(told.contains("is under way in `live`"), "{told}");
    // The wrong environment, and none.
    let finish = |environment| stage.run(&["release", "finish", "-e", environment]);
    let told = finish("staging");
    assert!(
        told.contains("names no job of environment `staging`"),
        "{told}"
    );
    let told = finish("life");
    assert!(told.starts_with("exit 64\n"), "{told}");
    assert!(told.contains("`live`"), "{told}");
    release(&stage, 0, &["abandon"]);
    let told = release(&stage, 1, &["finish"]);
    assert!(told.contains("No release is under way in `live`"), "{told}");
}

#[test]
fn the_status_shows_who_did_what_and_what_shows_it() {
    let stage = stage();
    start(&stage, "complex");
    let word = ["confirm", "embargo", "--by", "<b>Ada</b> | core"];
    release(
        &stage,
        0,
        &[&word[..], &["--note", "told the *list*"]].concat(),
    );
    next(&stage);
    let told = release(&stage, 0, &["status"]);
    for line in [
        "  confirmed  embargo ",
        "\n             note: told the *list*\n",
        "  done       pause-sync ",
        "\n             `sh -c 'echo paused live >> trace'` ended with exit status 0\n",
        "\n  open       backup\n",
    ] {
        assert!(told.contains(line), "{line:?} is not in {told}");
    }
    let told = release(&stage, 0, &["status", "--format", "markdown"]);
    for part in [
        "| `embargo` | confirmed | ",
        " | `<b>Ada</b> \\| core` | `note: told the *list*` |\n",
        " | `` `sh -c 'echo paused live >> trace'` ended with exit status 0 `` |\n",
        "| `backup` | open |  |  |  |\n",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}
