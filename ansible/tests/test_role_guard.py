"""The Ansible role role_guard stops a play on the wrong side, before anything else."""

from __future__ import annotations

import json

import pytest

PLAY = """
- hosts: all
  gather_facts: false
  roles:
    - role: gigascience.gigadb.role_guard
      role_guard_role: ROLE
      role_guard_environment: live
  tasks:
    - name: Do what the play is for
      ansible.builtin.file:
        path: "{{ playbook_dir }}/{{ inventory_hostname }}"
        state: touch
        mode: "0600"
      tags: [work]
"""

STANDBY = {"gigadb_role": "hot_standby", "gigadb_environment": "live"}


def play(ansible, folder, *arguments, role="hot_standby", **hosts):
    (folder / "play.yml").write_text(PLAY.replace("ROLE", role))
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {name: {"ansible_connection": "local"} | variables for name, variables in hosts.items()}}}))
    return ansible.playbook(folder / "play.yml", "-i", inventory, *arguments), sorted(set(hosts) & {path.name for path in folder.iterdir()})


def test_the_right_side_passes(ansible, tmp_path):
    done, reached = play(ansible, tmp_path, a=STANDBY)
    done.succeeded()
    assert reached == ["a"]


@pytest.mark.parametrize(
    "variables, words",
    [
        (STANDBY | {"gigadb_role": "production"}, "is production of live"),
        (STANDBY | {"gigadb_environment": "staging"}, "is hot_standby of staging"),
        ({"gigadb_environment": "live"}, "has no clear role of live"),
        ({"gigadb_role": "hot_standby"}, "is hot_standby of no known environment"),
    ],
)
def test_one_wrong_host_stops_the_play_for_all_whatever_the_tags(ansible, tmp_path, variables, words):
    done, reached = play(ansible, tmp_path, "--tags", "work", a=STANDBY, b=variables)
    done.failed("This play is for hot_standby of live", words, "Nothing was changed")
    assert reached == []


def test_a_guard_must_be_told_what_to_expect(ansible, tmp_path):
    done, reached = play(ansible, tmp_path, role="standby", a=STANDBY)
    done.failed("role_guard_role", "production, hot_standby")
    assert reached == []
