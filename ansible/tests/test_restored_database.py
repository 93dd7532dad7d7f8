"""How a restored copy takes the place of the database in use: with what hangs on it, migrated, at the right moment, and truly told."""

from __future__ import annotations

import pytest
from sides import ADDRESSES, project
from test_data_sync_programs import FOUR_PARTS, TODAY

# The settings that hang on a database, as PostgreSQL shows them, whatever its number is.
PROPERTIES = """
SELECT 'acl ' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a), 'none') FROM pg_database WHERE datname = '{0}'
UNION ALL SELECT 'limit ' || datconnlimit FROM pg_database WHERE datname = '{0}'
UNION ALL SELECT 'owner ' || pg_get_userbyid(datdba) || ' ' || datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{0}'
UNION ALL SELECT 'comment ' || shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{0}'
UNION ALL (SELECT 'set ' || coalesce(rolname, 'all') || ' ' || (SELECT array_agg(s ORDER BY s) FROM unnest(setconfig) s)::text
             FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '{0}') ORDER BY 1)
"""


@pytest.fixture
def filled(pair):
    pair.blue.fill_database("panda", "yak")
    pair.green.fill_database("old")
    return pair


@pytest.fixture
def reader(postgres):
    postgres.sql("CREATE ROLE reader LOGIN; CREATE ROLE editor")
    yield "reader"
    postgres.sql("DROP ROLE reader, editor")


def properties(pair, side):
    return pair.postgres.sql(PROPERTIES.format(side.database)).splitlines()


def test_what_hangs_on_the_database_itself_is_the_targets_before_and_after(reader, filled):
    blue, green, sql = filled.blue, filled.green, filled.postgres.sql
    sql(
        """
        REVOKE ALL ON DATABASE "{0}" FROM PUBLIC;
        GRANT CONNECT ON DATABASE "{0}" TO reader WITH GRANT OPTION;
        GRANT TEMPORARY, CREATE ON DATABASE "{0}" TO editor;
        ALTER DATABASE "{0}" CONNECTION LIMIT 17;
        ALTER DATABASE "{0}" SET search_path TO "$user", public, "Odd, schema", "with""quote";
        ALTER DATABASE "{0}" SET statement_timeout = 54321;
        ALTER DATABASE "{0}" SET default_transaction_read_only = on;
        ALTER DATABASE "{0}" SET application_name TO 'it''s = "x, y"';
        ALTER ROLE gigadb IN DATABASE "{0}" SET search_path TO '';
        COMMENT ON DATABASE "{0}" IS 'it''s green';
        """.format(green.database)
    )
    sql('ALTER DATABASE "{0}" CONNECTION LIMIT 3; ALTER DATABASE "{0}" SET lock_timeout = 1'.format(blue.database))
    before = properties(filled, green)
    assert any("Odd, schema" in line for line in before) and "limit 17" in before
    blue.run("s3backup").succeeded()
    for _ in range(2):
        green.run("databaseReset").succeeded()
        assert sql("SELECT genome FROM public.dataset ORDER BY id", green.database).split() == ["panda", "yak"]
        assert properties(filled, green) == before


def test_privileges_on_objects_are_the_targets(reader, filled):
    green, sql = filled.green, filled.postgres.sql
    sql(
        """
        CREATE TABLE gone (id int); GRANT SELECT ON gone TO reader;
        GRANT SELECT ON dataset TO reader; GRANT INSERT (genome) ON dataset TO editor;
        GRANT USAGE ON SCHEMA public TO reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;
        """,
        green.database, user="gigadb",
    )
    kept = """
        SELECT relacl FROM pg_class WHERE relname = 'dataset' UNION ALL SELECT attacl FROM pg_attribute WHERE attacl IS NOT NULL
         AND attrelid = 'dataset'::regclass UNION ALL SELECT defaclacl FROM pg_default_acl"""
    before = sql(kept, green.database)
    assert before.count("reader=") == 2 and "editor=a" in before
    filled.blue.run("s3backup").succeeded()
    done = green.run("databaseReset").succeeded()
    assert sql(kept, green.database) == before
    # what went with its table is told
    assert 'warning: 1 privileges' in done.stderr and 'relation "public.gone" does not exist' in done.stderr


