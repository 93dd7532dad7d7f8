"""A checkout in the shape of GigaDB's own repository is adopted step by step by what `check` says, works at each step, and goes back."""

from __future__ import annotations

import json
import re
import shutil
import sys

from surroundings import run
from test_guide import CRONTAB
from worlds import NEEDS_PROGRAMS, PROGRAM, TOPOLOGY

pytestmark = NEEDS_PROGRAMS

SIDE = "gigadb-website"
BASTION = "198.51.100.11"
INVENTORY = "ops/infrastructure/inventories/terraform-inventory.sh"
INIT = "ops/scripts/ansible_init.sh"
PLAYBOOK = "ops/infrastructure/bastion_playbook.yml"

# Their files in shape, in words of these tests. A form is sent urlencoded, which the simulated GitLab reads.
THEIRS = {
    INIT: """#!/usr/bin/env bash
set -e
source ../../../../.env
source .init_env_vars
cp ../../bastion_playbook.yml .
database=$(../../inventories/terraform-inventory.sh --list ./ | jq -r .all.vars.rds_instance_address)
curl --silent --show-error --fail --output /dev/null --request PUT --header "PRIVATE-TOKEN: $token" --data-urlencode "value=$database" \\
    "$PROJECT_VARIABLES_URL/gigadb_db_host?filter%5benvironment_scope%5d=$target"
printf 'gitlab_project=%s\\ndeployment_target=%s\\n' "$project" "$target" >ansible.properties
""",
    INVENTORY: """#!/bin/sh
terraform-inventory "$@" ./ | jq 'with_entries(select(.key | contains("system_") | not))'
""",
    "ops/infrastructure/inventories/hosts": """[type_aws_instance]

[type_aws_instance:vars]
machine={{ playbook_dir }}/machine
""",
    PLAYBOOK: """- name: What the bastion needs
  hosts: name_bastion_server_{{gigadb_env}}*
  gather_facts: false
  connection: local
  tasks:
    - name: Write down who is reached
      copy: { content: "{{ ansible_host | default(inventory_hostname) }}", dest: "{{ playbook_dir }}/reached" }
    - name: Place the restore
      copy:
        src: ../../../../tools/databaseReset.sh
        dest: "{{ machine }}/usr/local/bin/databaseReset"
    - name: Sync every day
      cron:
        name: Sync of theirs
        hour: "11"
        job: /usr/local/bin/sync_dropbox --apply
""",
    "tools/databaseReset.sh": "#!/bin/bash\nrclone copy s3_remote:b/gigadb_gigascience-upstream-gigadb-website_live_$1.backup .\n",
}

# What their scripts ask of jq, where the machine has none.
JQ = """#!%s
import json, sys
*options, words = sys.argv[1:]
found = json.loads(sys.stdin.read() or sys.exit(4 if "-er" in options else 0))
if words.startswith("with_entries"):
    found = {name: value for name, value in found.items() if "system_" not in name}
else:
    for word in words.split(".")[1:]:
        found = (found or {}).get(word)
print(found if isinstance(found, str) else json.dumps(found))
sys.exit(found is None and "-er" in options)
"""


def quoted(text):
    return re.findall("`([^`]+)`", text)


