//! Rules of EC2's Query API and of STS.

use gigadb_simulator::World;
use gigadb_simulator::world::{
    InstanceState, REGION_ALT, REGION_UPSTREAM, SECRET_KEY_ALT, SECRET_KEY_UPSTREAM,
};

use crate::client::{Answer, Bench};

fn elements(answer: &Answer, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = answer.text.split(&open).skip(1);
    parts
        .map(|part| part.split(&close).next().unwrap().to_owned())
        .collect()
}

fn named(filter: &str) -> String {
    format!(
        "Action=DescribeAddresses&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1={filter}"
    )
}

#[tokio::test]
async fn the_credential_scope_decides_the_region() {
    let bench = Bench::new().await;
    for (region, address) in [
        (REGION_UPSTREAM, "198.51.100.10"),
        (REGION_ALT, "203.0.113.10"),
    ] {
        let form = named("eip-gigadb-live-gigadb");
        let answer = bench.aws("ec2", region, SECRET_KEY_UPSTREAM, &form).await;
        assert_eq!(elements(&answer, "publicIp"), [address]);
        assert_eq!(elements(&answer, "networkBorderGroup"), [region]);
    }
    let requests = bench.simulator.requests();
    assert_eq!(requests[1].region.as_deref(), Some(REGION_ALT));
    assert_eq!(
        requests[1].access_key_id.as_deref(),
        Some("AKIAPLANTEDUPSTREAM1")
    );
    assert_eq!(requests[1].template, "DescribeAddresses");
}

#[tokio::test]
async fn answers_and_errors_have_ec2s_shape() {
    let bench = Bench::new().await;
    let answer = bench.ec2(&named("eip-gigadb-live-gigadb")).await;
    let opening =
        "<DescribeAddressesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>";
    assert!(answer.text.contains(opening), "{}", answer.text);
    let failed = bench
        .ec2("Action=DescribeAddresses&PublicIp.1=192.0.2.9")
        .await;
    assert_eq!(failed.status, 400);
    assert!(
        failed
            .text
            .contains("<Response><Errors><Error><Code>InvalidAddress.NotFound</Code>")
    );
    assert_eq!(elements(&failed, "RequestID").len(), 1);
}

