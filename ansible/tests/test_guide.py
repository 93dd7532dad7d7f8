"""Every block of the guide for users of Ansible runs, in the order of its page, with the real programs."""

from __future__ import annotations

import getpass
import re
import shutil
import sys

import pytest
import yaml
from surroundings import BIN, COLLECTION, run
from test_old_playbooks import HOSTS, PLAYBOOK
from worlds import NEEDS_PROGRAMS, PROGRAM, TOPOLOGY

pytestmark = NEEDS_PROGRAMS

GUIDE = COLLECTION.parent / "docs" / "guides" / "ansible.md"

# `ansible-inventory` shows what lies in files of variables, so this is none of the secrets that no output may hold.
PASSWORD = "password-of-the-guide"

# What reaches machines by SSH, becomes root and writes below /etc in earnest does so here in folders of the test's own.
HERE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "ansible_python_interpreter": sys.executable,
    "vaulted_database_password": PASSWORD,
    "data_sync_user": getpass.getuser(),
    "data_sync_directory": "{{ scratch }}/programs",
    "data_sync_state_directory": "{{ scratch }}/state",
    "data_sync_link_directory": "{{ scratch }}/bin",
    "data_sync_cron_file": "{{ scratch }}/cron",
}

# The crontab of a user, with a job that an older playbook left, in a file.
CRONTAB = """#!/bin/sh
file=%s
while [ $# -gt 0 ]; do
    case $1 in
        -l) exec cat "$file" ;;
        -u) test "$2" = centos || exit 1; shift ;;
        *) exec cp "$1" "$file" ;;
    esac
    shift
done
"""
OLD_JOB = "MAILTO=ops\n#Ansible: name of the old job\n0 22 * * * /home/centos/s3backup.sh\n"

ROLE = """
- name: Write down who is reached
  ansible.builtin.copy:
    content: "{{ inventory_hostname }}"
    dest: "{{ playbook_dir }}/reached"
    mode: "0600"
"""


def blocks(page):
    """The blocks of a page, as pairs of language and text."""
    return blocks_in(page.read_text())


def blocks_in(text):
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [(language, re.sub("^" + indent, "", text, flags=re.MULTILINE)) for indent, language, text in found]


class Operator:
    """Somebody with playbooks for terraform-inventory, who follows the guide."""

    def __init__(self, root, ansible, world):
        self.root = root
        self.world = world
        programs = root / "programs"
        self.crontab = root / "crontab"
        inventories = root / "ops" / "infrastructure" / "inventories"
        self.work = root / "ops" / "infrastructure" / "envs" / "live"
        for folder in (programs, inventories, self.work, root / "group_vars", root / "roles" / "what-the-play-is-for" / "tasks"):
            folder.mkdir(parents=True)
        shutil.copytree(COLLECTION, root / "ansible", ignore=shutil.ignore_patterns("tests", ".ansible"))
        shutil.copy(TOPOLOGY, root / "topology.yaml")
        (programs / "gigadb-roles").symlink_to(PROGRAM)
        (programs / "crontab").write_text(CRONTAB % self.crontab)
        (programs / "crontab").chmod(0o755)
        self.crontab.write_text(OLD_JOB)
        (inventories / "hosts").write_text(HOSTS)
        (inventories / "terraform-inventory.sh").write_text("#!/bin/sh\nexit 1\n")
        (self.work / "ansible.properties").write_text("gitlab_project=gigascience/upstream/alt-gigadb-website\ndeployment_target=live\n")
        (self.work / "bastion_playbook.yml").write_text(PLAYBOOK % "bastion_server")
        (root / "roles" / "what-the-play-is-for" / "tasks" / "main.yml").write_text(ROLE)
        scratch = {"scratch": str(root / "{{ gigadb_infrastructure }}")}
        (root / "group_vars" / "all.yml").write_text(yaml.safe_dump(HERE | scratch))
        for side in ("gigadb-website", "alt-gigadb-website"):
            (root / side / "bin").mkdir(parents=True)
        # Where the collection is not there yet.
        self.environment = {name: value for name, value in ansible.environment.items() if name != "ANSIBLE_COLLECTIONS_PATH"}
        self.environment |= world.environment | {
            "PATH": "%s:%s" % (programs, ansible.environment["PATH"]),
            "ANSIBLE_CONFIG": str(root / "ansible.cfg"),
        }
        del self.environment["GIGADB_TOPOLOGY"]
        self.said = []

    def runs(self, script):
        environment = dict(self.environment)
        if "unset CLOUDFLARE_API_TOKEN" in script:
            # A name server of the simulator's, which cannot answer for proxied records, stands for the example's.
            assert "192.0.2.53:53" in script
            server = self.world.by_dns()["GIGADB_DNS_SERVER"]
            script = script.replace("192.0.2.53:53", server)
        if "export GIGADB_TOPOLOGY=" in script:
            # Like somebody who stays in one shell.
            self.environment["GIGADB_TOPOLOGY"] = str(self.root / "topology.yaml")
        done = run(["bash", "-e", "-o", "pipefail", "-c", script], environment, self.root).succeeded()
        assert "ansible-playbook" not in script or PASSWORD not in done.text
        self.said.append((script, done))

    def writes(self, language, text):
        """A block that begins with the name of a file is added to that file."""
        name = re.match(r"# (\S+\.yml)\n", text)
        if name:
            with (self.root / name[1]).open("a") as file:
                file.write(text)
        elif language == "ini":
            (self.root / "ansible.cfg").write_text(text)

    def answer(self, *words):
        """What the only block that holds these words printed."""
        (done,) = [done for script, done in self.said if all(word in script for word in words)]
        return done.stdout

    def jobs(self):
        """Which jobs are on which side."""
        return [
            {line.rpartition(" ")[2] for line in (self.root / side / "cron").read_text().splitlines() if "/run_job " in line}
            for side in ("gigadb-website", "alt-gigadb-website")
        ]


