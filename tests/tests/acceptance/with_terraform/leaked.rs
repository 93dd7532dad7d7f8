//! Rules that hold whatever is waived, however Terraform is run, and whatever left the topology.

use gigadb_simulator::world::PROJECT;
use gigadb_tests::{
    Scene, assignment,
    procedure::{self, Side},
};

use super::{assert_live, name_a_lock};

/// Two aliases of the provider, each with one environment.
fn two_aliases(live: Side, staging: Side) -> String {
    let block = |alias: &str| {
        format!(
            "\nprovider \"gigadb\" {{\n  alias = \"{alias}\"\n  topology_file = \"${{path.module}}/topology.yaml\"\n}}\n"
        )
    };
    [
        block("one"),
        block("two"),
        assignment("live", live, "  provider = gigadb.one"),
        assignment("staging", staging, "  provider = gigadb.two"),
    ]
    .concat()
}

#[test]
fn no_override_moves_the_other_names_without_the_apex() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.simulator().edit(|world| {
        let zone = world.cloudflare.zone_mut("gigadb.org").unwrap();
        zone.add("AAAA", "gigadb.org", "2001:db8::1");
    });
    scene.simulator().clear_requests();
    for further in ["", "mode = \"failover\""] {
        let waived = format!("overrides = [\"single-a-record\"]\n{further}");
        scene.configure(&assignment("live", Side::Alt, &waived));
        for output in [scene.plan(&[]).expect(1), scene.apply().expect(1)] {
            output.says(&[
                "Error: live single-a-record: `gigadb.org` has 2 records",
                "No override passes this: the name decides who is production.",
            ]);
        }
        scene.assert_nothing_written();
    }
}

#[test]
fn two_aliases_of_one_run_take_one_lease_after_the_other() {
    let scene = Scene::new();
    let lock = format!("lock: {{ gitlab_project: {PROJECT}, name: roles }}\n\nenvironments:");
    scene.edit_topology("environments:", &lock);
    scene.configure(&two_aliases(Side::Upstream, Side::Upstream));
    let _ = scene.apply().expect(0);
    scene.configure(&two_aliases(Side::Alt, Side::Alt));
    let applied = scene.apply().expect(0);
    applied.omits(&["Another swap is under way"]);
    let expected = procedure::world(Side::Alt, Side::Alt).normalized();
    let found = scene.world();
    assert_eq!(
        found.cloudflare.a_records(),
        expected.cloudflare.a_records()
    );
    let project = found.gitlab.project(PROJECT).unwrap();
    assert_eq!(project.terraform_states["roles"].lock, None);
}

#[test]
fn two_resources_for_one_environment_are_refused_at_plan() {
    let scene = Scene::new();
    let second =
        |production| assignment("live", production, "").replacen("\"live\"", "\"again\"", 1);
    let both = |one, other| assignment("live", one, "") + &second(other);
    // Two new ones, whatever they ask for.
    for other in [Side::Upstream, Side::Alt] {
        scene.configure(&both(Side::Upstream, other));
        let refused = scene.plan(&[]).expect(1);
        refused.says(&["Error: live: two resources are for this environment"]);
    }
    // A new one that asks for something else, beside one that is there.
    scene.adopt_live();
    scene.configure(&both(Side::Upstream, Side::Alt));
    let refused = scene.plan(&[]).expect(1);
    refused.says(&[
        "two resources are for this environment",
        "Nothing was changed.",
    ]);
    // A replacement is one resource.
    scene.configure_live(Side::Upstream);
    let _ = scene
        .plan(&["-replace=gigadb_role_assignment.live"])
        .expect(2);
}

