"""A whole release, pause to active, with GigaDB's own playbooks running in between; then the same with the roles the other way round.

What of it may differ with ansible-core is in test_data_sync_jobs.py and test_beside_their_playbooks.py, which run with each.
"""

from __future__ import annotations

import datetime
import json

import pytest
from sides import Pair, project
from surroundings import Ansible, plain, run
from test_beside_their_playbooks import CRONTAB, KEPT, REPLACED, THEIRS, apply, is_ours, their_jobs, their_play, with_crontab
from test_data_sync_jobs import GREEN_IS_PRODUCTION, HOT_STANDBY, PRODUCTION, changed, matrix
from worlds import NEEDS_PROGRAMS, PROGRAM

pytestmark = NEEDS_PROGRAMS

# The sides of the simulated world, which say the roles.
SIDES = {"blue": "gigadb-website", "green": "alt-gigadb-website"}
BY_ROLE = ("gigadb_role", "reset_database_cronjob_state", "upload_database_backup_to_S3_cronjob_state", "sync_dropboxes_cronjob_state")

FOREIGN = "#!/bin/sh\necho a program of somebody else, about databases\n"

MIGRATE = """
[[ $PGDATABASE == "${GIGADB_DATABASE}_restoring" ]] || exit 9
exec psql -XqAtc "ALTER TABLE dataset ADD COLUMN IF NOT EXISTS schema text DEFAULT 'new'"
"""

# Their bastion playbook in shape: it copies a script over our link, and sets jobs by the states that the inventory gives.
RESTORE, DUMP = REPLACED[:2]
THEIR_PLAYBOOK = [{
    "hosts": "endpoint_bastion", "gather_facts": False,
    "tasks": [
        {"ansible.builtin.copy": {"src": "databaseReset.sh", "dest": "{{ data_sync_link_directory }}/databaseReset", "mode": "0755"}},
        *(
            {"ansible.builtin.cron": {"name": name, "user": "{{ gigadb_infrastructure }}", "hour": "10", "minute": "05", "job": "/usr/local/bin/" + program, "state": state}}
            for name, program, state in (
                (RESTORE, "databaseReset", "{{ reset_database_cronjob_state }}"),
                (DUMP, "s3backup", "{{ upload_database_backup_to_S3_cronjob_state }}"),
                (KEPT, "refresh", "present"),
            )
        ),
    ],
}]


@pytest.fixture
def pair(tmp_path, collections, postgres):
    pair = Pair(tmp_path / "pair", postgres, "release")
    pair.make_folders()
    machine = pair.root / "machine"
    machine.mkdir()
    (machine / "crontab").write_text(CRONTAB % pair.root)
    (machine / "crontab").chmod(0o755)
    pair.production_is("blue")
    for side in pair.sides:
        side.shadow("migrate", MIGRATE)
    yield pair
    pair.drop_databases()


def by_inventory(world):
    """What the real inventory says of each side's bastion by its role; with migrations, as every team would have it set."""
    done = run([PROGRAM, "inventory", "--list", "--environment", "live"], world.environment | {"HOME": str(world.files)})
    hosts = json.loads(done.succeeded().stdout, object_hook=plain)["_meta"]["hostvars"]
    found = {color: hosts["%s-live-bastion" % side] for color, side in SIDES.items()}
    return {color: {name: variables[name] for name in BY_ROLE} | {"data_sync_after_restore": ["migrate"]} for color, variables in found.items()}


def gitlab_variables(world, *left_out):
    """Of every project, but for those of some names."""
    projects = world.world()["gitlab"]["projects"]
    return [[row for row in project["variables"] if row["key"] not in left_out] for project in projects]


# What a swap trades.
TRADED = ("HOME_URL", "REMOTE_HOME_URL", "REMOTE_HOSTNAME", "remote_fileserver_hostname")


def swap(world):
    command = [PROGRAM, "swap", "--environment", "live", "--yes", "--https-check", "off"]
    run(command, world.environment | {"HOME": str(world.files)}).succeeded()


def provision(pair, ansible, world):
    """Run their playbook over both sides; the program and the jobs are theirs then."""
    (pair.root / "databaseReset.sh").write_text(THEIRS["uses images"])
    (pair.root / "bastion_playbook.yml").write_text(json.dumps(THEIR_PLAYBOOK))
    roles = by_inventory(world)
    inventory = pair.inventory(**with_crontab(pair, roles))
    ansible.playbook(pair.root / "bastion_playbook.yml", "-i", inventory).succeeded()
    for side in pair.sides:
        assert not is_ours(side, "databaseReset")
        assert set(their_jobs(side)) == {KEPT, RESTORE if roles[side.color]["gigadb_role"] == "hot_standby" else DUMP}