@pytest.fixture
def operator(tmp_path, ansible, world):
    return Operator(tmp_path / "operator", ansible, world)


def test_all_of_the_guide(operator, world):
    (readme,) = [text for language, text in blocks(COLLECTION / "README.md") if "group_vars/env_live.yml" in text]
    operator.writes("yaml", readme)
    jobs = []
    for language, text in blocks(GUIDE):
        if language == "sh":
            if "gigadb_data_sync=active" in text:
                world.swap()
            operator.runs(text)
            if "gigascience.gigadb.data_sync" in text:
                jobs.append(operator.jobs())
        elif language in ("yaml", "ini"):
            operator.writes(language, text)
        else:
            pytest.fail("nobody knows how to run %s" % language)

    assert "@production_live_bastion:" in operator.answer("--host gigadb-website-live-bastion")
    assert "@role_production:" in operator.answer("unset CLOUDFLARE_API_TOKEN")
    assert [path.stem for path in operator.work.glob("*.json")] == ["alt-gigadb-website-live-bastion"]
    assert "terraform-inventory.sh" in operator.answer("check --repository")
    assert "alt-gigadb-website-live-bastion" in operator.answer("GIGADB_INFRASTRUCTURE=gigadb-website")
    assert "@hot_standby_live_bastion:" in operator.answer("-i live.gigadb.yml --graph")
    assert (operator.root / "reached").read_text() == "alt-gigadb-website-live-bastion"
    assert operator.answer("crontab -l -u centos").count("#Ansible: name of the old job") == 2
    assert operator.crontab.read_text() == "MAILTO=ops\n"
    standby = {"databaseReset", "sync_dropboxes"}
    assert jobs == [[{"s3backup"}, standby], [set(), set()], [standby, {"s3backup"}]]


def test_the_setting_that_makes_a_failed_inventory_fail_is_the_shipped_one():
    (setting,) = [text for language, text in blocks(GUIDE) if language == "ini"]
    shipped = (COLLECTION / "ansible.cfg").read_text()
    assert "".join(line for line in shipped.splitlines(keepends=True) if not line.startswith("#") and line.strip()) == setting


def test_every_program_of_the_guide_is_a_real_one():
    words = {line.split()[0] for language, text in blocks(GUIDE) if language == "sh" for line in text.splitlines()}
    assert {"ansible", "ansible-galaxy", "ansible-inventory", "ansible-playbook"} <= words
    for word in words:
        assert not word.startswith("ansible") or (BIN / word).exists()