# How the privileges of the database in use fail to be read or given: the program that does so, and its script.
GRANTS_LOST = {
    "refused while read": ("pg_dump", 'case "$*" in *schema-only*) echo "pg_dump: error: No space left on device" >&2; exit 1 ;; esac'),
    "refused while read at the end": ("pg_dump", 'case "$*" in *schema-only*) [[ ! -e $HOME/armed ]] || exit 1; touch "$HOME/armed" ;; esac'),
    "not listed": ("pg_restore", 'case "$*" in *--list*work/*/target) exit 1 ;; esac'),
    "not written": ("pg_restore", 'case "$*" in *--file=*/grants*) exit 1 ;; esac'),
    "nobody says whether there is a database": ("psql", 'case "$*" in *name=%s) exit 2 ;; esac'),
    "no connection while given": ("psql", 'case "$*" in */grants) echo "psql: error: Connection refused" >&2; exit 2 ;; esac'),
    "the session ends while they are given": ("psql", 'case "$*" in */grants) last=${!#}; echo "SELECT pg_terminate_backend(pg_backend_pid());" >"${last#*=}" ;; esac'),
}


@pytest.mark.parametrize("case", GRANTS_LOST)
def test_privileges_that_cannot_be_read_or_given_leave_the_old_database_serving(reader, filled, case):
    green, sql = filled.green, filled.postgres.sql
    sql("GRANT SELECT ON dataset TO reader", green.database, user="gigadb")
    filled.blue.run("s3backup").succeeded()
    program, script = GRANTS_LOST[case]
    green.shadow(program, '%s\nexec "%s" "$@"\n' % (script.replace("%s", green.database), filled.postgres.bin / program))
    before = green.database_id()
    green.run("databaseReset").failed(*FOUR_PARTS, "cannot keep the privileges on the objects of database", status=1)
    assert (green.database_id(), green.databases()) == (before, [green.database])
    assert sql("SELECT has_table_privilege('reader', 'dataset', 'SELECT')", green.database) == "t"