class Checkout:
    """Somebody's clone of one side's repository, and the machine that it is on."""

    def __init__(self, root, ansible, world):
        self.root = root
        self.world = world
        self.work = root / "ops" / "infrastructure" / "envs" / "live"
        self.known = self.work / "known-to-terraform.json"
        self.crontab = self.work / "crontab"
        (self.work / "machine" / "usr" / "local" / "bin").mkdir(parents=True)
        for name, text in THEIRS.items():
            self.write(name, text)
        programs = {"terraform-inventory": "#!/bin/sh\nexec cat %s\n" % self.known, "crontab": CRONTAB % self.crontab}
        if not shutil.which("jq"):
            programs["jq"] = JQ % sys.executable
        for name, text in programs.items():
            self.write("programs/" + name, text)
            (root / "programs" / name).chmod(0o755)
        (root / "programs" / "gigadb-roles").symlink_to(PROGRAM)
        self.environment = ansible.environment | world.environment | {"PATH": "%s:%s" % (root / "programs", ansible.environment["PATH"])}
        # As on a machine of theirs: nothing names a configuration of Ansible's, and the topology is at the root of the checkout.
        del self.environment["ANSIBLE_CONFIG"], self.environment["GIGADB_TOPOLOGY"]
        state = '    terraform_state: { name: "{environment}_infra" }\n'
        self.write("topology.yaml", TOPOLOGY.read_text().replace("    owner: gigadb #", state + "    owner: gigadb #"))
        self.write(".env", "token=%s\n" % world.environment["GITLAB_TOKEN"])
        project = "gigascience/upstream/" + SIDE
        variables = "%s/projects/%s/variables" % (world.urls["gitlab"], project.replace("/", "%2F"))
        self.write("ops/infrastructure/envs/live/.init_env_vars", "target=live\nproject=%s\nPROJECT_VARIABLES_URL=%s\n" % (project, variables))
        self.database, self.other_database = (
            json.loads(one["terraform_states"]["live_infra"]["versions"]["7"])["outputs"]["rds_instance_address"]["value"]
            for one in world.world()["gitlab"]["projects"]
        )
        self.run("git", "init", "--quiet", root).succeeded()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if name.endswith(".sh") else 0o644)

    def edit(self, name, *pairs):
        text = (self.root / name).read_text()
        for old, new in pairs:
            assert text.count(old) == 1, "%r is not once in %s" % (old, name)
            text = text.replace(old, new)
        self.write(name, text)

    def knows(self, **variables):
        """Let Terraform's state hold the bastion and these outputs."""
        groups = dict.fromkeys(("name_bastion_server_live_gigadb", "type_aws_instance", "system_t3.small"), [BASTION])
        self.known.write_text(json.dumps(groups | {"all": {"vars": variables}, "_meta": {"hostvars": {}}}))

    def run(self, *command, cwd=None, **environment):
        done = run(command, self.environment | environment, cwd or self.work)
        for name in ("GITLAB_TOKEN", "CLOUDFLARE_API_TOKEN"):
            assert self.environment[name] not in done.text, "a token was printed"
        return done

    def init(self, *before, new_folder=False, **environment):
        """Run their script while GitLab has `kept`; return how it ended, and what GitLab has then."""
        if new_folder:
            (self.work / "ansible.properties").unlink()

        def variables(world):
            return next(one["variables"] for one in world["gitlab"]["projects"] if one["path"].endswith("/" + SIDE))

        def keep(world):
            rows = variables(world)
            rows[:] = [one for one in rows if one["key"] != "gigadb_db_host"]
            rows.append({"key": "gigadb_db_host", "value": "kept", "environment_scope": "live"})

        self.world.change(keep)
        done = self.run(*before, "bash", "../../../scripts/ansible_init.sh", **environment)
        (value,) = [one["value"] for one in variables(self.world.world()) if one["key"] == "gigadb_db_host"]
        return done, value

    def init_writes(self, database, *before, **options):
        done, value = self.init(*before, **options)
        assert (done.succeeded().stderr, value) == ("", database)

    def init_stops(self, *words, **options):
        done, value = self.init(**options)
        done.failed(*words)
        assert value == "kept"

    def play(self):
        """Run the command of their documents; return how it ended, and who was reached."""
        reached = self.work / "reached"
        reached.unlink(missing_ok=True)
        done = self.run("ansible-playbook", "-i", "../../inventories", "bastion_playbook.yml", "-e", "gigadb_env=live")
        return done, reached.read_text() if reached.exists() else None

    def reaches_the_bastion(self):
        done, reached = self.play()
        done.succeeded()
        assert reached == BASTION

    def in_the_way(self):
        """What `check` finds, by place: what to do."""
        done = self.run("gigadb-roles", "check", "--repository", self.root, "--format", "json")
        checks = json.loads(done.stdout)["checks"]
        assert done.status == any(one["result"] == "failed" for one in checks)
        return {one["object"]: one["next"] for one in checks if one["result"] != "ok"}


