"""The guides as one story in one folder: a first swap, a release that goes well, one that goes back, and an incident.

Terraform, Ansible and PostgreSQL are the real ones, and `gigadb-roles release` runs the collection's own commands.
"""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
from sides import Pair, project
from surroundings import COLLECTION, Ansible, run
from test_data_sync_jobs import HOT_STANDBY, PRODUCTION, matrix
from test_guide import GUIDE, blocks, blocks_in
from worlds import NEEDS_PROGRAMS, PROGRAMS

TERRAFORM = os.environ.get("GIGADB_TERRAFORM")
pytestmark = [NEEDS_PROGRAMS, pytest.mark.skipif(not TERRAFORM, reason="GIGADB_TERRAFORM does not say where Terraform is")]

UPSTREAM, ALT = "gigadb-website", "alt-gigadb-website"
SIDES = {"blue": UPSTREAM, "green": ALT}

# The operator at a terminal: what is asked there is answered, jobs are looked at more often than every few seconds, and
# a plan, a review and an apply end as they do where something would change and where something is owed.
AT_THE_TERMINAL = """
gigadb-roles() {
    case "$1 $2" in "release next") set -- "$@" --yes --interval 0.05 ;; esac
    local code=0
    command gigadb-roles "$@" || code=$?
    case $1 in plan | review) test $code -eq 2 ;; apply) test $code -eq 3 ;; *) return $code ;; esac
}
export TF_CLI_ARGS_apply=-auto-approve
"""

# Where the sites of the playground listen at another port than probes ask, a person looks and says so; elsewhere nobody need.
PROBES = {"# probe\n": '[ "${GIGADB_HTTPS_CHECK:-}" = off ] || ', "release confirm probe ": '[ "${GIGADB_HTTPS_CHECK:-}" != off ] || '}

# What the bastions' name server would say: the simulated one gives no addresses of the sides for a record that is proxied.
RESOLVER = """#!%s
import json, os, urllib.request

world = json.load(urllib.request.urlopen(os.environ["SIMULATOR"] + "/world"))
records = [record for zone in world["cloudflare"]["zones"] for record in zone["records"]]
print(*(record["content"] for record in records if (record["type"], record["name"]) == ("A", "gigadb.org")), sep="\\n")
"""

# Modules find programs where those of their own machine are.
PYTHON = """#!/bin/sh
PATH=%s:$PATH
export PATH
exec %s "$@"
"""

# The region of the lost side answers nobody, nor does its project. A block, because faults end with the shell, as does
# what was remembered on the good day: the interfaces have other addresses in the next one.
LOST = """
```sh
curl --fail --silent --show-error --data '%s' "$SIMULATOR/faults"
```
""" % json.dumps([
    {"effect": "reset_before_commit", "api": "ec2", "region": "ap-east-1", "times": None},
    {"effect": "reset_before_commit", "api": "gitlab", "path_contains": "/gigadb-website", "times": None},
])


def page(name):
    return (COLLECTION.parent / "docs" / "guides" / name).read_text()


def without(text, *sections):
    """A page without the sections whose titles begin so."""
    for section in sections:
        text, found = re.subn(r"^## %s.*?(?=^## |\Z)" % re.escape(section), "", text, flags=re.MULTILINE | re.DOTALL)
        assert found == 1, section
    return text


def in_parts(text, *sections):
    """A page, cut before each of the sections whose titles begin so."""
    parts = re.split("^(?=%s)" % "|".join("## " + re.escape(section) for section in sections), text, flags=re.MULTILINE)
    assert len(parts) == len(sections) + 1
    return parts


def mirrored(text):
    """A page for a day on which the other side is production: names of sides are traded where they are values."""
    return re.sub(r'"(alt-)?gigadb-website"', lambda found: '"%s"' % (UPSTREAM if found[1] else ALT), text)


def patched(text, diff):
    """The text after a diff, whose place must be clear in it."""
    old, new = ("".join(line[1:] + "\n" for line in diff.splitlines() if not line.startswith(sign)) for sign in "+-")
    assert text.count(old) == 1, "it is not clear where this is:\n%s\nin\n%s" % (old, text)
    return text.replace(old, new)


