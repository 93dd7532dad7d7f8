"""The inventory plugin, over a stub that says what gigadb-roles would say."""

from __future__ import annotations

import json
import sys

import pytest
from surroundings import plain

STUB = """#!%s
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
sys.stderr.write((here / "stderr").read_text())
sys.stdout.write((here / "stdout").read_text())
sys.exit(int((here / "status").read_text()))
""" % sys.executable


def answer(production, standby, **hostvars):
    """What the helper lists for two bastions, in outline."""
    hosts = {}
    for side, role in ((production, "production"), (standby, "hot_standby")):
        hosts["%s-live-bastion" % side] = {
            "ansible_host": {"blue": "192.0.2.10", "green": "192.0.2.20"}[side],
            "gigadb_environment": "live",
            "gigadb_endpoint": "bastion",
            "gigadb_role": role,
            "backup_source_project_string": "gigascience-upstream-" + production,
            "upload_database_backup_to_S3_cronjob_state": "present" if role == "production" else "absent",
            "gigadb_stale": False,
            "gigadb_age_seconds": 0,
        } | hostvars
    names = sorted(hosts)
    return {
        "_meta": {"hostvars": hosts},
        "all": {"children": ["ungrouped", "env_live", "role_production"]},
        "env_live": {"hosts": names},
        "type_aws_instance": {"hosts": names},
        "role_production": {"hosts": ["%s-live-bastion" % production]},
        "role_hot_standby": {"hosts": ["%s-live-bastion" % standby]},
        "production_live_bastion": {"hosts": ["%s-live-bastion" % production]},
        "hot_standby_live_bastion": {"hosts": ["%s-live-bastion" % standby]},
    }


class Source:
    """An inventory source of the plugin, with the stub as its program."""

    def __init__(self, folder, ansible):
        self.ansible = ansible
        self.folder = folder
        self.program = folder / "gigadb-roles"
        self.program.write_text(STUB)
        self.program.chmod(0o755)
        self.says(answer("blue", "green"))
        self.write()

    def write(self, **options):
        self.path = self.folder / "test.gigadb.yml"
        self.path.write_text(json.dumps({"plugin": "gigascience.gigadb.gigadb", "program": str(self.program)} | options))

    def says(self, stdout, stderr="", status=0):
        (self.folder / "stdout").write_text(stdout if isinstance(stdout, str) else json.dumps(stdout))
        (self.folder / "stderr").write_text(stderr)
        (self.folder / "status").write_text(str(status))

    def run(self, *arguments, **environment):
        return self.ansible.run("ansible-inventory", "-i", self.path, *arguments, **environment)

    def list(self, *arguments, **environment):
        done = self.run("--list", *arguments, **environment).succeeded()
        return json.loads(done.stdout, object_hook=plain)

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def source(tmp_path, ansible):
    folder = tmp_path / "source"
    folder.mkdir()
    return Source(folder, ansible)


def test_groups_and_variables_are_the_programs(source):
    listed = source.list()
    assert listed["production_live_bastion"] == {"hosts": ["blue-live-bastion"]}
    assert listed["hot_standby_live_bastion"] == {"hosts": ["green-live-bastion"]}
    assert listed["_meta"]["hostvars"] == answer("blue", "green")["_meta"]["hostvars"]
    assert source.calls() == [["inventory", "--list"]]


def test_options_become_arguments_and_may_name_extra_variables(source):
    source.write(
        topology="../topology.yaml", environment="{{ gigadb_env }}", role="hot_standby", infrastructure="green",
        max_age=0, refresh=True, strict=True,
    )
    source.list("-e", "gigadb_env=live")
    assert source.calls() == [
        ["inventory", "--list", "--topology", str(source.folder / "../topology.yaml"), "--environment", "live",
         "--role", "hot_standby", "--infrastructure", "green", "--max-age", "0", "--refresh", "--strict"]
    ]
    source.run("--list").failed("environment", "gigadb_env", "No host was listed", "--extra-vars")
    assert len(source.calls()) == 1


