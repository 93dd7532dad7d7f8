"""The inventory plugin over the real gigadb-roles, against simulated APIs, before and after a swap."""

from __future__ import annotations

import getpass
import json
import sys

import pytest
from surroundings import plain
from worlds import NEEDS_PROGRAMS, PROGRAM

pytestmark = NEEDS_PROGRAMS


@pytest.fixture
def source(tmp_path):
    """Writes an inventory source for live; returns its path."""

    def source(**options):
        path = tmp_path / "live.gigadb.yml"
        path.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": str(PROGRAM), "environment": "live"} | options))
        return path

    return source


@pytest.fixture
def listed(world, ansible, source):
    def listed(**options):
        done = ansible.run("ansible-inventory", "-i", source(**options), "--list", **world.environment).succeeded()
        for name in ("CLOUDFLARE_API_TOKEN", "GITLAB_TOKEN"):
            assert world.environment[name] not in done.text
        return json.loads(done.stdout, object_hook=plain)

    return listed


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

    world.swap()

    for options in ({}, cache):
        after = listed(**options)
        assert after["production_live_bastion"]["hosts"] == ["alt-gigadb-website-live-bastion"]
        for name, variables in after["_meta"]["hostvars"].items():
            assert variables["gigadb_role"] == ("production" if name.startswith("alt-") else "hot_standby")
            assert variables["backup_source_project_string"] == "gigascience-upstream-alt-gigadb-website"


def test_a_scope_by_role_follows_the_role(listed, world):
    before = listed(role="hot_standby")
    assert before["name_bastion_server_live_gigadb"]["hosts"] == ["alt-gigadb-website-live-bastion"]
    world.swap()
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
        "data_sync_backups": str(tmp_path),
        "data_sync_dropboxes": {"gigascience-upstream-%s" % name: str(tmp_path) for name in ("gigadb-website", "alt-gigadb-website")},
        "data_sync_state_directory": str(tmp_path / "state"),
        "data_sync_cron_file": str(tmp_path / "cron-{{ gigadb_infrastructure }}"),
    }

    def jobs():
        ansible.playbook(
            "gigascience.gigadb.data_sync", "-i", source(), "-e", json.dumps(settings),
            "--skip-tags", "data_sync_programs", **world.environment,
        ).succeeded()
        return [
            {line.rpartition(" ")[2] for line in (tmp_path / ("cron-" + name)).read_text().splitlines() if "/run_job " in line}
            for name in ("gigadb-website", "alt-gigadb-website")
        ]

    assert jobs() == [{"s3backup"}, {"databaseReset", "sync_dropboxes"}]
    world.swap()
    assert jobs() == [{"databaseReset", "sync_dropboxes"}, {"s3backup"}]
