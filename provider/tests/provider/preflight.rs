//! Data source `gigadb_preflight`: the rules and hints as an answer, never as an error.

use gigadb_simulator::{
    Api, Edit, Effect, Fault,
    world::{ALT_PROJECT, InstanceState, PROJECT, Pipeline, REGION_ALT},
};
use tfplug::{Value, testing::DataRead};

use crate::stage::{ALT, RESOURCE, Stage, UPSTREAM, assignment, fine, live, with};

const PREFLIGHT: &str = "gigadb_preflight";

async fn preflight(stage: &Stage, config: Value) -> DataRead {
    stage.driver().read_data(PREFLIGHT, config).await
}

/// `rule severity object`, and `waived` where it is; then whether all is well.
fn told(read: &DataRead) -> (Vec<String>, bool) {
    fine(&read.diagnostics);
    let findings = read.state.get("findings").as_elements().unwrap();
    let lines = findings.iter().map(|finding| {
        let text = |name: &str| finding.get(name).as_str().unwrap().to_owned();
        for part in [
            "\n  on:      ",
            "\n  changed: Nothing was changed.",
            "\n  next:    ",
        ] {
            assert!(text("message").contains(part), "{}", text("message"));
        }
        let waived = finding.get("waived").as_bool().unwrap();
        let waived = if waived { " waived" } else { "" };
        format!(
            "{} {} {}{waived}",
            text("rule"),
            text("severity"),
            text("object")
        )
    });
    (lines.collect(), read.state.get("ok").as_bool().unwrap())
}

/// The procedure's world with records of a short TTL only.
async fn stage() -> Stage {
    let stage = Stage::sop().await;
    stage.simulator.edit(|world| {
        for zone in &mut world.cloudflare.zones {
            for record in zone.records.iter_mut().filter(|record| record.ttl > 300) {
                record.ttl = 300;
            }
        }
    });
    stage
}

fn stop_the_standby(stage: &Stage) {
    let stop = Edit::SetInstanceState {
        region: REGION_ALT.to_owned(),
        name: "gigadb_webserver_live_gigadb".to_owned(),
        state: InstanceState::Stopped,
    };
    stage.simulator.edit(|world| world.apply(&stop).unwrap());
}

