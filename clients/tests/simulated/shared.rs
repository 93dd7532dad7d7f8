//! One observation for everybody in a walk.

use std::sync::Arc;

use gigadb_clients::{Scope, SharedWorld};
use gigadb_simulator::{Api, Effect, Fault};
use tokio_util::sync::CancellationToken;

use super::setup::Bench;

#[tokio::test]
async fn callers_share_one_observation_until_something_is_written() {
    let bench = Bench::start().await;
    let shared = SharedWorld::new(
        bench.apis(),
        Arc::new(bench.topology.clone()),
        Scope::everything(),
    );
    let cancel = CancellationToken::new();
    let worlds = futures::future::join_all((0..5).map(|_| shared.get(&cancel))).await;
    assert!(worlds.iter().all(|world| Arc::ptr_eq(world, &worlds[0])));
    assert!(Arc::ptr_eq(&shared.get(&cancel).await, &worlds[0]));
    assert_eq!(bench.requests(Api::Ec2, "POST").len(), 4);

    shared.invalidate();
    let after = shared.get(&cancel).await;
    assert!(!Arc::ptr_eq(&after, &worlds[0]));
    assert_eq!(bench.requests(Api::Ec2, "POST").len(), 8);
}

#[tokio::test]
async fn what_was_being_read_during_a_write_is_read_again() {
    let bench = Bench::start().await;
    let shared = Arc::new(SharedWorld::new(
        bench.apis(),
        Arc::new(bench.topology.clone()),
        Scope::everything(),
    ));
    let writer = Arc::downgrade(&shared);
    // Somebody writes, and says so, while the first observation is under way.
    let fault = Fault::hook(move |world| {
        let record = world.cloudflare.record_mut("gigadb.org", "A").unwrap();
        record.content = "203.0.113.10".to_owned();
        writer.upgrade().unwrap().invalidate();
    });
    bench.simulator.fault(fault.template("/zones"));
    shared.get(&CancellationToken::new()).await;
    let lists = bench.simulator.requests();
    let lists = lists.iter().filter(|r| r.template == "/zones").count();
    assert_eq!(lists, 2);
}

#[tokio::test]
async fn an_observation_that_was_cut_short_is_not_kept() {
    let bench = Bench::start().await;
    let shared = SharedWorld::new(
        bench.apis(),
        Arc::new(bench.topology.clone()),
        Scope::everything(),
    );
    bench
        .simulator
        .fault(Fault::new(Effect::Hang).template("/zones"));
    let cancel = CancellationToken::new();
    let stopping = async {
        while bench.simulator.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (world, ()) = tokio::join!(shared.get(&cancel), stopping);
    assert!(world.zones.failure().is_some());
    let world = shared.get(&CancellationToken::new()).await;
    assert!(world.zones.failure().is_none());
}
