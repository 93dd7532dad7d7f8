"""A whole release, pause to active, with GigaDB's own playbooks running in between; then the same with the roles the other way round."""

from __future__ import annotations

import datetime
import json

import pytest
from sides import Pair, project
from surroundings import Ansible, plain, run
from test_beside_their_playbooks import CRONTAB, KEPT, THEIRS, apply, is_ours, their_jobs, their_play
from test_data_sync_jobs import HOT_STANDBY, PRODUCTION, matrix
from worlds import NEEDS_PROGRAMS, PROGRAM

pytestmark = NEEDS_PROGRAMS

# The sides of the simulated world, which say the roles.
SIDES = {"blue": "gigadb-website", "green": "alt-gigadb-website"}
BY_ROLE = ("gigadb_role", "reset_database_cronjob_state", "upload_database_backup_to_S3_cronjob_state", "sync_dropboxes_cronjob_state")

MIGRATE = """
[[ $PGDATABASE == "${GIGADB_DATABASE}_restoring" ]] || exit 9
exec psql -XqAtc "ALTER TABLE dataset ADD COLUMN IF NOT EXISTS schema text DEFAULT 'new'"
"""


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


def gitlab_variables(world):
    return [project["variables"] for project in world.world()["gitlab"]["projects"]]


def test_a_release_and_the_next_one_back(pair, collections, tmp_path, world):
    ansible = Ansible(tmp_path / "home", collections)
    blue, green = pair.sides
    blue.fill_database("panda")
    green.fill_database("panda")
    for side in pair.sides:
        pair.postgres.sql("CREATE TABLE IF NOT EXISTS mark (side text); INSERT INTO mark VALUES ('%s')" % side.color, side.database, user="gigadb")

    variables = gitlab_variables(world)
    apply(pair, ansible, roles=by_inventory(world)).succeeded()
    assert matrix(pair) == [PRODUCTION, HOT_STANDBY]

    for number, (old, new) in enumerate(((blue, green), (green, blue))):
        pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('release-%d')" % number, old.database, user="gigadb")
        genomes = old.genomes()
        apply(pair, ansible, "-e", "gigadb_data_sync=paused", roles=by_inventory(world)).succeeded()
        assert matrix(pair) == [set(), set()]

        key = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M")
        old.run("s3backup", key).succeeded()
        new.run("databaseReset", key).succeeded()
        assert new.genomes() == genomes
        assert pair.postgres.sql("SELECT DISTINCT schema FROM dataset", new.database) == "new"
        # neither a nightly job nor theirs takes the release away again
        new.run("databaseReset").failed("jobs are paused since")

        # their provisioning of both sides, and the deployment
        for side in pair.sides:
            their_play(side, THEIRS["uses images"])
        pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('deployed-%d')" % number, new.database, user="gigadb")

        pair.production_is(new.color)
        world.swap()
        apply(pair, ansible, "-e", "gigadb_data_sync=active", roles=by_inventory(world)).succeeded()
        assert matrix(pair) == ([HOT_STANDBY, PRODUCTION] if new is green else [PRODUCTION, HOT_STANDBY])
        for side in pair.sides:
            assert all(is_ours(side, name) for name in ("s3backup", "databaseReset", "sync_dropboxes"))
            assert their_jobs(side) == [KEPT]
        new.run("databaseReset", key).failed("this side is production")

        # the night after: the former production follows the new one
        new.run("s3backup").succeeded()
        old.run("databaseReset").succeeded()
        assert old.genomes() == new.genomes() == [*genomes, "deployed-%d" % number]
        assert pair.postgres.sql("SELECT side FROM mark", old.database) == pair.postgres.sql("SELECT side FROM mark", new.database) == "blue"
    assert gitlab_variables(world) == variables
    assert {name.split("_live_")[0] for name in pair.dumps()} == {"gigadb_" + project("blue"), "gigadb_" + project("green")}
