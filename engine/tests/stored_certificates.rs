//! Which stored certificates are judged, and by which names: `https-ready`, of what GitLab keeps.

#![allow(clippy::unwrap_used, reason = "a test's own fixtures")]

mod model;

use gigadb_engine::{
    intent::{Intent, Mode},
    plan::Plan,
    readiness::stored_certificates::check,
    rules::{
        Rule,
        https_ready::{HttpsCheck, HttpsMode},
    },
    topology::Topology,
    world::StoredCertificate,
};
use model::{UPSTREAM, intent, planned, topology, world};

const HK: &str = "gigadb-website";
const SYDNEY: &str = "alt-gigadb-website";
const NOW: i64 = 1_800_000_000;

/// The topology and the plan of a swap of live to Sydney, after `edit`; both sides' certificates are
/// for another name and last a year.
fn swap(edit: impl Fn(&mut Topology, &mut Intent)) -> (Topology, Plan) {
    let mut topology = topology(UPSTREAM);
    topology.certificate_variable = Some("tls_fullchain_pem".parse().unwrap());
    let world = world(&topology, HK);
    let mut intent = intent(&topology, "live", SYDNEY);
    edit(&mut topology, &mut intent);
    let mut plan = planned(&topology, &intent, &world).unwrap();
    for side in [HK, SYDNEY] {
        let stored = StoredCertificate::Parsed {
            names: vec!["www.example.org".to_owned()],
            not_after: NOW + 365 * 86_400,
        };
        plan.observation
            .certificates
            .insert(side.parse().unwrap(), stored);
    }
    (topology, plan)
}

fn said(topology: &Topology, plan: &Plan, mode: HttpsMode) -> Vec<String> {
    let asked = HttpsCheck {
        mode,
        ..HttpsCheck::default()
    };
    let found = check(topology, plan, &asked, NOW);
    assert!(found.iter().all(|one| one.rule == Rule::HttpsReady));
    found.into_iter().map(|one| one.message.what).collect()
}

#[test]
fn each_side_is_judged_by_the_names_that_it_will_have() {
    let (topology, plan) = swap(|_, _| {});
    let found = said(&topology, &plan, HttpsMode::Warn);
    // Only names of endpoints that answer HTTPS: portainer's is the web machine too.
    let of = |side: &str, names: &str| {
        format!(
            "After the swap, the certificate stored for `{side}` does not cover {names} (it is for \
             www.example.org)."
        )
    };
    assert_eq!(
        found,
        [
            of(SYDNEY, "`gigadb.org`, `portainer.gigadb.org`"),
            of(
                HK,
                "`alt-live.gigadb.host`, `portainer.alt-live.gigadb.host`"
            ),
        ]
    );
}

#[test]
fn a_failover_asks_nothing_of_the_lost_side() {
    let (topology, plan) = swap(|_, intent| intent.mode = Mode::Failover);
    let found = said(&topology, &plan, HttpsMode::Warn);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`alt-gigadb-website`"), "{found:?}");
}

#[test]
fn nothing_is_judged_where_nobody_asks_or_no_name_moves() {
    let (mut topology, plan) = swap(|_, _| {});
    assert!(said(&topology, &plan, HttpsMode::Off).is_empty());
    assert_eq!(said(&topology, &plan, HttpsMode::Require).len(), 2);
    topology.certificate_variable = None;
    assert!(said(&topology, &plan, HttpsMode::Warn).is_empty());
    let (topology, mut plan) = swap(|_, _| {});
    plan.changes.stages.clear();
    assert!(said(&topology, &plan, HttpsMode::Warn).is_empty());
}
