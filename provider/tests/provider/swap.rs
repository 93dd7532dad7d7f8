//! The main job: one line changes, the roles are traded, and going back restores the first world.

use gigadb_simulator::world::{ALT_PROJECT, PROJECT, REGION_ALT, REGION_UPSTREAM, sop_address};
use tfplug::testing::Action;

use crate::stage::{ALT, Stage, UPSTREAM, fine, live, says, summaries};

const NAMES: [(&str, &str, bool); 8] = [
    ("gigadb.org", "web", true),
    ("bastion.gigadb.org", "bastion", true),
    ("files.gigadb.org", "files", true),
    ("portainer.gigadb.org", "web", true),
    ("alt-live.gigadb.host", "web", false),
    ("bastion.alt-live.gigadb.host", "bastion", false),
    ("files.alt-live.gigadb.org", "files", false),
    ("portainer.alt-live.gigadb.host", "web", false),
];

#[tokio::test]
async fn a_swap_is_planned_in_full_applied_settled_and_undone_without_a_trace() {
    let stage = Stage::sop().await;
    let first = stage.simulator.world().normalized();
    let mut live_roles = stage.adopted().await;

    let planned = live_roles.plan(live(ALT)).await;
    fine(&planned.diagnostics);
    assert_eq!(planned.action, Action::Update);
    for (name, _, _) in NAMES {
        let address = |state: &tfplug::Value| {
            let name = state.get("hostnames").get(name);
            name.get("address").as_str().map(str::to_owned)
        };
        let (before, after) = (address(&planned.prior), address(&planned.state));
        assert!(
            before.is_some() && after.is_some() && before != after,
            "{name}"
        );
    }
    let variables = planned.state.get("variables").as_entries().unwrap();
    assert_eq!(variables.len(), 8);
    for (id, value) in variables {
        assert_ne!(planned.prior.get("variables").get(id), value, "{id}");
    }
    assert_eq!(summaries(&planned.diagnostics), Vec::<String>::new());

    stage.simulator.clear_requests();
    let applied = live_roles.apply().await;
    fine(&applied.diagnostics);
    says(
        &applied.diagnostics,
        &[
            "live afterwards",
            "Rebuild and deploy `gigascience/upstream/alt-gigadb-website`",
            "esolvers may use the old addresses until",
        ],
    );
    for (name, endpoint, production) in NAMES {
        let region = if production {
            REGION_ALT
        } else {
            REGION_UPSTREAM
        };
        assert_eq!(
            stage.address(name),
            sop_address(region, "live", endpoint),
            "{name}"
        );
    }
    let world = stage.simulator.world();
    let value = |project: &str| {
        let project = world.gitlab.project(project).unwrap();
        project.variable("HOME_URL", "live").unwrap().value.clone()
    };
    assert_eq!(value(ALT_PROJECT), "https://gigadb.org");
    assert_eq!(value(PROJECT), "http://alt-live.gigadb.host");

    let mut writes = stage.writes();
    writes.sort();
    let mut expected = vec!["cloudflare POST /zones/{zone_id}/dns_records/batch 200"; 2];
    expected.extend(vec!["gitlab PUT /projects/{id}/variables/{key} 200"; 8]);
    assert_eq!(writes, expected);

    let again = live_roles.plan(live(ALT)).await;
    assert_eq!(again.action, Action::NoOp, "{}", again.diagnostics);
    assert_eq!(summaries(&again.diagnostics), Vec::<String>::new());

    let back = live_roles.plan_and_apply(live(UPSTREAM)).await;
    fine(&back.diagnostics);
    assert_eq!(stage.simulator.world().normalized(), first);
}

#[tokio::test]
async fn an_apply_reads_once_before_it_writes_and_once_after() {
    let stage = Stage::sop().await;
    let mut live_roles = stage.adopted().await;
    fine(&live_roles.plan(live(ALT)).await.diagnostics);
    stage.simulator.clear_requests();
    fine(&live_roles.apply().await.diagnostics);
    let requests = stage.simulator.requests();
    let count = |template: &str| {
        let fits = requests
            .iter()
            .filter(|request| request.template == template);
        fits.filter(|request| !request.is_write()).count()
    };
    assert_eq!(count("/zones"), 1);
    assert_eq!(count("/zones/{zone_id}/dns_records"), 4);
    assert_eq!(count("DescribeAddresses"), 2);
    assert_eq!(count("DescribeInstances"), 2);
}
