"""The inventory against moto, an EC2 that nobody here wrote, filled by boto3 in both regions."""

from __future__ import annotations

import json
import re
import subprocess

import boto3
import pytest
from surroundings import BIN
from worlds import NEEDS_PROGRAMS, PROGRAM

pytestmark = NEEDS_PROGRAMS

SIDES = {"gigadb-website": "ap-east-1", "alt-gigadb-website": "ap-southeast-2"}
NAMES = {
    "web": ("eip-gigadb-%s-gigadb", "gigadb_webserver_%s_gigadb"),
    "bastion": ("eip-gigadb-bastion-%s-gigadb", "bastion_server_%s_gigadb"),
    "files": ("eip-gigadb-files-%s-gigadb", "gigadb_filesserver_%s_gigadb"),
}


class Moto:
    """moto's server on a free port, with both sides' machines in it; private addresses repeat between the sides."""

    def __init__(self, log):
        self.log = log.open("w")
        self.process = subprocess.Popen([BIN / "moto_server", "-H", "127.0.0.1", "-p", "0"], stdout=self.log, stderr=subprocess.STDOUT, env={"PYTHONUNBUFFERED": "1"})
        try:
            self.url = self._url(log)
            self.addresses = {side: self._fill(side) for side in SIDES}
        except BaseException:
            self.stop()
            raise

    def _url(self, log):
        """The address that the server says it runs on."""
        with log.open() as said:
            text = ""
            while self.process.poll() is None:
                text += said.read()
                found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", text)
                if found:
                    return found.group(1)
        raise RuntimeError("moto did not start:\n" + log.read_text())

    def client(self, side):
        return boto3.client("ec2", SIDES[side], endpoint_url=self.url, aws_access_key_id="of-moto", aws_secret_access_key="of-moto")

    def _fill(self, side):
        ec2 = self.client(side)
        vpc = ec2.create_vpc(CidrBlock="10.99.0.0/18")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24")["Subnet"]["SubnetId"]
        image = ec2.describe_images()["Images"][0]["ImageId"]

        def tags(kind, name, environment):
            pairs = {"Name": name, "Environment": environment, "Owner": "gigadb", "System": "t3_micro-centos8.stream"}
            return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in pairs.items()]}]

        addresses = {}
        for group, environment in enumerate(("live", "staging")):
            for number, (endpoint, (eip, instance)) in enumerate(NAMES.items()):
                machine = ec2.run_instances(
                    ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress="10.99.0.%d" % (10 + 10 * group + number),
                    TagSpecifications=tags("instance", instance % environment, environment),
                )["Instances"][0]["InstanceId"]
                elastic = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", eip % environment, environment))
                ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=machine)
                addresses[environment, endpoint] = elastic["PublicIp"]
        # A machine that is none of the topology's.
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags("instance", "runner", "live"))
        return addresses

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture
def moto(tmp_path):
    moto = Moto(tmp_path / "moto.log")
    yield moto
    moto.stop()


class Scene:
    """Hosts from moto, roles from the simulated records."""

    def __init__(self, moto, world, ansible):
        self.moto = moto
        self.world = world
        self.ansible = ansible
        self.environment = world.environment | {"AWS_ENDPOINT_URL": moto.url}
        known = {}
        for region, found in world.world()["aws"]["accounts"][0]["regions"].items():
            for side in (side for side, its in SIDES.items() if its == region):
                for address in found["addresses"]:
                    for (environment, endpoint), elastic in moto.addresses[side].items():
                        if address["tags"].get("Name") == NAMES[endpoint][0] % environment:
                            known[address["public_ip"]] = elastic
        # The records lead to moto's Elastic IPs where they led to the simulator's.
        world.change_records(lambda record: record.update(content=known[record["content"]]) if record["content"] in known else None)

    def swap(self):
        first, second = (self.moto.addresses[side] for side in SIDES)
        other = {first[place]: second[place] for place in first} | {second[place]: first[place] for place in first}

        def trade(world):
            for zone in world["cloudflare"]["zones"]:
                for record in zone["records"]:
                    record["content"] = other.get(record["content"], record["content"])

        self.world.change(trade)

    def without_a_token(self):
        self.world.change(lambda world: [record.update(proxied=False) for zone in world["cloudflare"]["zones"] for record in zone["records"]])
        self.environment = {name: value for name, value in self.environment.items() if not name.startswith("CLOUDFLARE_")}
        self.environment["GIGADB_DNS_SERVER"] = self.world.urls["dns"][0]

    def inventory(self, *arguments, **environment):
        return self.ansible.run("ansible-inventory", "-i", PROGRAM, *arguments, **(self.environment | environment))

    def list(self, **environment):
        return json.loads(self.inventory("--list", **environment).succeeded().stdout)


