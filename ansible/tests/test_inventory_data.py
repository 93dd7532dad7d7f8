"""What others wrote is data: a Terraform output or a tag that holds a template runs nothing, as a script or by the plugin."""

from __future__ import annotations

import json

import pytest
from worlds import NEEDS_PROGRAMS, PROGRAM, TOPOLOGY

pytestmark = NEEDS_PROGRAMS

PLAY = """
- hosts: production_live_bastion
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.debug: {var: pg_host}
    - ansible.builtin.debug: {msg: "database {{ pg_host }}, network {{ vpc_id }}, {{ efs_filesystem_access_points }}"}
    - ansible.builtin.copy: {content: "{{ pg_host }}", dest: "{{ playbook_dir }}/seen", mode: "0600"}
"""


@pytest.fixture
def topology(tmp_path):
    path = tmp_path / "topology.yaml"
    aws = "    aws: { profile: Upstream, region: ap-east-1 }\n"
    path.write_text(TOPOLOGY.read_text().replace(aws, aws + '    terraform_state: { name: "{environment}_infra" }\n'))
    return path


@pytest.mark.parametrize("by", ["script", "plugin"])
def test_a_template_in_an_output_or_a_tag_stays_text(by, tmp_path, ansible, world, topology):
    planted = tmp_path / "ran"
    evil = "{{ lookup('pipe', 'touch %s') }}" % planted
    outputs = {
        "rds_instance_address": evil,
        "vpc_id": "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n[% lookup('pipe', 'touch " + str(planted) + "') %]",
        "efs_filesystem_access_points": {"dropbox_area": {"id": evil}, evil: "v"},
    }

    def plant(it):
        (project,) = [project for project in it["gitlab"]["projects"] if project["path"] == "gigascience/upstream/gigadb-website"]
        state = {"version": 4, "serial": 9, "outputs": {name: {"type": "string", "value": value} for name, value in outputs.items()}}
        project["terraform_states"]["live_infra"] = {"versions": {"9": json.dumps(state)}, "lock": None}
        for account in it["aws"]["accounts"]:
            for region in account["regions"].values():
                for instance in region["instances"]:
                    instance["tags"]["Owner"] = evil

    world.change(plant)
    source = PROGRAM
    if by == "plugin":
        source = tmp_path / "live.gigadb.yml"
        source.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": str(PROGRAM)}))
    play = tmp_path / "play.yml"
    play.write_text(PLAY)
    environment = world.environment | {"GIGADB_TOPOLOGY": str(topology), "GIGADB_ENVIRONMENT": "live", "GIGADB_ROLE": "production"}
    done = ansible.playbook(play, "-i", source, **environment).succeeded()
    assert "lookup('pipe'" in done.stdout.replace("\\", "")
    assert (tmp_path / "seen").read_text() == evil
    assert not planted.exists()
    # Also where a template asks for group `all`, and as a listing.
    listed = ansible.run("ansible-inventory", "-i", source, "--list", **environment).succeeded()
    assert "lookup" in listed.stdout
    assert not planted.exists()