FORBIDDEN = {
    "a table that this user may not read": ("CREATE TABLE theirs (id int)", "permission denied for table theirs"),
    "what another user would give": ("ALTER DEFAULT PRIVILEGES FOR ROLE editor GRANT SELECT ON TABLES TO reader", "permission denied"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_privileges_that_this_user_may_not_keep_stop_the_restore_before_it_begins(reader, filled, case):
    green = filled.green
    statement, words = FORBIDDEN[case]
    filled.postgres.sql(statement, green.database)
    filled.blue.run("s3backup").succeeded()
    green.shadow("pg_restore", 'case "$*" in *--exit-on-error*) touch "$HOME/begun" ;; esac\nexec "%s" "$@"\n' % (filled.postgres.bin / "pg_restore"))
    before = green.database_id()
    green.run("databaseReset").failed(*FOUR_PARTS, "cannot keep the privileges on the objects", words, status=1)
    assert (green.database_id(), green.databases()) == (before, [green.database])
    assert not (green.root / "begun").exists()
    filled.postgres.sql("DROP OWNED BY reader", green.database)


def test_a_privilege_that_its_holder_gave_on_is_kept(reader, filled):
    green, sql = filled.green, filled.postgres.sql
    sql("GRANT SELECT ON dataset TO reader WITH GRANT OPTION; SET ROLE reader; GRANT SELECT ON dataset TO editor", green.database)
    filled.blue.run("s3backup").succeeded()
    assert "privileges" not in green.run("databaseReset").succeeded().stderr
    assert sql("SELECT has_table_privilege('editor', 'dataset', 'SELECT')", green.database) == "t"


def test_a_setting_that_cannot_be_kept_stops_the_restore_before_it_begins(reader, filled):
    green = filled.green
    filled.postgres.sql('ALTER ROLE reader IN DATABASE "%s" SET work_mem = 65536' % green.database)
    filled.blue.run("s3backup").succeeded()
    before = (green.database_id(), properties(filled, green))
    green.run("databaseReset").failed(*FOUR_PARTS, "cannot keep the privileges, limit and settings", "permission denied", status=1)
    assert (green.database_id(), properties(filled, green)) == before
    assert green.databases() == [green.database]


# --- the command after the restore


def migrate(side, script):
    side.settings("AFTER_RESTORE=(migrate --all 'two words')")
    return side.shadow("migrate", script)


def test_migrations_run_on_the_copy_before_it_is_put_in_place(filled):
    green = filled.green
    filled.postgres.sql('ALTER DATABASE "{0}" SET default_transaction_read_only = on; ALTER DATABASE "{0}" CONNECTION LIMIT 2'.format(green.database))
    filled.blue.run("s3backup").succeeded()
    migrate(
        green,
        'printf "%s|" "$@" "$GIGADB_DATABASE" "$GIGADB_KEY" "$GIGADB_ENVIRONMENT" "$PGDATABASE" >"$HOME/asked"\n'
        'psql -XqAtc "SELECT datname FROM pg_database WHERE datname LIKE \'$GIGADB_DATABASE%\' AND datconnlimit = CASE datname WHEN \'$GIGADB_DATABASE\' THEN 2 ELSE -1 END" postgres >"$HOME/then"\n'
        'exec psql -Xqc "ALTER TABLE dataset ADD migrated bool DEFAULT true" 2>&1\n',
    )
    green.run("databaseReset").succeeded()
    asked = (green.root / "asked").read_text()
    assert asked == "--all|two words|%s|%s|live|%s_restoring|" % (green.database, TODAY, green.database)
    assert sorted((green.root / "then").read_text().split()) == [green.database, green.database + "_restoring"]
    assert filled.postgres.sql("SELECT genome, migrated FROM dataset WHERE id = 1", green.database) == "panda|t"


def test_migrations_that_fail_leave_the_old_database_serving(filled):
    green = filled.green
    filled.blue.run("s3backup").succeeded()
    migrate(green, 'psql -Xqc "DROP TABLE dataset"; echo "m240101_x failed"; exit 7\n')
    before = green.database_id()
    done = green.run("databaseReset").failed(*FOUR_PARTS, "ended with 7 on the restored copy", status=1)
    assert "m240101_x failed" in done.stdout
    assert (green.database_id(), green.genomes(), green.databases()) == (before, ["old"], [green.database])


@pytest.mark.parametrize("answer, words", [(ADDRESSES["green"], "this side is production"), ("198.51.100.7", "not clear"), ("", "has no address")])
def test_a_swap_during_the_migrations_stops_it_before_the_point_of_no_return(filled, answer, words):
    green = filled.green
    filled.blue.run("s3backup").succeeded()
    migrate(green, filled.then_answer(answer) + "\n")
    before = green.database_id()
    green.run("databaseReset").failed(*FOUR_PARTS, words, status=1)
    assert (green.database_id(), green.databases()) == (before, [green.database])


def test_the_role_is_asked_again_before_each_attempt_to_rename(filled):
    green = filled.green
    filled.blue.run("s3backup").succeeded()
    # the first attempt is refused by the server, and a swap happens meanwhile
    real = filled.postgres.bin / "psql"
    green.shadow(
        "psql",
        'case ${PGAPPNAME:-} in databaseReset-*) %s; echo "ERROR: is being accessed by other users" >&2; exit 3 ;; esac\nexec "%s" "$@"\n'
        % (filled.then_answer(ADDRESSES["green"]), real),
    )
    before = green.database_id()
    green.run("databaseReset").failed(*FOUR_PARTS, "this side is production", status=1)
    assert (green.database_id(), green.databases()) == (before, [green.database])


# --- a reply that is lost


def renames(pair, script):
    """Make the renames go by this script, which has the real psql in `real` and says `lost` of a connection."""
    pair.green.settings("RECONNECT_SECONDS=1")
    return pair.green.shadow(
        "psql",
        'real=%s\nlost() { echo "server closed the connection unexpectedly" >&2; exit 2; }\n'
        '[[ ! -e $HOME/gone ]] || lost\n'
        'case ${PGAPPNAME:-} in databaseReset-*)\n%s\n;; esac\nexec "$real" "$@"\n' % (pair.postgres.bin / "psql", script),
    )


def test_a_reply_lost_after_the_commit_is_told_as_what_it_is(filled):
    filled.blue.run("s3backup").succeeded()
    renames(filled, '"$real" "$@" || exit\nlost')
    done = filled.green.run("databaseReset").succeeded()
    assert "a second look shows that they were done" in done.stderr
    assert "now holds" in done.stdout
    assert filled.green.genomes() == ["panda", "yak"]
    assert filled.green.databases() == [filled.green.database, filled.green.database + "_previous"]


def test_a_connection_lost_before_the_commit_is_tried_again(filled):
    filled.blue.run("s3backup").succeeded()
    renames(
        filled,
        'if [[ ! -e $HOME/tried ]]; then\n'
        '    touch "$HOME/tried"\n'
        '    sed "s/^COMMIT;/SELECT pg_terminate_backend(pg_backend_pid());/" | "$real" "$@"\n    exit\nfi',
    )
    done = filled.green.run("databaseReset").succeeded()
    assert "second look" not in done.stderr and (filled.green.root / "tried").exists()
    assert filled.green.genomes() == ["panda", "yak"]


@pytest.mark.parametrize("committed", [True, False])
def test_where_nobody_can_be_asked_it_says_that_it_does_not_know(filled, committed):
    filled.blue.run("s3backup").succeeded()
    before = filled.green.database_id()
    renames(filled, '%s "$real" "$@" || exit\ntouch "$HOME/gone"\nlost' % ("" if committed else "sed /^COMMIT/d |"))
    done = filled.green.run("databaseReset").failed(
        "it is not known whether", "changed: perhaps database " + filled.green.database, "SELECT oid, datname", status=1
    )
    assert "not changed: database" not in done.stderr
    assert (filled.green.database_id() != before) == committed


def test_a_failed_rename_keeps_the_older_copy(filled):
    green = filled.green
    filled.blue.run("s3backup").succeeded()
    green.run("databaseReset").succeeded()
    before = filled.postgres.sql("SELECT oid, datname FROM pg_database WHERE datname LIKE '%s%%' ORDER BY 1" % green.database)
    renames(filled, 'echo "ERROR: no" >&2; exit 3')
    green.run("databaseReset").failed(*FOUR_PARTS, "could not rename", "ERROR: no", status=1)
    assert filled.postgres.sql("SELECT oid, datname FROM pg_database WHERE datname LIKE '%s%%' ORDER BY 1" % green.database) == before


# --- the checksum


@pytest.mark.parametrize("words", ["lsf*.sha256*|lsf*.dump\\**", "cat*.sha256"])
def test_a_checksum_that_could_not_be_asked_for_stops_the_restore(filled, words):
    filled.blue.run("s3backup").succeeded()
    dump = filled.dump("blue", TODAY)
    filled.blue.fill_database("forged")
    filled.blue.run("s3backup", "202401010000").succeeded()
    dump.write_bytes(filled.dump("blue", "202401010000").read_bytes())
    filled.green.shadow("rclone", 'case "$*" in %s) echo "503 Slow Down" >&2; exit 1 ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n' % words)
    filled.green.run("databaseReset", TODAY).failed(*FOUR_PARTS, "could not", status=1)
    assert filled.green.genomes() == ["old"]


def test_a_dump_of_ours_without_its_checksum_is_not_restored_and_one_of_other_tools_is(filled):
    filled.blue.run("s3backup").succeeded()
    dump = filled.dump("blue", TODAY)
    dump.with_name(dump.name + ".sha256").unlink()
    filled.green.run("databaseReset").failed(*FOUR_PARTS, "it has no checksum", status=1)
    dump.rename(dump.with_suffix(".backup"))
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["panda", "yak"]


# --- the dumps that are written


def test_no_dump_is_written_over_another_days_nor_over_other_tools(filled):
    blue = filled.blue
    filled.others_dump("blue", TODAY).write_text("other tools'")
    blue.run("s3backup").succeeded()
    assert filled.others_dump("blue", TODAY).read_text() == "other tools'"
    assert filled.dumps()[0] == "gigadb_%s_live_%s.backup" % (project("blue"), TODAY)

    for key in ("20240101", "202401012200"):
        blue.run("s3backup", key).succeeded()
        kept = [filled.dump("blue", key).read_bytes(), filled.dump("blue", key).with_suffix(".dump.sha256").read_bytes()]
        blue.fill_database("bad")
        blue.run("s3backup", key).failed(*FOUR_PARTS, "over the dump of another day", key, status=1)
        assert [filled.dump("blue", key).read_bytes(), filled.dump("blue", key).with_suffix(".dump.sha256").read_bytes()] == kept
    # today's may be written again
    blue.run("s3backup").succeeded()
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["bad"]


def test_a_bucket_that_cannot_be_listed_is_not_written_to(filled):
    filled.blue.shadow("rclone", 'case $1 in lsf) exit 1 ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n')
    filled.blue.run("s3backup", "20240101").failed(*FOUR_PARTS, "could not see whether", status=1)
    assert filled.dumps() == []


def test_a_swap_during_the_dump_writes_nothing(filled):
    real = filled.postgres.bin / "pg_dump"
    filled.blue.shadow("pg_dump", '"%s" "$@"; %s\n' % (real, filled.then_answer(ADDRESSES["green"])))
    filled.blue.run("s3backup").failed(*FOUR_PARTS, "not known to be production", status=1)
    assert filled.dumps() == []


# --- by hand


def test_while_paused_only_a_dump_that_is_named_is_restored(filled):
    filled.blue.run("s3backup").succeeded()
    (filled.green.root / "state" / "paused").touch()
    for words in ((), ("latest",)):
        filled.green.run("databaseReset", *words).failed(*FOUR_PARTS, "jobs are paused since", status=1)
    assert filled.green.genomes() == ["old"]
    filled.green.run("databaseReset", TODAY).succeeded()
    assert filled.green.genomes() == ["panda", "yak"]