#[tokio::test]
async fn credentials_are_verified() {
    let bench = Bench::new().await;
    let form = named("*");
    for (region, secret, code) in [
        (REGION_UPSTREAM, SECRET_KEY_ALT, "AuthFailure"),
        ("ap-southeast-3", SECRET_KEY_UPSTREAM, "AuthFailure"),
        ("eu-nowhere-1", SECRET_KEY_UPSTREAM, "AuthFailure"),
    ] {
        let answer = bench.aws("ec2", region, secret, &form).await;
        assert_eq!(
            (answer.status, elements(&answer, "Code")),
            (401, vec![code.to_owned()])
        );
    }
    let unsigned = bench
        .http
        .post(bench.simulator.aws_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer = bench.send(unsigned).await.unwrap();
    assert_eq!(elements(&answer, "Code"), ["MissingAuthenticationToken"]);
}

#[tokio::test]
async fn iam_denies_by_action_and_by_region() {
    let mut world = World::sop();
    world.aws.accounts[0].keys[0].denied = vec!["ec2:DescribeInstances".to_owned()];
    world.aws.accounts[0].keys[0].regions = Some(vec![REGION_UPSTREAM.to_owned()]);
    let bench = Bench::with(world).await;
    assert_eq!(bench.ec2(&named("*")).await.status, 200);
    let denied = bench.ec2("Action=DescribeInstances").await;
    assert_eq!(denied.status, 403);
    assert_eq!(elements(&denied, "Code"), ["UnauthorizedOperation"]);
    assert!(denied.text.contains("ec2:DescribeInstances"));
    let form = named("*");
    let elsewhere = bench
        .aws("ec2", REGION_ALT, SECRET_KEY_UPSTREAM, &form)
        .await;
    assert_eq!(elements(&elsewhere, "Code"), ["UnauthorizedOperation"]);
}

#[tokio::test]
async fn filters_and_values_combine() {
    let bench = Bench::new().await;
    for (filters, count) in [
        ("Filter.1.Name=tag:Name&Filter.1.Value.1=eip-*", 6),
        ("Filter.1.Name=tag:Name&Filter.1.Value.1=EIP-*", 0),
        ("Filter.1.Name=tag:name&Filter.1.Value.1=eip-*", 0),
        (
            "Filter.1.Name=tag:Name&Filter.1.Value.1=eip-gigadb-live-gigadb&Filter.1.Value.2=eip-gigadb-staging-gigadb",
            2,
        ),
        (
            "Filter.1.Name=tag:Name&Filter.1.Value.1=eip-*&Filter.2.Name=tag:Environment&Filter.2.Value.1=live",
            3,
        ),
        ("Filter.1.Name=tag-key&Filter.1.Value.1=Owner", 6),
        (
            "Filter.1.Name=public-ip&Filter.1.Value.1=198.51.100.1%3F",
            3,
        ),
        (
            "Filter.1.Name=private-ip-address&Filter.1.Value.1=10.99.0.10",
            1,
        ),
    ] {
        let answer = bench
            .ec2(&format!("Action=DescribeAddresses&{filters}"))
            .await;
        assert_eq!(elements(&answer, "publicIp").len(), count, "{filters}");
    }
    let unknown = bench
        .ec2("Action=DescribeAddresses&Filter.1.Name=color&Filter.1.Value.1=red")
        .await;
    assert_eq!(elements(&unknown, "Code"), ["InvalidParameterValue"]);
}

#[tokio::test]
async fn an_address_without_instance_has_no_such_element() {
    let mut world = World::sop();
    let region = world.aws.region_mut(REGION_UPSTREAM).unwrap();
    region.addresses[0].instance_id = None;
    region.instances[1].state = InstanceState::Terminated;
    region.instances[2].state = InstanceState::Stopped;
    let bench = Bench::with(world).await;
    for (name, association, instance) in [
        ("eip-gigadb-live-gigadb", 0, 0),
        ("eip-gigadb-bastion-live-gigadb", 0, 0),
        ("eip-gigadb-files-live-gigadb", 1, 1),
        ("nat-gateway", 1, 0),
    ] {
        let answer = bench.ec2(&named(name)).await;
        assert_eq!(
            elements(&answer, "associationId").len(),
            association,
            "{name}"
        );
        assert_eq!(elements(&answer, "instanceId").len(), instance, "{name}");
    }
}

#[tokio::test]
async fn instances_are_paged_and_addresses_are_not() {
    let bench = Bench::new().await;
    let first = bench.ec2("Action=DescribeInstances&MaxResults=5").await;
    assert_eq!(elements(&first, "instanceId").len(), 5);
    let token = elements(&first, "nextToken").remove(0);
    let form = format!(
        "Action=DescribeInstances&MaxResults=5&NextToken={}",
        token.replace('=', "%3D")
    );
    let second = bench.ec2(&form).await;
    assert_eq!(elements(&second, "instanceId").len(), 2);
    assert!(elements(&second, "nextToken").is_empty());
    let small = bench.ec2("Action=DescribeInstances&MaxResults=4").await;
    assert_eq!(elements(&small, "Code"), ["InvalidParameterValue"]);
    let all = bench.ec2("Action=DescribeAddresses&MaxResults=1").await;
    assert_eq!(elements(&all, "publicIp").len(), 7);
}

#[tokio::test]
async fn a_terminated_instance_keeps_its_tags_and_loses_its_addresses() {
    let bench = Bench::new().await;
    let form =
        "Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=terminated";
    let answer = bench.ec2(form).await;
    assert!(answer.text.contains("gigadb_webserver_live_gigadb"));
    assert!(elements(&answer, "privateIpAddress").is_empty());
}

#[tokio::test]
async fn sts_knows_the_caller_and_fails_in_its_own_shape() {
    let bench = Bench::new().await;
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = bench
        .aws("sts", REGION_UPSTREAM, SECRET_KEY_UPSTREAM, form)
        .await;
    assert_eq!(elements(&answer, "Account"), ["111122223333"]);
    let closed = bench
        .aws("sts", "ap-southeast-3", SECRET_KEY_UPSTREAM, form)
        .await;
    assert_eq!(closed.status, 403);
    assert!(closed.text.contains("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"));
}
