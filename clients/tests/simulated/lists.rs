//! Lists that are cut, miscounted or endless on their way: followed or refused, never taken for
//! the whole. The property over all of them is beside the code, in `http/list.rs`.

use gigadb_engine::world::{Cause, World};
use gigadb_simulator::{Answer, Api, Effect, Fault, Reshape, World as Seed, world::Record};
use insta::assert_snapshot;

use super::setup::Bench;

const RECORDS: &str = "/zones/{zone_id}/dns_records";
const VARIABLES: &str = "/projects/{id}/variables";

/// A world whose zone of production has 136 records more, the last of them a second A record of
/// the apex.
fn crowded() -> Seed {
    let mut seed = Seed::sop();
    let zones = &mut seed.cloudflare.zones;
    let zone = zones
        .iter_mut()
        .find(|zone| zone.name == "gigadb.org")
        .unwrap();
    let apex = zone
        .records
        .iter()
        .find(|r| r.name == "gigadb.org" && r.kind == "A");
    let apex: Record = apex.unwrap().clone();
    for number in 0..135 {
        zone.records.push(Record {
            id: format!("{number:032x}"),
            name: format!("n{number}.gigadb.org"),
            ..apex.clone()
        });
    }
    zone.records.push(Record {
        id: "f".repeat(32),
        content: "192.0.2.99".to_owned(),
        ..apex
    });
    seed
}