def test_a_request_for_no_cache_reaches_the_program(source):
    nothing = source.folder / "nothing.yml"
    nothing.write_text("[{hosts: all, gather_facts: false, tasks: []}]")
    source.ansible.playbook(nothing, "-i", source.path, "--flush-cache").succeeded()
    assert source.calls() == [["inventory", "--list", "--refresh"]]
    play = source.folder / "play.yml"
    play.write_text("[{hosts: all, gather_facts: false, tasks: [{meta: refresh_inventory}]}]")
    source.ansible.playbook(play, "-i", source.path).succeeded()
    assert source.calls()[1:] == [["inventory", "--list"], ["inventory", "--list", "--refresh"]]


def test_values_are_never_templates(source):
    planted = source.folder / "ran"
    evil = "{{ lookup('pipe', 'touch %s') }}" % planted
    source.says(answer("blue", "green", pg_host={"__ansible_unsafe": evil}, vpc_id=evil))
    play = source.folder / "play.yml"
    play.write_text("[{hosts: all, gather_facts: false, tasks: [{debug: {msg: '{{ pg_host }} {{ vpc_id }}'}}]}]")
    done = source.ansible.playbook(play, "-i", source.path).succeeded()
    assert done.stdout.replace("\\", "").count("lookup('pipe'") == 4
    assert not planted.exists()


def test_warnings_are_passed_on(source):
    source.says(answer("blue", "green"), "warning: region ap-east-1 is out of reach\n  serving hosts 4 minutes old\nwarning: roles come from DNS\n")
    done = source.run("--list").succeeded()
    assert "[WARNING]: region ap-east-1 is out of reach" in done.stderr
    assert "serving hosts 4 minutes old" in done.stderr
    assert "[WARNING]: roles come from DNS" in done.stderr
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize(
    "stdout, stderr, status, words",
    [
        (
            "{}",
            "error: no credentials for profile Upstream\nhint: run aws configure\n",
            1,
            ["no credentials for profile Upstream", "hint: run aws configure", "status 1"],
        ),
        ("{}", "", 64, ["status 64", "gave no reason"]),
        ("not json", "", 0, ["did not answer in JSON"]),
        ("{}", "", 0, ["_meta.hostvars"]),
        ("[]", "", 0, ["_meta.hostvars"]),
    ],
)
def test_a_failure_is_fatal_with_the_programs_reason(source, stdout, stderr, status, words):
    source.says(stdout, stderr, status)
    play = source.folder / "play.yml"
    play.write_text("[{hosts: all, gather_facts: false, tasks: []}]")
    source.run("--list").failed(*words)
    source.ansible.playbook(play, "-i", source.path).failed(*words)


def test_the_shipped_setting_is_what_makes_it_fatal(source):
    source.says("{}", "error: no credentials\n", 1)
    play = source.folder / "play.yml"
    play.write_text("[{hosts: all, gather_facts: false, tasks: []}]")
    source.ansible.playbook(play, "-i", source.path).failed("no credentials")
    # Ansible's default: the play "succeeds" on no host at all
    lenient = source.ansible.playbook(play, "-i", source.path, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="false")
    assert lenient.status == 0


def test_a_program_that_is_not_there_is_named(source):
    source.write(program="gigadb-roles-of-nowhere")
    source.run("--list").failed("cannot run `gigadb-roles-of-nowhere`", "Install gigadb-roles")


def test_groups_and_variables_of_ones_own(source):
    source.write(
        keyed_groups=[{"key": "gigadb_endpoint", "prefix": "kind"}],
        groups={"dumped": "gigadb_role | default('') == 'production'"},
        compose={"label": "gigadb_environment ~ '/' ~ gigadb_endpoint"},
    )
    listed = source.list()
    assert listed["kind_bastion"]["hosts"] == ["blue-live-bastion", "green-live-bastion"]
    assert listed["dumped"]["hosts"] == ["blue-live-bastion"]
    assert listed["_meta"]["hostvars"]["blue-live-bastion"]["label"] == "live/bastion"
    source.write(compose={"label": "no_such_variable"})
    assert "label" not in source.list()["_meta"]["hostvars"]["blue-live-bastion"]
    source.write(compose={"label": "no_such_variable"}, strict=True)
    source.run("--list").failed("no_such_variable")