@pytest.fixture
def scene(moto, world, ansible):
    return Scene(moto, world, ansible)


def test_list_host_and_graph(scene):
    listed = scene.list()
    hostvars = listed["_meta"]["hostvars"]
    assert sorted(hostvars) == sorted(
        "%s-%s-%s" % (side, environment, endpoint) for side in SIDES for environment in ("live", "staging") for endpoint in NAMES
    )
    assert listed["production_live_bastion"]["hosts"] == ["gigadb-website-live-bastion"]
    assert listed["hot_standby_staging_web"]["hosts"] == ["alt-gigadb-website-staging-web"]
    assert not any(name.startswith("name_") for name in listed)
    for side in SIDES:
        web, bastion = hostvars[side + "-live-web"], hostvars[side + "-live-bastion"]
        assert web["ansible_host"] == "10.99.0.10", "the same on both sides"
        assert bastion["ansible_host"] == scene.moto.addresses[side]["live", "bastion"]
        # Arguments of SSH are given only where the topology names `ssh`.
        assert "ansible_ssh_common_args" not in web
        assert web["ec2_public_ip"] == scene.moto.addresses[side]["live", "web"]
        assert web["aws_region"] == SIDES[side]
    web = hostvars["gigadb-website-live-web"]
    alone = json.loads(scene.inventory("--host", "gigadb-website-live-web").succeeded().stdout)
    assert {name: value for name, value in alone.items() if name != "gigadb_age_seconds"} == {
        name: value for name, value in web.items() if name != "gigadb_age_seconds"
    }
    drawn = scene.inventory("--graph", GIGADB_ENVIRONMENT="live", GIGADB_ROLE="hot_standby").succeeded().stdout
    assert "@name_bastion_server_live_gigadb:" in drawn and "@owner_gigadb:" in drawn
    assert "|--gigadb-website" not in drawn and "runner" not in drawn


@pytest.mark.parametrize("roles_from", ["the API", "DNS"])
def test_a_play_reaches_whoever_has_the_role_before_and_after_a_swap(scene, tmp_path, roles_from):
    if roles_from == "DNS":
        scene.without_a_token()
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{
        "name": "Write down who is reached", "hosts": "production_live_bastion", "gather_facts": False, "connection": "local",
        "tasks": [{
            "name": "Write it down",
            "ansible.builtin.copy": {"content": "{{ inventory_hostname }} {{ gigadb_role }} {{ ansible_host }}", "dest": str(tmp_path / "reached"), "mode": "0600"},
        }],
    }]))
    for side in SIDES:
        scene.ansible.playbook(play, "-i", PROGRAM, **scene.environment).succeeded()
        address = scene.moto.addresses[side]["live", "bastion"]
        assert (tmp_path / "reached").read_text() == "%s-live-bastion production %s" % (side, address)
        scene.swap()


def test_a_stopped_instance_and_an_elastic_ip_that_is_not_associated_are_told(scene):
    ec2 = scene.moto.client("gigadb-website")

    def instance(name):
        found = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [name]}])
        return found["Reservations"][0]["Instances"][0]["InstanceId"]

    stopped = instance("gigadb_webserver_live_gigadb")
    ec2.stop_instances(InstanceIds=[stopped])
    loose = scene.moto.addresses["gigadb-website"]["live", "files"]
    association = ec2.describe_addresses(PublicIps=[loose])["Addresses"][0]["AssociationId"]
    ec2.disassociate_address(AssociationId=association)
    done = scene.ansible.run(PROGRAM, "--list", **scene.environment).succeeded()
    assert "`gigadb-website-live-web`: %s is stopped." % stopped in done.stderr
    assert "`gigadb-website-live-files`: Elastic IP %s is not associated with" % loose in done.stderr
    assert json.loads(done.stdout)["production_live_files"]["hosts"] == ["gigadb-website-live-files"]