def test_a_release_and_the_next_one_back(pair, collections, tmp_path, world):
    ansible = Ansible(tmp_path / "home", collections)
    blue, green = pair.sides
    blue.fill_database("panda")
    green.fill_database("panda")
    for side in pair.sides:
        pair.postgres.sql("CREATE TABLE IF NOT EXISTS mark (side text); INSERT INTO mark VALUES ('%s')" % side.color, side.database, user="gigadb")

    variables, others = gitlab_variables(world), gitlab_variables(world, *TRADED)
    # adopted: what theirs has set before is taken over
    apply(pair, ansible, roles=by_inventory(world)).succeeded()
    assert matrix(pair) == [PRODUCTION, HOT_STANDBY]

    for number, (old, new) in enumerate(((blue, green), (green, blue))):
        pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('release-%d')" % number, old.database, user="gigadb")
        genomes = old.genomes()
        provision(pair, ansible, world)
        apply(pair, ansible, "-e", "gigadb_data_sync=paused", roles=by_inventory(world)).succeeded()
        assert matrix(pair) == [set(), set()]
        assert all(is_ours(side, "databaseReset") for side in pair.sides)

        key = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M")
        old.run("s3backup", key).succeeded()
        new.run("databaseReset", key).succeeded()
        assert new.genomes() == genomes
        assert pair.postgres.sql("SELECT DISTINCT schema FROM dataset", new.database) == "new"
        # neither a nightly job nor theirs takes the release away again
        new.run("databaseReset").failed("jobs are paused since")

        # the deployment, and the swap; then the files playbook is due, and whoever runs it runs the bastion's too
        pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('deployed-%d')" % number, new.database, user="gigadb")
        pair.production_is(new.color)
        swap(world)
        provision(pair, ansible, world)
        apply(pair, ansible, "-e", "gigadb_data_sync=active", roles=by_inventory(world)).succeeded()
        assert matrix(pair) == ([HOT_STANDBY, PRODUCTION] if new is green else [PRODUCTION, HOT_STANDBY])
        for side in pair.sides:
            assert all(is_ours(side, name) for name in ("s3backup", "databaseReset", "sync_dropboxes"))
            assert their_jobs(side) == [KEPT]
        new.run("databaseReset", key).failed("this side is production")
        assert gitlab_variables(world, *TRADED) == others

        # the night after: the former production follows the new one
        new.run("s3backup").succeeded()
        old.run("databaseReset").succeeded()
        assert old.genomes() == new.genomes() == [*genomes, "deployed-%d" % number]
        assert pair.postgres.sql("SELECT side FROM mark", old.database) == pair.postgres.sql("SELECT side FROM mark", new.database) == "blue"
    assert gitlab_variables(world) == variables
    assert {name.split("_live_")[0] for name in pair.dumps()} == {"gigadb_" + project("blue"), "gigadb_" + project("green")}


def test_their_provisioning_between_pause_and_swap_leaves_nothing_behind(pair, ansible):
    for side in pair.sides:
        their_play(side, THEIRS["uses images"])
    foreign = pair.green.root / "bin" / "s3backup"
    foreign.write_text(FOREIGN)

    done = apply(pair, ansible).succeeded()
    assert matrix(pair) == [PRODUCTION, HOT_STANDBY]
    assert all(is_ours(side, "databaseReset") for side in pair.sides)
    assert (pair.blue.programs / "databaseReset.replaced").read_text() == THEIRS["uses images"]
    # what is nobody's stays, is no failure, and is told
    assert foreign.read_text() == FOREIGN
    assert "WARNING: %s is not known" % foreign in " ".join(done.stdout.split())
    assert [their_jobs(side) for side in pair.sides] == [[KEPT], [KEPT]]
    assert changed(apply(pair, ansible)) == 0

    assert "PAUSED" in apply(pair, ansible, "-e", "gigadb_data_sync=paused").stdout
    their_play(pair.green)
    done = apply(pair, ansible, "-e", "gigadb_data_sync=active", roles=GREEN_IS_PRODUCTION).succeeded()
    assert matrix(pair) == [HOT_STANDBY, PRODUCTION]
    assert is_ours(pair.green, "databaseReset")
    assert their_jobs(pair.green) == [KEPT]
    assert "green-live-bastion is production of live; its jobs: s3backup." in " ".join(done.stdout.split())