class TestCache:
    @pytest.fixture
    def cached(self, source):
        self.folder = source.folder / "cache"
        source.options = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(self.folder), "cache_timeout": 3600}
        source.write(**source.options)
        return source

    def kept(self):
        return "\n".join(path.read_text() for path in self.folder.iterdir()) if self.folder.exists() else ""

    def test_it_holds_nothing_that_a_role_decides(self, cached):
        cached.list()
        assert "192.0.2.10" in self.kept()
        for word in ("production", "hot_standby", "gigadb_role", "backup_source", "cronjob_state"):
            assert word not in self.kept()

    def test_hosts_come_from_it_and_roles_never(self, cached):
        cached.list()
        cached.says(answer("green", "blue", ansible_host="203.0.113.99"))
        listed = cached.list()
        hostvars = listed["_meta"]["hostvars"]
        assert hostvars["blue-live-bastion"]["ansible_host"] == "192.0.2.10"
        assert hostvars["blue-live-bastion"]["gigadb_role"] == "hot_standby"
        assert hostvars["blue-live-bastion"]["backup_source_project_string"] == "gigascience-upstream-green"
        assert listed["role_production"]["hosts"] == ["green-live-bastion"]
        assert listed["production_live_bastion"]["hosts"] == ["green-live-bastion"]
        assert len(cached.calls()) == 2
        # refreshed, everything is new
        cached.write(refresh=True, **cached.options)
        assert cached.list()["_meta"]["hostvars"]["blue-live-bastion"]["ansible_host"] == "203.0.113.99"

    def test_roles_that_are_not_clear_are_gone(self, cached):
        cached.list()
        unclear = answer("blue", "green")
        for variables in unclear["_meta"]["hostvars"].values():
            for name in ("gigadb_role", "backup_source_project_string", "upload_database_backup_to_S3_cronjob_state"):
                del variables[name]
        cached.says({name: content for name, content in unclear.items() if not name.startswith(("role_", "production_", "hot_standby_"))})
        listed = cached.list()
        assert "role_production" not in listed and "production_live_bastion" not in listed
        assert all("gigadb_role" not in variables for variables in listed["_meta"]["hostvars"].values())

    def test_a_host_that_is_out_of_reach_stays_known_without_a_role(self, cached):
        cached.list()
        partial = answer("blue", "green")
        del partial["_meta"]["hostvars"]["green-live-bastion"]
        for name, content in partial.items():
            if name != "_meta":
                content["hosts"] = [host for host in content.get("hosts", []) if host.startswith("blue")]
        cached.says(partial)
        green = cached.list()["_meta"]["hostvars"]["green-live-bastion"]
        assert green["gigadb_stale"] is True and "gigadb_role" not in green

    def test_a_failure_is_not_covered_up(self, cached):
        cached.list()
        cached.says("{}", "error: another side's ansible.properties is in this folder\n", 1)
        cached.run("--list").failed("ansible.properties")

    def test_a_scope_by_role_uses_none(self, cached):
        cached.write(role="production", **cached.options)
        cached.list()
        cached.write(**cached.options)
        cached.list(GIGADB_ROLE="production")
        assert self.kept() == ""

    def test_another_scope_has_another(self, cached):
        cached.list()
        cached.says(answer("blue", "green", ansible_host="203.0.113.99"))
        listed = cached.list(GIGADB_INFRASTRUCTURE="green")
        assert listed["_meta"]["hostvars"]["green-live-bastion"]["ansible_host"] == "203.0.113.99"


def test_documentation_reads_well(source):
    done = source.ansible.run("ansible-doc", "-t", "inventory", "gigascience.gigadb.gigadb").succeeded()
    assert "Roles are never cached" in done.stdout
    for role in ("role_guard", "data_sync"):
        source.ansible.run("ansible-doc", "-t", "role", "gigascience.gigadb." + role).succeeded()
