//! What is due afterwards: after a swap, after a failover, and when what that owed is settled.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    due::due,
    earlier::{EarlierRun, Fate},
    intent::{Intent, Mode, Trade},
    topology::Topology,
    world::{Failure, FailureKind, Reading, World},
};
use model::{UPSTREAM, intent, planned, record_mut, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";
const EIGHT: u64 = 8 * 3600;

/// The procedure's topology, whose data is synchronized, with the world that HK is production of.
fn synchronized() -> (Topology, World) {
    let mut topology = topology(UPSTREAM);
    for table in topology.environments.values_mut() {
        table.data_sync = true;
    }
    let mut world = world(&topology, HK);
    record_mut(&mut world, "gigadb.org").ttl = 3600;
    (topology, world)
}

fn said(topology: &Topology, intent: &Intent, world: &World) -> String {
    let plan = planned(topology, intent, world).unwrap();
    due(topology, &plan, EIGHT).join("\n")
}

#[test]
fn what_is_due_after_a_swap_is_said_in_order_of_urgency() {
    let (mut topology, world) = synchronized();
    let swap = intent(&topology, "live", SYDNEY);
    insta::assert_snapshot!(said(&topology, &swap, &world), @r"
    Run the data_sync playbook on both bastions now: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, today at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    Rebuild and deploy `gigascience/upstream/alt-gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    Rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    Run the playbook that reads `remote_fileserver_hostname` on both sides: its new value takes effect then.
    Check the certificates of both sides, and what GitLab stores of them: a certificate follows a hostname, not a side.
    Tell users that the SSH host keys of `bastion.gigadb.org` and `files.gigadb.org` change.
    Keep `gigadb-website` serving: resolvers may use the old addresses until 09:00 UTC.
    Update the status table (`gigadb-roles status --write`).
    ");
    // The topology names the variable that holds a certificate; nothing is synchronized.
    topology.certificate_variable = Some("tls_fullchain_pem".parse().unwrap());
    for table in topology.environments.values_mut() {
        table.data_sync = false;
    }
    let named = said(&topology, &swap, &world);
    assert!(!named.contains("data_sync"), "{named}");
    let certificates = named.lines().find(|line| line.contains("certificate"));
    insta::assert_snapshot!(certificates.unwrap(), @r"Check the certificates stored in `tls_fullchain_pem` of both projects: a certificate follows a hostname, not a side.");
}

#[test]
fn nothing_is_due_where_nothing_changes() {
    let (topology, world) = synchronized();
    assert_eq!(said(&topology, &intent(&topology, "live", HK), &world), "");
}

#[test]
fn after_a_failover_the_lost_side_is_set_up_when_it_can_be_reached() {
    let (topology, mut world) = synchronized();
    let mut failover = intent(&topology, "live", SYDNEY);
    failover.mode = Mode::Failover;
    let gone = Failure::new(FailureKind::Unreachable, "no answer".to_owned());
    world
        .sides
        .insert(HK.parse().unwrap(), Reading::failed(gone.clone()));
    let written = said(&topology, &failover, &world);
    insta::assert_snapshot!(written, @r"
    Run the data_sync playbook on the bastion of `alt-gigadb-website` now (with `--limit`: a host that cannot be reached stops the play), and on that of `gigadb-website` as soon as it can be reached: a databaseReset job still present on `alt-gigadb-website` drops production's database at its next run, today at 10:05 UTC, and a sync_dropboxes under way there may write over production's files.
    Rebuild and deploy `gigascience/upstream/alt-gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    When `gigadb-website` can be reached again, rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    Run the playbook that reads `remote_fileserver_hostname` on `alt-gigadb-website` now, and on `gigadb-website` as soon as it can be reached: its new value takes effect then.
    Check the certificates of both sides, and what GitLab stores of them: a certificate follows a hostname, not a side.
    Tell users that the SSH host keys of `bastion.gigadb.org` and `files.gigadb.org` change.
    Resolvers may use the old addresses until 09:00 UTC: some users are sent to `gigadb-website`, which is lost, and see errors meanwhile.
    Update the status table (`gigadb-roles status --write`).
    ");
    let lost = HK.parse().unwrap();
    world.variables.insert(lost, Reading::failed(gone));
    let lost = said(&topology, &failover, &world);
    let differs: Vec<&str> = lost
        .lines()
        .filter(|line| !written.contains(line))
        .collect();
    insta::assert_snapshot!(differs.join("\n"), @r"When `gigadb-website` can be reached again, write what is owed, then rebuild and deploy `gigascience/upstream/gigadb-website`.");
}

/// GitLab is out of reach, and both regions answer.
#[test]
fn what_the_promoted_side_is_owed_is_not_ordered_as_if_it_were_written() {
    let (topology, mut world) = synchronized();
    let mut failover = intent(&topology, "live", SYDNEY);
    failover.mode = Mode::Failover;
    let gone = Failure::new(FailureKind::Unreachable, "no answer".to_owned());
    let mut regions = world.clone();
    let lost = Reading::failed(gone.clone());
    regions.sides.insert(HK.parse().unwrap(), lost);
    let reachable = said(&topology, &failover, &regions);
    for side in [HK, SYDNEY] {
        let side = side.parse().unwrap();
        world.variables.insert(side, Reading::failed(gone.clone()));
    }
    let owing = said(&topology, &failover, &world);
    let differs: Vec<&str> = owing
        .lines()
        .filter(|line| !reachable.contains(line))
        .collect();
    insta::assert_snapshot!(differs.join("\n"), @r"
    When the variables of `alt-gigadb-website` can be written again, write what is owed, then rebuild and deploy `gigascience/upstream/alt-gigadb-website`, and run what reads `remote_fileserver_hostname` there.
    When `gigadb-website` can be reached again, write what is owed, then rebuild and deploy `gigascience/upstream/gigadb-website`.
    Run the playbook that reads `remote_fileserver_hostname` on `gigadb-website` as soon as it can be reached: its new value takes effect then.
    ");
}

#[test]
fn what_a_failover_owed_is_settled_with_its_own_list() {
    let (topology, mut world) = synchronized();
    let before = world.variables.clone();
    let mut failover = intent(&topology, "live", SYDNEY);
    failover.mode = Mode::Failover;
    let plan = planned(&topology, &failover, &world).unwrap();
    model::apply(&mut world, &plan.changes);
    world
        .variables
        .insert(HK.parse().unwrap(), before[HK].clone());
    failover.trade = Trade::none();
    insta::assert_snapshot!(said(&topology, &failover, &world), @r"
    Run the data_sync playbook on the bastion of `gigadb-website`: its jobs are still those of production.
    Rebuild and deploy `gigascience/upstream/gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    Run the playbook that reads `remote_fileserver_hostname` on `gigadb-website`: its new value takes effect then.
    ");
}

/// What was lost may be back when the rest is settled, and then nothing waits for it.
#[test]
fn a_side_that_is_well_again_is_not_called_lost() {
    let (topology, world) = synchronized();
    let mut failover = intent(&topology, "live", SYDNEY);
    failover.mode = Mode::Failover;
    let told = said(&topology, &failover, &world);
    assert_eq!(
        told,
        said(&topology, &intent(&topology, "live", SYDNEY), &world)
    );
}

#[test]
fn a_side_that_is_prepared_is_to_be_rebuilt() {
    let (topology, world) = synchronized();
    let mut prepare = intent(&topology, "live", HK);
    prepare.trade = Trade::none();
    prepare.prepare = Some(SYDNEY.parse().unwrap());
    insta::assert_snapshot!(said(&topology, &prepare, &world), @r"
    Rebuild and deploy `gigascience/upstream/alt-gigadb-website`: `HOME_URL`, `REMOTE_HOME_URL`, `REMOTE_HOSTNAME` take effect when its images are built.
    Run the playbook that reads `remote_fileserver_hostname` on `alt-gigadb-website`: its new value takes effect then.
    ");
}

#[test]
fn the_rest_of_a_run_leaves_to_do_what_the_whole_run_does() {
    let (topology, mut world) = synchronized();
    let swap = intent(&topology, "live", SYDNEY);
    let plan = planned(&topology, &swap, &world).unwrap();
    let whole = due(&topology, &plan, EIGHT);
    model::apply(&mut world, &plan.changes);
    // Everything was written, and the run was killed before it said so.
    let earlier = EarlierRun {
        intent: swap,
        fates: plan.changes.transactions().map(|_| Fate::Perhaps).collect(),
        stages: plan.changes.stages,
        takes_back: false,
        resumed_by: None,
    };
    let rest = earlier
        .resume(
            &topology,
            &model::observe(&topology, "live", &world),
            &gigadb_engine::evidence::Evidence::none(),
        )
        .unwrap();
    assert!(rest.changes.is_empty());
    assert!(due(&topology, &rest, EIGHT).is_empty());
    assert_eq!(due(&topology, &earlier.as_a_whole(&rest), EIGHT), whole);
}