#[tokio::test]
async fn a_swap_that_nothing_stops_is_well_and_so_is_what_already_holds() {
    let stage = stage().await;
    for production in [ALT, UPSTREAM] {
        let read = preflight(&stage, live(production)).await;
        assert_eq!(told(&read), (Vec::new(), true), "{production}");
    }
    stop_the_standby(&stage);
    let holds = preflight(&stage, live(UPSTREAM)).await;
    assert_eq!(told(&holds), (Vec::new(), true));
    assert_eq!(stage.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn what_stops_a_plan_is_a_finding_and_a_waiver_is_shown() {
    let stage = stage().await;
    stop_the_standby(&stage);
    let (findings, ok) = told(&preflight(&stage, live(ALT)).await);
    assert!(!ok);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(
        findings[0].starts_with("known-address error Elastic IP `eip-gigadb-live-gigadb`"),
        "{findings:#?}"
    );
    let waived = with(live(ALT), "overrides", Value::set(["known-address"]));
    let (findings, ok) = told(&preflight(&stage, waived).await);
    assert!(ok);
    assert!(findings[0].ends_with(" waived"), "{findings:#?}");
}

#[tokio::test]
async fn hints_are_warnings_that_only_preflight_gives() {
    let stage = stage().await;
    let mut resource = stage.adopted().await;
    stage.simulator.edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        for record in &mut zone.records {
            match record.name.as_str() {
                "portainer.gigadb.org" => record.ttl = 3600,
                "bastion.gigadb.org" | "files.gigadb.org" => record.proxied = true,
                _ => {}
            }
        }
        for (project, status, id) in [
            (PROJECT, "running", 900_002),
            (PROJECT, "success", 900_003),
            (ALT_PROJECT, "pending", 900_004),
        ] {
            let project = world.gitlab.project_mut(project).unwrap();
            project.pipelines.push(Pipeline {
                id,
                status: status.to_owned(),
                reference: "develop".to_owned(),
                sha: "5f3c1d0e9b8a79685746352413029f8e7d6c5b4a".to_owned(),
                updated_at: "2026-08-01T08:00:00.000Z".to_owned(),
            });
        }
    });
    let (mut findings, ok) = told(&preflight(&stage, live(ALT)).await);
    assert!(ok);
    for finding in &mut findings {
        if let Some((before, after)) = finding.split_once(" (id ") {
            let after = after.split_once(')').unwrap().1;
            *finding = format!("{before}{after}");
        }
    }
    assert_eq!(
        findings,
        [
            "proxied warning A record of `bastion.gigadb.org`",
            "proxied warning A record of `files.gigadb.org`",
            "ttl warning A record of `portainer.gigadb.org`",
            "pipelines warning GitLab project `gigascience/upstream/alt-gigadb-website`: 900004 of `develop` (pending)",
            "pipelines warning GitLab project `gigascience/upstream/gigadb-website`: 900002 of `develop` (running)",
        ]
    );
    let planned = resource.plan(live(ALT)).await;
    fine(&planned.diagnostics);
    for hint in ["ttl", "proxied", "pipeline"] {
        assert!(!planned.diagnostics.to_string().contains(hint), "{hint}");
    }
    let holds = preflight(&stage, live(UPSTREAM)).await;
    assert_eq!(told(&holds), (Vec::new(), true));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_finding_too() {
    let stage = stage().await;
    let fault = Fault::new(Effect::Refuse).api(Api::Cloudflare);
    stage.simulator.fault(fault.always());
    let (findings, ok) = told(&preflight(&stage, live(ALT)).await);
    assert!(!ok);
    assert_eq!(
        findings,
        ["single-a-record error the list of zones, environment `live`"]
    );
    stage.simulator.clear_faults();
    let fault = Fault::new(Effect::Refuse)
        .api(Api::Gitlab)
        .template("/projects/{id}/pipelines");
    stage.simulator.fault(fault.always());
    let (findings, ok) = told(&preflight(&stage, live(ALT)).await);
    assert!(ok);
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(
        findings
            .iter()
            .all(|one| one.starts_with("pipelines warning "))
    );
}

#[tokio::test]
async fn a_failover_that_nobody_needs_is_told_to_be_a_switchover() {
    let stage = stage().await;
    let failover = with(live(ALT), "mode", "failover");
    let (findings, ok) = told(&preflight(&stage, failover).await);
    assert!(ok);
    assert_eq!(findings, ["mode warning environment `live`"]);
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_an_error() {
    let stage = stage().await;
    for (config, path, said) in [
        (assignment("lvie", ALT), "environment", "`live`"),
        (
            live("alt-gigadb-websit"),
            "production",
            "`alt-gigadb-website`",
        ),
        (
            with(live(ALT), "overrides", Value::set(["known-adress"])),
            "overrides",
            "`known-address`",
        ),
        (with(live(ALT), "mode", "failovr"), "mode", "`failover`"),
    ] {
        let read = preflight(&stage, config).await;
        let error = read.diagnostics.errors().next().unwrap();
        assert_eq!(error.path.to_string(), path);
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn it_shares_what_a_plan_walk_has_read_and_sees_the_new_world_after_an_apply() {
    let stage = stage().await;
    let mut resource = stage.adopted().await;
    let walk = stage.driver().walk().await.unwrap();
    fine(
        &walk
            .read_data(RESOURCE, Value::object([("environment", "live".into())]))
            .await
            .diagnostics,
    );
    let before = stage.simulator.requests().len();
    for _ in 0..2 {
        assert!(told(&walk.read_data(PREFLIGHT, live(ALT)).await).1);
    }
    let requests = stage.simulator.requests();
    let more: Vec<_> = requests[before..]
        .iter()
        .map(|one| one.template.clone())
        .collect();
    assert_eq!(more, ["/projects/{id}/pipelines"; 4]);

    fine(&resource.plan(live(ALT)).await.diagnostics);
    fine(&resource.apply_in(&walk).await.diagnostics);
    let after = walk.read_data(PREFLIGHT, live(ALT)).await;
    assert_eq!(told(&after), (Vec::new(), true));
}