class Operator:
    """Somebody who follows the guides in one playground, one after the other."""

    def __init__(self, root, ansible, pair):
        self.folder = root / "walk"
        programs = root / "programs"
        programs.mkdir()
        (programs / "terraform").symlink_to(TERRAFORM)
        self.environment = ansible.environment | {"PATH": "%s:%s" % (programs, ansible.environment["PATH"])}
        self.simulator = os.environ.get("GIGADB_SIMULATOR") or os.path.join(PROGRAMS, "gigadb-simulator")
        self.runs("gigadb-roles status")
        self.writes_inventory(pair)

    def writes_inventory(self, pair):
        """Write the inventory as its guide shows it; both bastions are on this machine, each in a folder of its own."""
        (text,) = [text for language, text in blocks(GUIDE) if text.startswith("# live.gigadb.yml")]
        (self.folder / "live.gigadb.yml").write_text(text)
        (self.folder / "host_vars").mkdir()
        pair.resolver.write_text(RESOLVER % sys.executable)
        dropboxes = {project(SIDES[side.color]): str(side.dropboxes) for side in pair.sides}
        for side in pair.sides:
            python = side.root / "python"
            python.write_text(PYTHON % (side.root / "bin", sys.executable))
            python.chmod(0o755)
            variables = {name: value for name, value in pair.host_variables(side).items() if name.startswith(("ansible_", "data_sync_", "pg_"))}
            # The inventory's.
            del variables["data_sync_apex"]
            variables |= {"ansible_become": False, "ansible_python_interpreter": str(python), "data_sync_dropboxes": dropboxes}
            (self.folder / "host_vars" / ("%s-live-bastion.yml" % SIDES[side.color])).write_text(json.dumps(variables))

    def runs(self, script):
        """Run lines in the playground, which outlasts them."""
        command = [self.simulator, "play", self.folder, "--latency", "0", "--", "bash", "-e", "-o", "pipefail", "-c", AT_THE_TERMINAL + script]
        return run(command, self.environment, self.folder.parent).succeeded()

    def follows(self, text, **variables):
        """Follow a page, block by block, in a shell that has these variables; return what was said, in one line."""
        exported = "".join("export %s=%s\n" % variable for variable in variables.items())
        said, lines = "", exported
        for language, block in blocks_in(text):
            if language in ("sh", "shell"):
                if "export CLOUDFLARE_API_TOKEN=..." in block:
                    # set in the playground
                    continue
                lines += "".join(condition for words, condition in PROBES.items() if words in block) + block
                continue
            said += self.runs(lines).text
            lines = exported
            if language == "diff":
                self.edits("main.tf", lambda text, block=block: patched(text, block))
            elif language == "yaml":
                self.edits("topology.yaml", lambda text, block=block: text + block)
            else:
                pytest.fail("nobody knows how to run %s" % language)
        said += self.runs(lines).text
        return " ".join(said.split())

    def edits(self, name, change):
        file = self.folder / name
        file.write_text(change(file.read_text()))

    def edits_world(self, change):
        """Change the world that the next lines are run in."""

        def edit(text):
            world = json.loads(text)
            change(world)
            return json.dumps(world)

        self.edits(".playground/world.json", edit)

    def sees(self, production):
        """The roles are so by the records, and by Terraform nothing is to be done."""
        said = self.runs("gigadb-roles status --environment live; terraform plan").stdout
        assert re.findall(r"^live +consistent +(production|hot standby) +(\S+)", said, re.MULTILINE) == [
            ("production", production), ("hot standby", ALT if production == UPSTREAM else UPSTREAM),
        ]
        assert "No changes" in said