def test_a_checkout_of_theirs_is_adopted_step_by_step_and_goes_back(tmp_path, ansible, world):
    checkout = Checkout(tmp_path / "theirs", ansible, world)
    copied = PLAYBOOK.replace("bastion_playbook", "envs/live/bastion_playbook")
    found = checkout.in_the_way()
    assert set(found) == {INVENTORY, INIT + ":6", "ansible.cfg", PLAYBOOK + ":11", PLAYBOOK + ":13", "tools/databaseReset.sh:2"}

    # As it is today: it works while the inventory does, and a failing one is a success that empties GitLab's variable.
    checkout.knows(rds_instance_address="of-terraform.example.net")
    checkout.init_writes("of-terraform.example.net")
    checkout.reaches_the_bastion()
    assert "sync_dropbox --apply" in checkout.crontab.read_text()
    checkout.knows()
    checkout.init_writes("null")
    checkout.known.unlink()
    done, value = checkout.init()
    assert (done.status, value) == (0, "")

    # Step 3, and back.
    section, setting = quoted(found["ansible.cfg"])[1:3]
    checkout.write("ansible.cfg", "%s\n%s\n" % (section, setting))
    (export,) = [text for text in quoted(checkout.in_the_way()["ansible.cfg"]) if text.startswith("export ")]
    named = checkout.run("bash", "-c", export + "; printenv ANSIBLE_CONFIG").succeeded().stdout.strip()
    checkout.environment["ANSIBLE_CONFIG"] = named
    done, reached = checkout.play()
    done.failed("Completely failed to parse inventory source")
    assert reached is None
    del checkout.environment["ANSIBLE_CONFIG"]
    done, reached = checkout.play()
    assert "no hosts matched" in done.succeeded().stdout
    assert reached is None
    checkout.environment["ANSIBLE_CONFIG"] = named

    # Step 4. In a new folder both sides are in scope, and the list has no database; the script writes that, until it is changed.
    def replace_the_inventory():
        checkout.run("git", "add", INVENTORY, cwd=checkout.root).succeeded()
        for command in quoted(checkout.in_the_way()[INVENTORY]):
            checkout.run("bash", "-c", command, cwd=checkout.root).succeeded()
        assert INVENTORY not in checkout.in_the_way()

    replace_the_inventory()
    checkout.reaches_the_bastion()
    checkout.init_writes("null", new_folder=True)
    options, stricter, lax = quoted(checkout.in_the_way()[INIT + ":6"])
    checkout.edit(INIT, ("set -e", options), (lax, stricter))
    assert INIT + ":6" not in checkout.in_the_way()

    # The folder does not say yet which side is meant, and by role it is whoever has the role: the guide has the side named.
    (checkout.work / "ansible.properties").unlink()
    checkout.init_stops()
    assert not (checkout.work / "ansible.properties").exists()
    checkout.init_writes(checkout.other_database, "gigadb-roles", "exec", "--role", "hot_standby", "--environment", "live", "--")
    checkout.init_writes(checkout.database, new_folder=True, GIGADB_ENVIRONMENT="live", GIGADB_INFRASTRUCTURE=SIDE)
    checkout.init_writes(checkout.database)
    checkout.init_stops("no connection to EC2", AWS_ENDPOINT_URL="http://127.0.0.1:9", XDG_CACHE_HOME=str(tmp_path / "nothing-known"))
    checkout.init_stops("It would lend one side's secrets to the other", GIGADB_ENVIRONMENT="live", GIGADB_ROLE="hot_standby")
    world.control("POST", "faults", {"effect": "refuse", "api": "gitlab", "path_contains": "/terraform/state/"})
    checkout.init_stops("The Terraform outputs of `gigadb-website` in `live` could not be read")

    # Back, and there again.
    checkout.run("mv", INVENTORY + ".orig", INVENTORY, cwd=checkout.root).succeeded()
    assert checkout.in_the_way()[INVENTORY] == found[INVENTORY]
    assert (checkout.root / INVENTORY).read_text() == THEIRS[INVENTORY]
    checkout.knows(rds_instance_address="of-terraform.example.net")
    checkout.init_writes("of-terraform.example.net")
    checkout.known.unlink()
    replace_the_inventory()

    # What is left is about the jobs of step 8; the copy in the folder follows with the script's next run.
    assert set(checkout.in_the_way()) == {"tools/databaseReset.sh:2"} | {name + line for name in (PLAYBOOK, copied) for line in (":11", ":13")}
    (state,) = [text for text in quoted(found[PLAYBOOK + ":13"]) if text.startswith("state: ")]
    task = re.search(r"    - name: Place the restore\n(      .*\n)+", THEIRS[PLAYBOOK])[0]
    checkout.edit(PLAYBOOK, (task, ""), ("        job:", "        %s\n        job:" % state))
    (checkout.root / "tools" / "databaseReset.sh").unlink()
    assert set(checkout.in_the_way()) == {copied + ":11", copied + ":13"}
    checkout.init_writes(checkout.database)
    assert not checkout.in_the_way()

    checkout.reaches_the_bastion()
    assert "sync_dropbox" not in checkout.crontab.read_text(), "this side is production"
    world.swap()
    checkout.reaches_the_bastion()
    assert "sync_dropbox --apply" in checkout.crontab.read_text(), "this side is the hot standby"
    checkout.init_writes(checkout.database)