#[test]
fn an_environment_that_leaves_topology_and_configuration_is_forgotten() {
    let scene = Scene::new();
    let (live, staging) = (
        assignment("live", Side::Upstream, ""),
        assignment("staging", Side::Upstream, ""),
    );
    scene.configure(&(live.clone() + &staging));
    let _ = scene.apply().expect(0);
    let topology = scene.read("topology.yaml");
    let (kept, _) = topology.split_once("\n  staging:").unwrap();
    std::fs::write(scene.root().join("topology.yaml"), format!("{kept}\n")).unwrap();
    scene.simulator().clear_requests();

    // While the configuration still has it, nothing else can be planned.
    let refused = scene.plan(&[]).expect(1);
    refused.says(&[
        "Warning: staging refresh: the environment is not in the topology any more",
        "Error: staging: the environment is not in the topology any more",
        "`removed { from = gigadb_role_assignment.NAME }`",
        "`terraform state rm`",
    ]);
    scene.configure(&live);
    let planned = scene.plan(&[]).expect(2);
    planned.says(&[
        "Warning: staging refresh: the environment is not in the topology any more",
        "staging destroy: forgotten",
        "0 to add, 0 to change, 1 to destroy",
    ]);
    let _ = scene.apply().expect(0);
    scene.assert_nothing_written();
    let _ = scene.plan(&[]).expect(0);
}

/// Terraform asks for no refresh, so that the plan alone has to say it.
#[test]
fn an_environment_that_left_the_topology_or_has_another_name_is_told_without_a_refresh() {
    const KEPT: &str = "Error: staging: the environment is not in the topology any more";
    let scene = Scene::new();
    let both = |name: &str| {
        let live = assignment("live", Side::Upstream, "");
        live + &assignment(name, Side::Upstream, "")
    };
    scene.configure(&both("staging"));
    let _ = scene.apply().expect(0);
    let topology = scene.read("topology.yaml");
    let (without, _) = topology.split_once("\n  staging:").unwrap();
    let renamed = topology.replace("\n  staging:", "\n  stage:");
    let alone = assignment("live", Side::Upstream, "");
    scene.simulator().clear_requests();
    for text in [format!("{without}\n"), renamed.clone()] {
        scene.write("topology.yaml", &text);
        scene.configure(&both("staging"));
        for refresh in ["-refresh=true", "-refresh=false"] {
            let refused = scene.plan(&[refresh]).expect(1);
            refused.says(&[KEPT, "`removed { from = gigadb_role_assignment.NAME }`"]);
            refused.omits(&["no such environment"]);
        }
        // What forgets it needs no refresh either, where nothing else is planned.
        scene.configure(&alone);
        let forgets = ["-refresh=false", "-target=gigadb_role_assignment.staging"];
        let planned = scene.plan(&forgets).expect(2);
        planned.says(&["staging destroy: forgotten", "0 to change, 1 to destroy"]);
    }
    scene.assert_nothing_written();
}

#[test]
fn a_plan_says_that_no_journal_could_be_kept() {
    let mut scene = Scene::new();
    scene.adopt_live();
    scene.write("file", "");
    let journal = scene.root().join("file/journal");
    scene.set("GIGADB_JOURNAL_DIR", journal.to_str().unwrap());
    // Without changes there is nothing to say.
    scene.plan(&[]).expect(0).omits(&["journal"]);
    scene.configure_live(Side::Alt);
    scene.plan(&[]).expect(2).says(&[
        "Warning: live journal: a run on this machine could keep none",
        "file` is not a folder. on: environment `live` changed: Nothing was changed. next: Before the apply, name a folder that can be written in `GIGADB_JOURNAL_DIR`",
    ]);
}

#[test]
fn a_lock_that_names_a_terraform_state_is_a_fault_with_its_place() {
    let scene = Scene::new();
    scene.configure_live(Side::Upstream);
    let project = format!("gitlab_project: {PROJECT}\n");
    let state = format!("{project}    terraform_state: {{ name: \"{{environment}}_infra\" }}\n");
    scene.edit_topology(&project, &state);
    let lock =
        format!("lock: {{ gitlab_project: {PROJECT}, name: \"live_infra\" }}\n\nenvironments:");
    scene.edit_topology("environments:", &lock);
    let refused = scene.terraform(&["validate", "-no-color"]).expect(1);
    refused.says(&[
        "topology.yaml:",
        "`lock.name` names `live_infra`, the Terraform state of `gigadb-website` (`terraform_state`), whose lock is Terraform's own.",
    ]);
}

#[test]
fn with_aliases_the_lock_of_each_environment_is_its_own() {
    let scene = Scene::new();
    name_a_lock(&scene);
    scene.configure(&two_aliases(Side::Upstream, Side::Upstream));
    let _ = scene.apply().expect(0);
    scene.configure(&two_aliases(Side::Alt, Side::Upstream));
    let _ = scene.apply().expect(0);
    assert_live(&scene, Side::Alt);
}
