"""Playbooks written for terraform-inventory, unchanged: an inventory directory, `name_*` groups, an INI file of variables."""

from __future__ import annotations

import json

import pytest
from worlds import NEEDS_PROGRAMS, PROGRAM

pytestmark = NEEDS_PROGRAMS

# What hangs on the group today, the same for every host: all of it wrong for at least one side.
HOSTS = """
[type_aws_instance]

[type_aws_instance:vars]
gitlab_project=somebody/else
gitlab_project_string=somebody-else
gitlab_url=https://gitlab.example/api/v4/projects/somebody%2Felse
gigadb_environment=nowhere
backupDate=latest
reset_database_cronjob_state=absent
upload_database_backup_to_S3_cronjob_state=absent
fuw_db_user=of the file
"""

PLAYBOOK = """
- name: Write down what a play would use
  hosts: name_%s_{{gigadb_env}}*
  gather_facts: false
  connection: local
  tasks:
    - name: Write it down
      ansible.builtin.copy:
        content: "{{ {'gitlab_project': gitlab_project, 'gitlab_url': gitlab_url, 'gigadb_environment': gigadb_environment,
          'gigadb_role': gigadb_role, 'ansible_host': ansible_host, 'backupDate': backupDate, 'fuw_db_user': fuw_db_user,
          'reset': reset_database_cronjob_state, 'upload': upload_database_backup_to_S3_cronjob_state,
          'source': backup_source_project_string, 'bastion': ec2_bastion_public_ip} | to_json }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.json"
        mode: "0600"
"""


class Checkout:
    """The folders of `ops/infrastructure`, with the old wrapper replaced by gigadb-roles."""

    def __init__(self, root, ansible, world):
        self.ansible = ansible
        self.world = world
        self.inventories = root / "inventories"
        self.work = root / "envs" / "live"
        self.work.mkdir(parents=True)
        self.inventories.mkdir()
        (self.inventories / "hosts").write_text(HOSTS)
        # Under the name that scripts and documents of theirs call.
        self.wrapper = self.inventories / "terraform-inventory.sh"
        ansible.run(PROGRAM, "inventory", "--wrapper", self.wrapper, **world.environment).succeeded()
        for name in ("bastion_server", "gigadb_webserver", "gigadb_filesserver"):
            (self.work / (name + ".yml")).write_text(PLAYBOOK % name)

    def run(self, play, **environment):
        """Run a play; return how it ended, and what it wrote down by host."""
        for old in self.work.glob("*.json"):
            old.unlink()
        done = self.ansible.run(
            "ansible-playbook", "-i", "../../inventories", play + ".yml", "-e", "gigadb_env=live",
            cwd=self.work, **(self.world.environment | environment),
        )
        return done, {path.stem: json.loads(path.read_text()) for path in self.work.glob("*.json")}


@pytest.fixture
def checkout(tmp_path, ansible, world):
    return Checkout(tmp_path / "infrastructure", ansible, world)


def test_the_right_host_gets_the_variables_of_its_role_before_and_after_a_swap(checkout, world):
    for production, standby in (("gigadb-website", "alt-gigadb-website"), ("alt-gigadb-website", "gigadb-website")):
        for role, side in (("production", production), ("hot_standby", standby)):
            done, reached = checkout.run("bastion_server", GIGADB_ENVIRONMENT="live", GIGADB_ROLE=role)
            done.succeeded()
            bastion = {"gigadb-website": "198.51.100.11", "alt-gigadb-website": "203.0.113.11"}[side]
            assert reached == {
                side + "-live-bastion": {
                    "gitlab_project": "gigascience/upstream/" + side,
                    "gitlab_url": "%s/projects/gigascience%%2Fupstream%%2F%s" % (world.urls["gitlab"], side),
                    "gigadb_environment": "live",
                    "gigadb_role": role,
                    "ansible_host": bastion,
                    "bastion": bastion,
                    "backupDate": "latest",
                    "fuw_db_user": "of the file",
                    "reset": "present" if role == "hot_standby" else "absent",
                    "upload": "present" if role == "production" else "absent",
                    "source": "gigascience-upstream-" + production,
                }
            }
        world.swap()


