"""The inventory plugin over the real gigadb-roles, against simulated APIs, before and after a swap."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from surroundings import COLLECTION

PROGRAMS = os.environ.get("GIGADB_BIN_DIR")
TOPOLOGY = COLLECTION.parent / "examples" / "terraform" / "upstream" / "topology.yaml"

pytestmark = pytest.mark.skipif(not PROGRAMS, reason="GIGADB_BIN_DIR does not say where gigadb-roles is")


@pytest.fixture
def world(tmp_path):
    """Environment variables for the simulated APIs, where gigadb-website is production."""
    simulator = os.environ.get("GIGADB_SIMULATOR") or Path(PROGRAMS, "gigadb-simulator")
    files = tmp_path / "aws"
    files.mkdir()
    seed = json.loads(subprocess.run([simulator, "--print-seed"], check=True, capture_output=True).stdout)
    process = subprocess.Popen([simulator, "--aws-files", files], stdout=subprocess.PIPE, text=True)
    try:
        urls = json.loads(process.stdout.readline())
        yield {
            "GIGADB_TOPOLOGY": str(TOPOLOGY),
            "CLOUDFLARE_API_TOKEN": seed["cloudflare"]["tokens"][0]["value"],
            "CLOUDFLARE_BASE_URL": urls["cloudflare"],
            "GITLAB_TOKEN": seed["gitlab"]["tokens"][0]["value"],
            "GITLAB_BASE_URL": urls["gitlab"],
            "AWS_ENDPOINT_URL": urls["aws"],
            "AWS_CONFIG_FILE": str(files / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(files / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def source(tmp_path):
    """Writes an inventory source for live; returns its path."""

    def source(**options):
        path = tmp_path / "live.gigadb.yml"
        program = str(Path(PROGRAMS, "gigadb-roles"))
        path.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": program, "environment": "live"} | options))
        return path

    return source


@pytest.fixture
def listed(world, ansible, source):
    def listed(**options):
        done = ansible.run("ansible-inventory", "-i", source(**options), "--list", **world).succeeded()
        for name in ("CLOUDFLARE_API_TOKEN", "GITLAB_TOKEN"):
            assert world[name] not in done.text
        return json.loads(done.stdout)

    return listed


def swap(world):
    """Trade every address of the one side for the other's, as a person would in the dashboard."""
    other = {"198.51.100.": "203.0.113.", "203.0.113.": "198.51.100."}

    def call(method, path, body=None):
        request = urllib.request.Request(
            world["CLOUDFLARE_BASE_URL"] + path,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": "Bearer " + world["CLOUDFLARE_API_TOKEN"], "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)["result"]

    for zone in call("GET", "/zones"):
        records = "/zones/%s/dns_records" % zone["id"]
        for record in call("GET", records + "?type=A&per_page=100"):
            network, _, host = record["content"].rpartition(".")
            if network + "." in other:
                call("PATCH", "%s/%s" % (records, record["id"]), {"content": other[network + "."] + host})


def test_hosts_change_groups_with_a_swap_cache_or_no_cache(listed, world, tmp_path):
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "kept")}
    for options in ({}, cache):
        before = listed(**options)
        assert before["production_live_bastion"]["hosts"] == ["gigadb-website-live-bastion"]
        assert before["hot_standby_live_bastion"]["hosts"] == ["alt-gigadb-website-live-bastion"]
    assert not any(name.startswith("name_") for name in before)
    hostvars = before["_meta"]["hostvars"]
    assert len(hostvars) == 6
    assert hostvars["gigadb-website-live-bastion"]["gigadb_role"] == "production"

    swap(world)

    for options in ({}, cache):
        after = listed(**options)
        assert after["production_live_bastion"]["hosts"] == ["alt-gigadb-website-live-bastion"]
        for name, variables in after["_meta"]["hostvars"].items():
            assert variables["gigadb_role"] == ("production" if name.startswith("alt-") else "hot_standby")
            assert variables["backup_source_project_string"] == "gigascience-upstream-alt-gigadb-website"


def test_a_scope_by_role_follows_the_role(listed, world):
    before = listed(role="hot_standby")
    assert before["name_bastion_server_live_gigadb"]["hosts"] == ["alt-gigadb-website-live-bastion"]
    swap(world)
    after = listed(role="hot_standby")
    assert after["name_bastion_server_live_gigadb"]["hosts"] == ["gigadb-website-live-bastion"]
    assert len(after["_meta"]["hostvars"]) == 3


def test_the_jobs_follow_the_real_inventory(world, ansible, source, tmp_path):
    settings = {
        "gigadb_env": "live",
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "data_sync_user": getpass.getuser(),
        "data_sync_apex": "gigadb.org",
        "data_sync_backups": str(tmp_path),
        "data_sync_dropboxes": {"gigascience-upstream-%s" % name: str(tmp_path) for name in ("gigadb-website", "alt-gigadb-website")},
        "data_sync_state_directory": str(tmp_path / "state"),
        "data_sync_cron_file": str(tmp_path / "cron-{{ gigadb_infrastructure }}"),
    }

    def jobs():
        ansible.playbook(
            "gigascience.gigadb.data_sync", "-i", source(), "-e", json.dumps(settings),
            "--skip-tags", "data_sync_programs", **world,
        ).succeeded()
        return [
            {line.rpartition(" ")[2] for line in (tmp_path / ("cron-" + name)).read_text().splitlines() if "logger -t" in line}
            for name in ("gigadb-website", "alt-gigadb-website")
        ]

    assert jobs() == [{"s3backup"}, {"databaseReset", "sync_dropboxes"}]
    swap(world)
    assert jobs() == [{"databaseReset", "sync_dropboxes"}, {"s3backup"}]
