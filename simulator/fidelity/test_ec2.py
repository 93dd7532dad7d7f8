"""EC2's Query API and STS as boto3 sees them."""

import botocore.exceptions
import boto3
import pytest

UPSTREAM, ALT = "Upstream", "UpstreamAlt"


def name_filter(*names):
    return [{"Name": "tag:Name", "Values": list(names)}]


def code(error):
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_each_profile_sees_its_own_region(aws):
    for profile, expected in [(UPSTREAM, "198.51.100.10"), (ALT, "203.0.113.10")]:
        [address] = aws("ec2", profile).describe_addresses(Filters=name_filter("eip-gigadb-live-gigadb"))["Addresses"]
        assert address["PublicIp"] == expected
        assert address["AssociationId"].startswith("eipassoc-")
        [reservation] = aws("ec2", profile).describe_instances(InstanceIds=[address["InstanceId"]])["Reservations"]
        [instance] = reservation["Instances"]
        assert instance["PublicIpAddress"] == expected
        assert instance["PrivateIpAddress"] == "10.99.0.10" == address["PrivateIpAddress"]
        assert instance["State"] == {"Code": 16, "Name": "running"}
        assert {"Key": "Environment", "Value": "live"} in instance["Tags"]
        association = instance["NetworkInterfaces"][0]["Association"]
        assert association["IpOwnerId"] == "111122223333"


def test_one_region_answers_what_another_profile_asks_of_it(aws):
    [address] = aws("ec2", UPSTREAM, "ap-southeast-2").describe_addresses(Filters=name_filter("eip-gigadb-live-gigadb"))["Addresses"]
    assert address["PublicIp"] == "203.0.113.10"


def test_filters_combine_and_mind_the_case(aws):
    ec2 = aws("ec2", UPSTREAM)
    count = lambda *filters: len(ec2.describe_addresses(Filters=list(filters))["Addresses"])
    tag = lambda key, *values: {"Name": f"tag:{key}", "Values": list(values)}
    assert count(tag("Name", "eip-*-live-gigadb")) == 3
    assert count(tag("Name", "eip-gigadb-live-gigadb", "eip-gigadb-staging-gigadb")) == 2
    assert count(tag("Name", "eip-*"), tag("Environment", "staging")) == 3
    assert count(tag("Name", "EIP-*")) == count(tag("name", "eip-*")) == 0
    assert count({"Name": "tag-key", "Values": ["Owner"]}) == 6
    assert count({"Name": "network-border-group", "Values": ["ap-east-1"]}) == 7
    with pytest.raises(botocore.exceptions.ClientError) as error:
        count({"Name": "colour", "Values": ["red"]})
    assert code(error) == (400, "InvalidParameterValue")


def test_an_address_of_a_gateway_has_no_instance(aws):
    [address] = aws("ec2", ALT).describe_addresses(PublicIps=["203.0.113.200"])["Addresses"]
    assert "InstanceId" not in address and address["AssociationId"]


def test_terminated_instances_stay_listed_and_pages_follow_tokens(aws, simulator):
    ec2 = aws("ec2", UPSTREAM)
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    states = [i["State"]["Name"] for page in pages for r in page["Reservations"] for i in r["Instances"]]
    assert len(pages) == 2 and sorted(states) == ["running"] * 6 + ["terminated"]
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    named = name_filter("gigadb_webserver_live_gigadb")
    assert len(ec2.describe_instances(Filters=named)["Reservations"]) == 2
    assert len(ec2.describe_instances(Filters=named + running)["Reservations"]) == 1


def test_terminating_lets_the_address_go(aws, simulator):
    edit = {"region": "ap-east-1", "name": "bastion_server_live_gigadb", "state": "terminated"}
    simulator.control("POST", "edit", {"set_instance_state": edit})
    [address] = aws("ec2", UPSTREAM).describe_addresses(Filters=name_filter("eip-gigadb-bastion-live-gigadb"))["Addresses"]
    assert "AssociationId" not in address and "InstanceId" not in address


def test_unknown_ids_are_errors_and_unmatched_filters_are_not(aws):
    ec2 = aws("ec2", UPSTREAM)
    for call, expected in [
        (lambda: ec2.describe_addresses(PublicIps=["192.0.2.9"]), "InvalidAddress.NotFound"),
        (lambda: ec2.describe_addresses(AllocationIds=["eipalloc-0"]), "InvalidAllocationID.NotFound"),
        (lambda: ec2.describe_instances(InstanceIds=["i-0123456789abcdef0"]), "InvalidInstanceID.NotFound"),
        (lambda: ec2.describe_instances(InstanceIds=["web"]), "InvalidInstanceID.Malformed"),
        (lambda: ec2.describe_instances(NextToken="?"), "InvalidParameterValue"),
        (lambda: ec2.describe_vpcs(), "InvalidAction"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            call()
        assert code(error) == (400, expected)
    assert ec2.describe_addresses(Filters=name_filter("nothing"))["Addresses"] == []
    with pytest.raises(botocore.exceptions.ClientError) as error:
        ec2.describe_addresses(DryRun=True)
    assert code(error) == (412, "DryRunOperation")


def test_a_wrong_secret_an_unknown_key_and_a_closed_region_look_alike(aws, simulator):
    def client(key, secret, region):
        session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=region)
        return session.client("ec2", endpoint_url=simulator.urls["aws"])

    [right, _] = simulator.world()["aws"]["accounts"][0]["keys"]
    for key, secret, region in [
        (right["id"], "wrong", "ap-east-1"),
        ("AKIAUNKNOWN", right["secret"], "ap-east-1"),
        (right["id"], right["secret"], "ap-southeast-3"),
        (right["id"], right["secret"], "eu-nowhere-1"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            client(key, secret, region).describe_addresses()
        assert code(error) == (401, "AuthFailure")


def test_regions_say_whether_they_are_open(aws):
    ec2 = aws("ec2", ALT)
    status = lambda **options: {r["RegionName"]: r["OptInStatus"] for r in ec2.describe_regions(**options)["Regions"]}
    assert status(AllRegions=True) == {
        "ap-east-1": "opted-in",
        "ap-southeast-2": "opt-in-not-required",
        "ap-southeast-3": "not-opted-in",
        "us-east-1": "opt-in-not-required",
    }
    assert "ap-southeast-3" not in status()


def test_both_keys_are_of_one_account(aws, simulator):
    for profile in (UPSTREAM, ALT):
        identity = aws("sts", profile).get_caller_identity()
        assert (identity["Account"], identity["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:user/Gigadb")
    keys = [one["access_key_id"] for one in simulator.requests()]
    assert len(set(keys)) == 2
    with pytest.raises(botocore.exceptions.ClientError) as error:
        aws("sts", ALT, "ap-southeast-3").get_caller_identity()
    assert code(error) == (403, "InvalidClientTokenId")


@pytest.mark.parametrize(
    "effect, expected",
    [
        ("refuse", (403, "UnauthorizedOperation")),
        ("unauthorized", (401, "AuthFailure")),
        ({"rate_limited": {"retry_after": None}}, (503, "RequestLimitExceeded")),
        ("server_error", (500, "InternalError")),
        ({"error": {"status": 403, "code": "OptInRequired", "message": "not subscribed"}}, (403, "OptInRequired")),
    ],
)
def test_faults_come_in_the_shape_boto3_parses(aws, simulator, effect, expected):
    simulator.fault(effect, api="ec2", template="DescribeAddresses", region="ap-east-1")
    assert aws("ec2", ALT).describe_addresses()["Addresses"]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        aws("ec2", UPSTREAM).describe_addresses()
    assert code(error) == expected