def with_release(old, new):
    """A change of the world: the pipelines of a release again, for the next one."""

    def change(world):
        for place in world["gitlab"]["projects"]:
            (pipeline,) = [pipeline for pipeline in place["pipelines"] if pipeline["ref"] == old]
            number = pipeline["id"] + 1
            place["pipelines"].append(pipeline | {"id": number, "ref": new, "status": "manual"})
            for job in [job for job in place["jobs"] if job["pipeline"] == pipeline["id"] and not job["retried"]]:
                status = "created" if job["run"]["needs"] else "manual"
                place["jobs"].append(job | {"id": job["id"] + 500, "pipeline": number, "status": status, "run": job["run"] | {"seen": 0}})

    return change


@pytest.fixture
def pair(tmp_path, postgres):
    pair = Pair(tmp_path / "pair", postgres, "walk")
    pair.make_folders()
    yield pair
    pair.drop_databases()


def insert(side, genome):
    side.pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('%s')" % genome, side.database, user="gigadb")


def identities(pair):
    """Which databases the sides have, whatever is in them."""
    return [side.database_id() for side in pair.sides]


def test_the_guides_are_walked_one_after_the_other(tmp_path, collections, pair):
    upstream, alt = pair.sides
    upstream.fill_database("panda")
    alt.fill_database("panda", "before-the-first-release")
    operator = Operator(tmp_path, Ansible(tmp_path / "home", collections), pair)

    operator.follows(page("first-swap.md"))
    operator.sees(production=ALT)

    # A release that goes well, on a day on which alt-gigadb-website is production.
    guide = page("blue-green-release.md")
    before = identities(pair)
    until_restored, then = in_parts(mirrored(without(guide, "B:", "Out of reach")), "3. ")
    operator.follows(until_restored)
    assert upstream.genomes() == ["panda", "before-the-first-release"]
    # The programs are there: from here on the playbook looks at the jobs alone, which is half the time.
    operator.environment["ANSIBLE_SKIP_TAGS"] = "data_sync_programs"
    insert(upstream, "deployed")
    assert "Release `v4.4.0` is finished." in operator.follows(then)
    operator.sees(production=UPSTREAM)
    assert matrix(pair) == [PRODUCTION, HOT_STANDBY]
    assert [here == there for here, there in zip(before, identities(pair))] == [False, True]
    assert upstream.genomes() == ["panda", "before-the-first-release", "deployed"]

    # The next one goes back; gigadb-website is production, as on the page.
    operator.edits_world(with_release("v4.4.0", "v4.5.0"))
    before = identities(pair)
    until_restored, until_swapped, then = in_parts(without(guide, "Once", "A:", "Out of reach").replace("v4.4.0", "v4.5.0"), "3. ", "B:")
    operator.follows(until_restored)
    assert matrix(pair) == [set(), set()]
    assert alt.genomes() == ["panda", "before-the-first-release", "deployed"]
    operator.follows(until_swapped)
    operator.sees(production=ALT)
    insert(alt, "written-in-between")
    assert "Release `v4.5.0` is finished." in operator.follows(then)
    operator.sees(production=UPSTREAM)
    assert matrix(pair) == [PRODUCTION, HOT_STANDBY]
    assert [here == there for here, there in zip(before, identities(pair))] == [True, False]
    assert [len(side.genomes()) for side in pair.sides] == [3, 4]
    # One dump a release, each of the side that was production.
    assert [name.split("_live_")[0] for name in pair.dumps() if name.endswith(".dump")] == ["gigadb_" + project(side) for side in (ALT, UPSTREAM)]

    # gigadb-website is lost in the night.
    before = identities(pair)
    good_day, night, morning = in_parts(without(page("incident-failover.md"), "Where `gigadb-roles` is out of reach"), "At 3 a.m.", "In the morning")
    # by then nothing that was remembered is new
    said = operator.follows(good_day + LOST + night, GIGADB_MAX_AGE=0)
    assert "hosts are listed as they were last known" in said
    assert "4 items are owed" in said
    assert matrix(pair) == [PRODUCTION, set()]
    runs = json.loads(operator.runs("gigadb-roles history --environment live --format json").stdout)["runs"]
    said = operator.follows(morning, RUN=runs[0]["id"])
    assert "roles were traded outside Terraform: writes nothing" in said
    operator.sees(production=ALT)
    assert matrix(pair) == [set(), set()]
    assert identities(pair) == before
