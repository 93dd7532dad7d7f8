//! What the APIs are asked: as few requests as the job needs, and no delete anywhere.

use std::collections::BTreeMap;

use gigadb_simulator::LoggedRequest;
use gigadb_tests::{Scene, procedure::Side};

/// Counts requests by API, method and template; pages after the first count as their list.
fn counts(scene: &Scene) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in scene.simulator().requests() {
        if !is_further_page(&request) {
            let name = format!("{} {} {}", request.api, request.method, request.template);
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn is_further_page(request: &LoggedRequest) -> bool {
    let pages = |(key, value): &(String, String)| match key.as_str() {
        "page" => value != "1",
        "cursor" | "id_after" | "page_token" => !value.is_empty(),
        _ => false,
    };
    request.query.iter().any(pages)
        || request
            .body
            .get("NextToken")
            .is_some_and(|token| !token.is_null())
}

fn expected(list: &[(&str, usize)]) -> BTreeMap<String, usize> {
    list.iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

const READ_ONCE: [(&str, usize); 5] = [
    ("cloudflare GET /zones", 1),
    ("cloudflare GET /zones/{zone_id}/dns_records", 2),
    ("gitlab GET /projects/{id}/variables", 2),
    ("ec2 POST DescribeAddresses", 2),
    ("ec2 POST DescribeInstances", 2),
];

#[test]
fn a_plan_reads_each_list_once_and_writes_nothing() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    assert_eq!(counts(&scene), expected(&READ_ONCE));
}

#[test]
fn an_apply_reads_once_writes_each_zone_and_variable_once_and_reads_back() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    scene.plan_to("swap.tfplan");
    scene.simulator().clear_requests();

    let _ = scene
        .terraform(&["apply", "-no-color", "swap.tfplan"])
        .expect(0);
    assert_eq!(
        counts(&scene),
        expected(&[
            ("cloudflare GET /zones", 1),
            ("cloudflare GET /zones/{zone_id}/dns_records", 4),
            ("gitlab GET /projects/{id}/variables", 4),
            ("ec2 POST DescribeAddresses", 2),
            ("ec2 POST DescribeInstances", 2),
            ("cloudflare POST /zones/{zone_id}/dns_records/batch", 2),
            ("gitlab PUT /projects/{id}/variables/{key}", 8),
        ])
    );
}

#[test]
fn a_swap_is_one_batch_a_zone_and_one_write_a_variable() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);

    let writes = scene.writes();
    assert!(writes.iter().all(|request| request.method != "DELETE"));
    let batches: Vec<_> = writes
        .iter()
        .filter(|write| write.method == "POST")
        .collect();
    let zones: std::collections::BTreeSet<_> = batches.iter().map(|write| &write.path).collect();
    assert_eq!((batches.len(), zones.len()), (2, 2));
    for batch in batches {
        let body = batch.body.as_object().unwrap();
        let kinds: Vec<_> = body.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["patches"], "only patches: {body:?}");
        for patch in body["patches"].as_array().unwrap() {
            let fields: Vec<_> = patch
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(fields, ["content", "id"]);
        }
    }
    let variables: std::collections::BTreeSet<_> = writes
        .iter()
        .filter(|write| write.method == "PUT")
        .map(|write| &write.path)
        .collect();
    assert_eq!(variables.len(), 8);
    assert_eq!(writes.len(), 10);
}

#[test]
fn variables_come_first_and_the_apex_zone_last() {
    let scene = Scene::new();
    scene.adopt_live();
    scene.configure_live(Side::Alt);
    let _ = scene.apply().expect(0);

    let writes = scene.writes();
    let apis: Vec<_> = writes.iter().map(|write| write.api.to_string()).collect();
    let expected = [vec!["gitlab"; 8], vec!["cloudflare"; 2]].concat();
    assert_eq!(apis, expected);
    let apex = scene
        .world()
        .cloudflare
        .zone("gigadb.org")
        .unwrap()
        .id
        .clone();
    assert!(writes[9].path.contains(&apex), "{}", writes[9].path);
}

#[test]
fn two_environments_share_what_is_read_in_a_plan() {
    let scene = Scene::new();
    let both = |side| {
        let of = |environment| gigadb_tests::assignment(environment, side, "");
        format!("{}{}", of("live"), of("staging"))
    };
    scene.configure(&both(Side::Upstream));
    let _ = scene.apply().expect(0);
    scene.simulator().clear_requests();

    scene.configure(&both(Side::Alt));
    scene.plan_to("swap.tfplan");
    let mut found = counts(&scene);
    // Both environments lie in both projects and zones; variables may be listed once for both.
    let variables = found.remove("gitlab GET /projects/{id}/variables");
    assert_eq!(variables, Some(2));
    assert_eq!(found.get("cloudflare GET /zones"), Some(&1));
    assert_eq!(
        found.get("cloudflare GET /zones/{zone_id}/dns_records"),
        Some(&2)
    );
    assert_eq!(found.get("ec2 POST DescribeAddresses"), Some(&2));
    assert_eq!(found.get("ec2 POST DescribeInstances"), Some(&2));
}
