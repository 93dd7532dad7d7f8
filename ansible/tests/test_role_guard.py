"""The Ansible role role_guard stops a play on the wrong side, before anything else."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

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
PRODUCTION = {"gigadb_role": "production", "gigadb_environment": "live"}


def play(ansible, folder, *arguments, role="hot_standby", text=PLAY, **hosts):
    (folder / "play.yml").write_text(text.replace("ROLE", role))
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


@pytest.mark.parametrize("keyword", ["ignore_errors", "run_once"])
def test_what_a_play_says_of_all_its_tasks_does_not_go_for_the_guard(ansible, tmp_path, keyword):
    done, reached = play(ansible, tmp_path, text=PLAY.replace("  roles:", "  %s: true\n  roles:" % keyword), a=STANDBY, b=PRODUCTION)
    done.failed("This play is for hot_standby of live, but b is production of live")
    assert reached == []


def test_a_guard_must_be_told_what_to_expect(ansible, tmp_path):
    done, reached = play(ansible, tmp_path, role="standby", a=STANDBY)
    done.failed("role_guard_role", "production, hot_standby")
    assert reached == []


# --- what beats the inventory's variables does not beat the guard


def test_extra_variables_do_not_get_past_the_guard(ansible, tmp_path):
    done, reached = play(ansible, tmp_path, "-e", "gigadb_role=hot_standby", "-e", '{"gigadb_environment": "live"}', a=PRODUCTION)
    done.failed("a is production of live", "Only the inventory counts", "Nothing was changed")
    assert reached == []
    # not even for a host whose role nobody knows
    done, reached = play(ansible, tmp_path, "-e", "gigadb_role=hot_standby", a={"gigadb_environment": "live"})
    done.failed("a has no clear role of live")
    # what the play is for is the play's to say
    done, reached = play(ansible, tmp_path, "-e", "role_guard_role=production", a=PRODUCTION)
    done.failed("given as an extra variable: role_guard_role", "Take it out of the command")
    assert reached == []


def test_variables_of_the_play_and_facts_do_not_either(ansible, tmp_path):
    beaten = PLAY.replace("  roles:", "  vars: {gigadb_role: hot_standby}\n  pre_tasks: [ansible.builtin.set_fact: {gigadb_environment: live}]\n  roles:")
    (tmp_path / "play.yml").write_text(beaten.replace("ROLE", "hot_standby"))
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"a": PRODUCTION | {"ansible_connection": "local", "gigadb_environment": "staging"}}}}))
    ansible.playbook(tmp_path / "play.yml", "-i", tmp_path / "inventory.json").failed("a is production of staging")
    assert not (tmp_path / "a").exists()


GROUPS = {
    "of the other role": (["role_production"], "by its variables but in group role_production"),
    "of both roles": (["role_production", "role_hot_standby"], "but in group role_hot_standby, role_production"),
    "of the program, and of no role": (["infra_x", "env_live"], "in no group by role, so that its role is not clear"),
    "of the program, and of another environment": (["infra_x", "role_hot_standby", "env_staging"], "but not in group env_live"),
}


@pytest.mark.parametrize("case", GROUPS)
def test_groups_must_agree(ansible, tmp_path, case):
    """Variables may come from a file beside the inventory's program; its groups do not."""
    (tmp_path / "play.yml").write_text(PLAY.replace("ROLE", "hot_standby"))
    groups, words = GROUPS[case]
    hosts = {"a": STANDBY | {"ansible_connection": "local"}}
    inventory = {"all": {"hosts": hosts, "children": {group: {"hosts": {"a": None}} for group in groups}}}
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    ansible.playbook(tmp_path / "play.yml", "-i", tmp_path / "inventory.json").failed(words, "Nothing was changed")
    assert not (tmp_path / "a").exists()


# --- what was so when Ansible read the inventory

LATER = {
    "swapped": (STANDBY | {"gigadb_role": "production"}, "The roles have changed since Ansible read the inventory.", "a is production of live"),
    "unclear": ({"gigadb_environment": "live"}, "a has no clear role of live"),
    "not listed": (None, "no longer lists a"),
    "not read": ("[a:nonsense]\n", "It is not known whether a is still hot_standby of live"),
}


@pytest.mark.parametrize("case", LATER)
def test_what_changed_in_the_middle_of_a_play_is_found(ansible, tmp_path, case):
    after, *words = LATER[case]
    hosts = {"all": {"hosts": {"b": STANDBY} | ({} if after is None else {"a": after})}}
    (tmp_path / "after.json").write_text(after if isinstance(after, str) else json.dumps(hosts))
    swap = "  pre_tasks: [ansible.builtin.copy: {src: after.json, dest: inventory.json, mode: '0600'}]\n  roles:"
    done, reached = play(ansible, tmp_path, text=PLAY.replace("  roles:", swap), a=STANDBY)
    done.failed(*words, "Nothing was changed on any host by what follows this guard")
    assert reached == []


# --- the machine itself


class Metadata:
    """EC2's metadata service of one machine, in its second version: no answer without a token."""

    def __init__(self, **pages):
        metadata = {path.replace("__", "/").replace("_", "-"): value for path, value in pages.items()}

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status, text):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self):
                wanted = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.answer(200, "a-token") if wanted else self.answer(404, "")

            def do_GET(self):
                page = self.path.removeprefix("/latest/meta-data/")
                if self.headers["X-aws-ec2-metadata-token"] != "a-token":
                    self.answer(401, "")
                else:
                    self.answer(200, metadata[page]) if page in metadata else self.answer(404, "")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return {
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:%d" % self.server.server_port,
            "http_proxy": "http://127.0.0.1:9",
        }

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


SYDNEY = STANDBY | {
    "aws_region": "ap-southeast-2", "gigadb_public_ip": "203.0.113.11", "gigadb_private_ip": "10.99.0.11", "gigadb_instance_id": "i-0123456789abcdef0",
}
MACHINE = {"instance_id": "i-0123456789abcdef0", "public_ipv4": "203.0.113.11", "local_ipv4": "10.99.0.11", "placement__region": "ap-southeast-2"}
ELSEWHERE = {"instance_id": "i-0fedcba9876543210", "public_ipv4": "198.51.100.11", "placement__region": "ap-east-1"}


def test_the_machine_that_the_inventory_means_passes(ansible, tmp_path):
    with Metadata(**MACHINE) as environment:
        ansible.environment |= environment
        for machine in ("auto", "require"):
            done, reached = play(ansible, tmp_path, "-e", "role_guard_machine=" + machine, a=SYDNEY, b=STANDBY if machine == "auto" else SYDNEY)
            done.succeeded()
            assert reached == ["a", "b"]


@pytest.mark.parametrize("what", ELSEWHERE)
def test_another_machine_at_the_end_of_the_connection_stops_the_play(ansible, tmp_path, what):
    with Metadata(**{what: ELSEWHERE[what]}) as environment:
        ansible.environment |= environment
        # private addresses repeat between the sides, so equal ones say nothing
        done, reached = play(ansible, tmp_path, a=SYDNEY)
    done.failed("Another machine answers as a", "is %s, the inventory says" % ELSEWHERE[what], "Nothing was changed")
    assert reached == []


def test_a_machine_that_cannot_say_passes_unless_it_must(ansible, tmp_path):
    with Metadata(instance_id="<html>a portal</html>") as environment:
        ansible.environment |= environment
        done, reached = play(ansible, tmp_path, a=SYDNEY)
        done.succeeded()
        done, _ = play(ansible, tmp_path, "-e", "role_guard_machine=require", a=SYDNEY)
        done.failed("It is not known which machine answers as a")
    assert reached == ["a"]
