"""The right machine: real OpenSSH clients and servers, two sides with the same private addresses, real ansible-core."""

from __future__ import annotations

import getpass
import json
import shlex
import shutil
import sys

import pytest
from operators import NEEDS_SSH, SIDES, Operator
from worlds import PROGRAM

pytestmark = NEEDS_SSH


@pytest.fixture
def operator(tmp_path, ansible, world):
    operator = Operator(tmp_path / "operator", ansible, world)
    yield operator
    operator.stop()


def test_every_host_reaches_its_own_machine(operator):
    """ansible/ansible#63161: without a socket of its own, a host gets the connection of the other side's."""
    # One play over both sides.
    assert operator.reach("endpoint_web") == {"gigadb-website-live-web": {"gigadb-website"}, "alt-gigadb-website-live-web": {"alt-gigadb-website"}}
    # Another run within the minute that a connection is kept, for one side after the other.
    for role, side in (("production", "gigadb-website"), ("hot_standby", "alt-gigadb-website")):
        assert operator.reach("%s_live_web" % role, GIGADB_ROLE=role) == {side + "-live-web": {side}}
    # Bastions by private address, which is what TF_KEY_NAME=private_ip makes of them.
    everywhere = operator.reach("all", TF_KEY_NAME="private_ip")
    assert len(everywhere) == 6
    for host, machines in everywhere.items():
        assert machines == {host.rpartition("-live-")[0]}


def test_the_operators_own_key_is_used_instead_of_the_topologys(operator):
    own = operator.folder / "own"
    shutil.move(operator.key, own)
    assert operator.reach("production_live_web", GIGADB_SSH_KEY=str(own)) == {"gigadb-website-live-web": {"gigadb-website"}}


# --- a swap in the middle of a play

SWAP = {
    "name": "Swap", "delegate_to": "localhost", "run_once": True, "vars": {"ansible_connection": "local"},
    "ansible.builtin.command": {"argv": [str(PROGRAM), "swap", "--environment", "live", "--yes", "--https-check", "off"]},
}
WORK = {"name": "Do what the play is for", "ansible.builtin.raw": "echo $MACHINE >>{{ playbook_dir }}/worked"}


def guarded(**arguments):
    return {"import_role": {"name": "gigascience.gigadb.role_guard"}, "vars": {"role_guard_environment": "live"} | arguments}


def test_a_swap_in_the_middle_of_a_play_stops_it_at_the_next_guard(operator):
    """Both sides in one play: each host keeps the side that it had when Ansible read the inventory, and no longer its role."""
    here = {"gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}}
    guard = guarded(role_guard_role="{{ gigadb_role }}")
    tasks = [guard, WORK, SWAP, WORK, guard, WORK]
    done = operator.play(json.dumps([{"hosts": "endpoint_web", "tasks": tasks} | here, {"hosts": "production_live_web", "tasks": [WORK]} | here]))
    done.failed(
        "The roles have changed since Ansible read the inventory. This play is for production of live, but gigadb-website-live-web is hot_standby of live.",
        "This play is for hot_standby of live, but alt-gigadb-website-live-web is production of live.",
    )
    # the connections of the first task are those of the second, and lead to the same machines
    assert sorted((operator.folder / "worked").read_text().split()) == sorted([*SIDES, *SIDES])


def test_a_swap_before_or_during_data_sync_makes_it_fail(operator):
    root = operator.folder / "machines"
    for side in SIDES:
        (root / side).mkdir(parents=True)
    settings = {
        "ansible_python_interpreter": sys.executable,
        "data_sync_user": getpass.getuser(),
        "data_sync_backups": str(root),
        "data_sync_dropboxes": {"gigascience-upstream-%s" % side: str(root) for side in SIDES},
        "data_sync_replaced_cron_jobs": [],
        "data_sync_state_directory": str(root / "{{ gigadb_infrastructure }}" / "state"),
        "data_sync_cron_file": str(root / "{{ gigadb_infrastructure }}" / "cron"),
    }

    def play(*before, environment=None, **more):
        role = {"import_role": {"name": "gigascience.gigadb.data_sync"}}
        here = {"hosts": "endpoint_bastion", "gather_facts": False, "any_errors_fatal": True, "vars": settings | more}
        return operator.play(json.dumps([here | {"environment": environment or {}, "tasks": [*before, role]}]), "--skip-tags", "data_sync_programs", TF_KEY_NAME="private_ip")

    def jobs():
        return [
            {line.rpartition(" ")[2] for line in (root / side / "cron").read_text().splitlines() if "/run_job " in line}
            for side in SIDES
        ]

    play(SWAP).failed("The roles have changed since Ansible read the inventory", "Nothing was changed")
    assert not list(root.rglob("cron"))
    # right after the jobs are set
    crontab = operator.folder / "machine" / "crontab"
    crontab.parent.mkdir()
    environment = operator.world.environment | {"GIGADB_TOPOLOGY": str(operator.topology), "HOME": str(operator.folder)}
    swap = shlex.join(["env", *("%s=%s" % pair for pair in environment.items()), *SWAP["ansible.builtin.command"]["argv"]])
    crontab.write_text("#!/bin/sh\nmkdir %s/swapped 2>/dev/null && %s >&2\necho no crontab for anybody >&2\nexit 1\n" % (root, swap))
    crontab.chmod(0o755)
    play(data_sync_replaced_cron_jobs=[{"name": "old"}], environment={"PATH": "%s:/usr/bin:/bin" % crontab.parent}).failed(
        "The roles of live are no longer known to be those by which the jobs were set",
        "alt-gigadb-website-live-bastion is hot_standby of live", "Run this play again",
    )
    production, hot_standby = {"s3backup"}, {"databaseReset", "sync_dropboxes"}
    assert jobs() == [hot_standby, production]
    play().succeeded()
    assert jobs() == [production, hot_standby]