@pytest.mark.parametrize("play, endpoint", [("gigadb_webserver", "web"), ("gigadb_filesserver", "files")])
def test_other_plays_reach_their_host_by_private_address(checkout, play, endpoint):
    done, reached = checkout.run(play, GIGADB_ENVIRONMENT="live", GIGADB_INFRASTRUCTURE="alt-gigadb-website", TF_KEY_NAME="private_ip")
    done.succeeded()
    assert list(reached) == ["alt-gigadb-website-live-" + endpoint]
    assert reached["alt-gigadb-website-live-" + endpoint]["ansible_host"].startswith("10.99.")


def test_nothing_is_reached_while_both_sides_are_in_scope(checkout):
    for scope in ({}, {"GIGADB_ENVIRONMENT": "live"}):
        done, reached = checkout.run("bastion_server", **scope)
        done.succeeded()
        assert reached == {}
        assert "no hosts matched" in done.text
    # The reason is the program's, which Ansible shows of a program only when it is asked to.
    done = checkout.ansible.run(PROGRAM, "--list", cwd=checkout.work, **checkout.world.environment).succeeded()
    assert "There are no `name_*` groups for `live` and `staging`" in done.stderr


def test_without_a_cloudflare_token_dns_decides(checkout, world):
    environment = world.by_dns()
    for side in ("gigadb-website", "alt-gigadb-website"):
        world.environment = environment
        done, reached = checkout.run("bastion_server", GIGADB_ENVIRONMENT="live", GIGADB_ROLE="production")
        done.succeeded()
        assert list(reached) == [side + "-live-bastion"]
        world.swap()


def test_another_sides_properties_stop_the_play(checkout):
    (checkout.work / "ansible.properties").write_text("gitlab_project=gigascience/upstream/alt-gigadb-website\ndeployment_target=live\n")
    done, reached = checkout.run("bastion_server", GIGADB_ENVIRONMENT="live", GIGADB_ROLE="production")
    done.failed("ansible.properties", "It would lend one side's secrets to the other")
    assert reached == {}
    done, reached = checkout.run("bastion_server", GIGADB_ENVIRONMENT="live", GIGADB_ROLE="hot_standby")
    done.succeeded()
    assert list(reached) == ["alt-gigadb-website-live-bastion"]


def test_another_environment_in_the_shell_than_in_the_command_is_fatal(checkout, tmp_path):
    staging = {"GIGADB_ENVIRONMENT": "staging", "GIGADB_ROLE": "production"}
    done, reached = checkout.run("bastion_server", **staging)
    done.failed("the play is told gigadb_env=live, and only `staging` would be listed", "Set or unset GIGADB_ENVIRONMENT")
    assert reached == {}
    plugin = tmp_path / "all.gigadb.yml"
    plugin.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": str(PROGRAM)}))
    (checkout.work / "theirs.yml").write_text("gigadb_env: live\n")
    for told in (
        ("--extra-vars", "gigadb_env=live"),
        ("--extra-vars", '{"gigadb_env": "live"}'),
        ("-e", "@theirs.yml"),
        ("--extra=gigadb_env=live",),
        ("-ve", "gigadb_env=live"),
    ):
        done = checkout.ansible.run(
            "ansible-playbook", "-i", plugin, "bastion_server.yml", *told,
            cwd=checkout.work, **(checkout.world.environment | staging),
        )
        done.failed("the play is told gigadb_env=live")


def test_the_documented_command_works_unchanged_in_the_folder_of_a_side(checkout):
    for side in ("gigadb-website", "alt-gigadb-website"):
        (checkout.work / "ansible.properties").write_text("gitlab_project=gigascience/upstream/%s\ndeployment_target=live\n" % side)
        done, reached = checkout.run("bastion_server")
        done.succeeded()
        assert list(reached) == [side + "-live-bastion"]
        assert "ERROR" not in done.text


def test_a_healthy_inventory_of_both_sides_says_nothing_that_ansible_shows_as_an_error(checkout, tmp_path):
    plugin = tmp_path / "both.gigadb.yml"
    plugin.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": str(PROGRAM)}))
    for source in (checkout.wrapper, PROGRAM, plugin):
        done = checkout.ansible.run("ansible-inventory", "-i", source, "--graph", cwd=checkout.work, **checkout.world.environment).succeeded()
        assert done.stderr == ""


def test_a_failed_inventory_beside_the_file_is_fatal(checkout):
    done, reached = checkout.run("bastion_server", GIGADB_ENVIRONMENT="nowhere")
    done.failed("nowhere")
    assert reached == {}
