"""A whole release, pause to active, with GigaDB's own playbooks running in between; then the same with the roles the other way round."""

from __future__ import annotations

import datetime

import pytest
from sides import Pair, project
from surroundings import Ansible
from test_beside_their_playbooks import CRONTAB, KEPT, THEIRS, apply, is_ours, their_jobs, their_play
from test_data_sync_jobs import BLUE_IS_PRODUCTION, GREEN_IS_PRODUCTION, HOT_STANDBY, PRODUCTION, matrix

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


def run(pair, ansible, *arguments, roles):
    """Apply data_sync as every team would have it set: with migrations."""
    for side in pair.sides:
        roles[side.color]["data_sync_after_restore"] = ["migrate"]
    return apply(pair, ansible, *arguments, roles=roles).succeeded()


def test_a_release_and_the_next_one_back(pair, collections, tmp_path):
    ansible = Ansible(tmp_path / "home", collections)
    blue, green = pair.sides
    blue.fill_database("panda")
    green.fill_database("panda")
    for side in pair.sides:
        pair.postgres.sql("CREATE TABLE IF NOT EXISTS mark (side text); INSERT INTO mark VALUES ('%s')" % side.color, side.database, user="gigadb")

    roles = {color: dict(variables) for color, variables in BLUE_IS_PRODUCTION.items()}
    run(pair, ansible, roles=roles)
    after = {color: dict(variables) for color, variables in GREEN_IS_PRODUCTION.items()}
    minute = datetime.datetime.now(datetime.timezone.utc)

    for number, (old, new, before, then) in enumerate(((blue, green, roles, after), (green, blue, after, roles))):
        pair.postgres.sql("INSERT INTO dataset (genome) VALUES ('release-%d')" % number, old.database, user="gigadb")
        genomes = old.genomes()
        run(pair, ansible, "-e", "gigadb_data_sync=paused", roles=before)
        assert matrix(pair) == [set(), set()]

        key = (minute - datetime.timedelta(minutes=5 - number)).strftime("%Y%m%d%H%M")
        if key[:8] != minute.strftime("%Y%m%d"):
            key = minute.strftime("%Y%m%d%H%M")
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
        run(pair, ansible, "-e", "gigadb_data_sync=active", roles=then)
        assert matrix(pair) == ([HOT_STANDBY, PRODUCTION] if new is green else [PRODUCTION, HOT_STANDBY])
        for side in pair.sides:
            assert all(is_ours(side, name) for name in ("s3backup", "databaseReset", "sync_dropboxes"))
            assert their_jobs(side) == [KEPT]
        new.run("databaseReset", key).failed("this side is production")

        # the night after: the former production follows the new one
        new.run("s3backup").succeeded()
        old.run("databaseReset").succeeded()
        assert old.genomes() == new.genomes() == [*genomes, "deployed-%d" % number]
    assert {name.split("_live_")[0] for name in pair.dumps()} == {"gigadb_" + project("blue"), "gigadb_" + project("green")}