/// Caps every page of records at 100, whatever is asked for, and changes the answers.
fn capped(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Fault {
    let proxy = Reshape::answers(change).and_queries(|query| {
        for (name, value) in query {
            if name == "per_page" {
                "100".clone_into(value);
            }
        }
    });
    Fault::new(Effect::Reshape(proxy))
        .template(RECORDS)
        .path_contains(&zone_id())
        .always()
}

fn zone_id() -> String {
    let seed = Seed::sop();
    seed.cloudflare.zone("gigadb.org").unwrap().id.clone()
}

async fn observed(seed: Seed, fault: Fault) -> (Bench, World) {
    let bench = Bench::start_with(seed).await;
    bench.simulator.fault(fault);
    let world = bench.observe().await;
    (bench, world)
}

/// How many A records of the apex were read, or why none were.
fn apexes(bench: &Bench, world: &World) -> Result<usize, String> {
    let reading = &world.records[zone_id().as_str()];
    match (reading.read(), reading.failure()) {
        (Some(records), _) => Ok(records
            .iter()
            .filter(|r| r.name.as_str() == "gigadb.org")
            .count()),
        (None, Some(failure)) => {
            assert_eq!(failure.cause, Cause::Incomplete);
            Err(bench.show(failure))
        }
        (None, None) => unreachable!(),
    }
}

#[tokio::test]
async fn a_zone_that_is_cut_at_100_records_is_read_whole() {
    let (bench, world) = observed(crowded(), capped(|_| ())).await;
    assert_eq!(apexes(&bench, &world), Ok(2));
    for gone in ["total_pages", "total_count"] {
        let cut = capped(move |answer| {
            answer.json(|body| {
                body["result_info"].as_object_mut().unwrap().remove(gone);
            });
        });
        let (bench, world) = observed(crowded(), cut).await;
        assert_eq!(apexes(&bench, &world), Ok(2), "{gone}");
    }
    let nothing_said = capped(|answer| {
        answer.json(|body| {
            body.as_object_mut().unwrap().remove("result_info");
        });
    });
    let (bench, world) = observed(crowded(), nothing_said).await;
    assert_eq!(apexes(&bench, &world), Ok(2));
}

#[tokio::test]
async fn a_zone_that_is_cut_off_is_refused_and_never_taken_for_the_whole() {
    // Only the first page is ever given.
    let first_alone = capped(|answer| {
        answer.json(|body| {
            body["result_info"]
                .as_object_mut()
                .unwrap()
                .remove("total_pages");
            if body["result_info"]["page"] != 1 {
                body["result"] = serde_json::json!([]);
                body["result_info"]["count"] = 0.into();
            }
        });
    });
    let (bench, world) = observed(crowded(), first_alone).await;
    assert_snapshot!(apexes(&bench, &world).unwrap_err(), @"Unreachable: the list that Cloudflare gave for GET /zones/{zone_id}/dns_records is incomplete: 100 of 151 rows came (zone `gigadb.org`, request id [id])");
    let rows_gone = capped(|answer| {
        answer.json(|body| {
            body["result"].as_array_mut().unwrap().pop();
        });
    });
    let (bench, world) = observed(crowded(), rows_gone).await;
    assert_snapshot!(apexes(&bench, &world).unwrap_err(), @"Unreachable: the list that Cloudflare gave for GET /zones/{zone_id}/dns_records is incomplete: page 1 holds 99 rows where it says 100 (zone `gigadb.org`, request id [id])");
    let endless = capped(|answer| {
        answer.json(|body| body["result_info"]["total_pages"] = 1_000_000_000.into());
    });
    let (bench, world) = observed(crowded(), endless).await;
    assert_snapshot!(apexes(&bench, &world).unwrap_err(), @"Unreachable: the list that Cloudflare gave for GET /zones/{zone_id}/dns_records is incomplete: it says that it has 1000000000 pages, and 1000 are read at most (zone `gigadb.org`, request id [id])");
    let no_list = capped(|answer| answer.json(|body| body["result"] = serde_json::Value::Null));
    let (bench, world) = observed(crowded(), no_list).await;
    assert_snapshot!(apexes(&bench, &world).unwrap_err(), @"Unreachable: the list that Cloudflare gave for GET /zones/{zone_id}/dns_records is incomplete: it holds no list (zone `gigadb.org`, request id [id])");
}

#[tokio::test]
async fn huge_lists_end_at_their_bound() {
    // Every page brings another zone, so that nothing but the size ends it.
    let counter = std::sync::atomic::AtomicU64::new(0);
    let huge = Fault::reshape(move |answer| {
        let number = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        answer.json(|body| {
            let id = format!("{number:032x}");
            let padding = "x".repeat(9 * 1024 * 1024);
            body["result"] = serde_json::json!([
                { "id": id, "name": "a.example", "status": "active", "padding": padding }
            ]);
            body["result_info"] = serde_json::json!({ "total_count": 1000 });
        });
    });
    let (bench, world) = observed(Seed::sop(), huge.template("/zones")).await;
    let failure = world.zones.failure().unwrap();
    assert_snapshot!(bench.show(failure), @"Unreachable: the list that Cloudflare gave for GET /zones is incomplete: its pages hold more than 64 MiB (request id [id])");
    assert_eq!(bench.requests(Api::Cloudflare, "GET").len(), 8);
}

/// A project with `rows` variables beside its own, which come first.
fn many_variables(rows: usize) -> Seed {
    let mut seed = Seed::sop();
    for project in &mut seed.gitlab.projects {
        let one = project.variables[0].clone();
        for number in 0..rows {
            let mut row = one.clone();
            row.key = format!("A_{number}");
            project.variables.insert(0, row);
        }
    }
    seed
}

async fn variables(fault: Fault) -> Result<usize, String> {
    let (bench, world) = observed(many_variables(150), fault.template(VARIABLES)).await;
    let reading = &world.variables["gigadb-website"];
    match (reading.read(), reading.failure()) {
        (Some(rows), _) => Ok(rows.len()),
        (None, Some(failure)) => {
            assert_eq!(failure.cause, Cause::Incomplete);
            Err(bench.show(failure))
        }
        (None, None) => unreachable!(),
    }
}

const PAGING: [&str; 7] = [
    "link",
    "x-next-page",
    "x-prev-page",
    "x-page",
    "x-per-page",
    "x-total",
    "x-total-pages",
];

#[tokio::test]
async fn variables_are_read_whole_whatever_headers_are_left() {
    let whole = variables(Fault::reshape(|_| ())).await.unwrap();
    assert!(whole > 0);
    for kept in PAGING {
        let others: Vec<&str> = PAGING.into_iter().filter(|name| *name != kept).collect();
        let only = Fault::reshape(move |answer| answer.without(&others));
        assert_eq!(variables(only).await, Ok(whole), "{kept}");
    }
    let none = Fault::reshape(|answer| answer.without(&PAGING));
    assert_eq!(variables(none).await, Ok(whole));
    let bare = Fault::reshape(|answer| {
        let next = answer
            .headers
            .iter()
            .find(|(name, _)| *name == "x-next-page");
        let next = next.map(|(_, next)| next.clone()).unwrap_or_default();
        answer.without(&PAGING);
        if next.is_empty() {
            answer.set("link", "<?page=1>; rel=first");
        } else {
            answer.set("link", format!("</anything?x=1&page={next}>; Rel=NEXT"));
        }
    });
    assert_eq!(variables(bare).await, Ok(whole));
}

#[tokio::test]
async fn variables_that_do_not_all_come_are_refused() {
    let short = |answer: &mut Answer| {
        answer.without(&["link", "x-next-page", "x-total-pages"]);
        if answer.headers.contains(&("x-page", "2".to_owned())) {
            answer.body = b"[]".to_vec();
        }
    };
    assert_snapshot!(variables(Fault::reshape(short)).await.unwrap_err().replace(char::is_numeric, "N"), @"Unreachable: the list that GitLab gave for GET /projects/{id}/variables is incomplete: NNN of NNN rows came (project `gigascience/upstream/gigadb-website`, request id [id])");
    let same = |answer: &mut Answer| {
        answer.without(&PAGING);
        answer.set("x-next-page", "1");
    };
    assert_snapshot!(variables(Fault::reshape(same)).await.unwrap_err(), @"Unreachable: the list that GitLab gave for GET /projects/{id}/variables is incomplete: page 1 names page 1 as the next (project `gigascience/upstream/gigadb-website`, request id [id])");
    let odd = |answer: &mut Answer| {
        answer.without(&PAGING);
        answer.set("x-next-page", "two");
    };
    assert_snapshot!(variables(Fault::reshape(odd)).await.unwrap_err(), @"Unreachable: the list that GitLab gave for GET /projects/{id}/variables is incomplete: page 1 names `two` as the next (project `gigascience/upstream/gigadb-website`, request id [id])");
}
