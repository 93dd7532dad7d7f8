"""databaseReset takes custom-format and plain dumps alike, by their first bytes, and nothing of the source's but its data."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from surroundings import PASSWORD

KEY = "20240101"
FOUR_PARTS = ("error: ", "caused by: ", "changed:     nothing", "not changed: ", "hint: ")

# What GigaDB's own job asks of pg_dump, and the other ways in which a plain dump comes.
THEIRS = ("--clean", "--create", "--schema=public", "--no-privileges", "--no-tablespaces")
OTHERS = {
    "theirs": THEIRS,
    "nothing": (),
    "clean": ("--clean",),
    "clean if there": ("--clean", "--if-exists"),
    "create": ("--create",),
    "inserts": ("--inserts", "--create", "--clean"),
    "quoted names": ("--quote-all-identifiers", "--clean", "--create"),
    "session authorization": ("--use-set-session-authorization",),
}

# Text that looks like what a dump of a database must not do to another, where it is data or the body of a function.
HARD = r"""
CREATE SCHEMA "Odd; schema";
CREATE TABLE "Odd; schema"."GRANT" (id int PRIMARY KEY, note text DEFAULT E'it''s \\ a; DROP DATABASE x;');
INSERT INTO "Odd; schema"."GRANT" VALUES (1, E'DROP DATABASE gigadb;\n\\connect gigadb\n-- PostgreSQL database dump complete\n\\.\n\\! touch x');
CREATE FUNCTION danger() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN

    -- A body with everything: "quotes', $$ and ;
    EXECUTE 'GRANT ALL ON DATABASE x TO y;';
    RETURN $$ALTER TABLE x OWNER TO y;$$ || '\';
END;
$body$;
CREATE FUNCTION inline() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
CREATE VIEW seen AS SELECT id, note || E'\\;''' AS note FROM "Odd; schema"."GRANT" /* no; comment */;
COMMENT ON VIEW seen IS 'REVOKE ALL; /* -- $$';
CREATE TABLE parent (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (10);
INSERT INTO parent VALUES (7);
"""

# Statements that are longer than anything which is read of one at once, with the end that matters: `FROM stdin`, `OWNER TO`.
LONG = '"A Rather Long Name That Needs Its Quotes %03d" int'
HARD += "CREATE TABLE wide (%s); INSERT INTO wide DEFAULT VALUES;\n" % ", ".join(LONG % number for number in range(150))
ANOTHERS = "CREATE FUNCTION many(%s) RETURNS int LANGUAGE sql AS 'SELECT 1'" % ", ".join(LONG % number for number in range(95))


def dump_plain(pair, *options, name=None):
    """Write blue's database as a plain dump where other tools write theirs; its own statements are about green's."""
    name = name or pair.blue.database
    done = subprocess.run(
        [pair.postgres.bin / "pg_dump", "--format=plain", *options, "--dbname=" + name],
        env={"PGHOST": str(pair.postgres.root), "PGUSER": "postgres", "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
        capture_output=True, text=True, check=True,
    )
    text = done.stdout.replace(pair.blue.database, pair.green.database)
    pair.others_dump("blue", KEY).write_text(text)
    return text


@pytest.fixture
def filled(pair):
    pair.blue.fill_database("panda", "yak")
    pair.green.fill_database("old")
    return pair


@pytest.mark.parametrize("case", OTHERS)
def test_a_plain_dump_is_restored_and_reaches_no_other_database(filled, case):
    whole = "--schema=public" not in OTHERS[case]
    if whole:
        filled.postgres.sql(HARD, filled.blue.database, user="gigadb")
        filled.postgres.sql(ANOTHERS, filled.blue.database)
    text = dump_plain(filled, *OTHERS[case])
    assert ("--create" in OTHERS[case]) == ("\n\\connect " in text)
    before = filled.green.database_id()

    filled.green.run("databaseReset", KEY).succeeded()

    assert filled.green.genomes() == ["panda", "yak"]
    assert filled.green.databases() == [filled.green.database, filled.green.database + "_previous"]
    # the one that was in use is the previous one: it was renamed, and never dropped
    previous = "SELECT oid FROM pg_database WHERE datname = '%s_previous'" % filled.green.database
    assert filled.postgres.sql(previous) == before
    if whole:
        for question in ('TABLE "Odd; schema"."GRANT"', "SELECT * FROM seen", "TABLE parent", "SELECT prosrc FROM pg_proc WHERE proname = 'danger'",
                         "SELECT obj_description('seen'::regclass)", "SELECT inline()", "TABLE wide", "SELECT count(*) FROM pg_proc WHERE proname = 'many'"):
            assert filled.postgres.sql(question, filled.green.database) == filled.postgres.sql(question, filled.blue.database)


def test_a_dump_of_one_schema_finds_the_extensions_of_the_database_that_it_replaces(filled):
    for side in filled.sides:
        if not filled.postgres.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'words'"):
            pytest.skip("the extension of the test is not in this PostgreSQL")
        filled.postgres.sql("CREATE EXTENSION words", side.database, user="gigadb")
    filled.postgres.sql("CREATE TABLE spoken (said word); INSERT INTO spoken VALUES ('yak')", filled.blue.database, user="gigadb")
    for write in (lambda: dump_plain(filled, *THEIRS), lambda: filled.blue.run("s3backup", KEY).succeeded()):
        write()
        filled.green.run("databaseReset", KEY).succeeded()
        assert filled.postgres.sql("TABLE spoken", filled.green.database) == "yak"


def test_a_compressed_plain_dump_is_one_too(filled):
    text = dump_plain(filled, "--clean", "--create")
    filled.others_dump("blue", KEY).write_bytes(gzip.compress(text.encode()))
    filled.green.run("databaseReset", KEY).succeeded()
    assert filled.green.genomes() == ["panda", "yak"]
    filled.others_dump("blue", KEY).write_bytes(gzip.compress(text.encode())[:-20])
    filled.green.run("databaseReset", KEY).failed(*FOUR_PARTS, "gzip cannot read it", status=1)


@pytest.mark.parametrize("form", ["custom", "tar"])
def test_an_archive_under_the_name_of_other_tools_is_restored(filled, form):
    """As the first release of these programs wrote them."""
    subprocess.run(
        [filled.postgres.bin / "pg_dump", "--format=" + form, "--schema=public", "--dbname=" + filled.blue.database,
         "--file=%s" % filled.others_dump("blue", KEY)],
        env={"PGHOST": str(filled.postgres.root), "PGUSER": "gigadb", "PGPASSWORD": PASSWORD}, check=True,
    )
    filled.green.run("databaseReset", KEY).succeeded()
    assert filled.green.genomes() == ["panda", "yak"]


def test_of_two_dumps_with_one_key_ours_is_taken_and_latest_may_be_of_either(filled):
    filled.blue.run("s3backup", KEY).succeeded()
    filled.blue.fill_database("plain")
    dump_plain(filled, *THEIRS)
    filled.green.run("databaseReset", KEY).succeeded()
    assert filled.green.genomes() == ["panda", "yak"]

    filled.green.settings("LATEST_MAX_AGE_HOURS=0")
    filled.others_dump("blue", KEY).rename(filled.others_dump("blue", "20240102"))
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["plain"]


CUT = {
    "within data": lambda text: text[: text.index("panda") + 3],
    "before the last line": lambda text: text[: text.rindex("-- PostgreSQL database dump complete")],
    "within a statement": lambda text: text[: text.rindex("ADD CONSTRAINT") + 8],
    "a command of psql's": lambda text: text.replace("SET lock_timeout = 0;", "\\! touch %s\nSET lock_timeout = 0;"),
    "another database": lambda text: text.replace("SET lock_timeout = 0;", "\\connect one\n\\connect other\nSET lock_timeout = 0;"),
    "no data": lambda text: "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n\n--\n-- PostgreSQL database dump complete\n--\n",
}
SAID = {
    "within data": "it ends within the data of table public.dataset",
    "before the last line": "is missing",
    "within a statement": "it ends within a statement",
    "a command of psql's": "it holds a command that pg_dump does not write: \\! touch",
    "another database": "it is a dump of several databases",
    "no data": "it holds no table data",
}


@pytest.mark.parametrize("case", CUT)
def test_a_plain_dump_that_is_not_sound_is_refused_before_anything_is_touched(filled, case):
    text = CUT[case](dump_plain(filled))
    witness = filled.root / "witness"
    filled.others_dump("blue", KEY).write_text(text % witness if "%s" in text else text)
    before = filled.green.database_id()
    filled.green.run("databaseReset", KEY).failed(*FOUR_PARTS, "the dump is not sound", SAID[case], status=1)
    assert (filled.green.database_id(), filled.green.databases()) == (before, [filled.green.database])
    assert not witness.exists()


def test_a_plain_dump_that_fails_half_way_leaves_the_old_database(filled):
    text = dump_plain(filled)
    filled.others_dump("blue", KEY).write_text(text.replace("CREATE SEQUENCE", "CREATE NONSENSE"))
    before = filled.green.database_id()
    filled.green.run("databaseReset", KEY).failed(*FOUR_PARTS, "could not restore", "NONSENSE", status=1)
    assert (filled.green.database_id(), filled.green.databases()) == (before, [filled.green.database])


@pytest.mark.parametrize("form", ["ours", "plain"])
def test_owners_and_privileges_of_the_source_are_not_carried(filled, form):
    """Two servers share no roles: one that only the source has stands in no restore's way."""
    role, owner = "reader_" + form, "owner_" + form
    sql = filled.postgres.sql
    sql("CREATE ROLE %s; CREATE ROLE %s" % (role, owner))
    try:
        sql(
            "GRANT SELECT ON dataset TO {0}; ALTER DEFAULT PRIVILEGES FOR ROLE gigadb GRANT SELECT ON TABLES TO {0};"
            "GRANT CREATE ON SCHEMA public TO {1}; CREATE TABLE owned (id int); INSERT INTO owned VALUES (1); ALTER TABLE owned OWNER TO {1};"
            "GRANT SELECT ON owned TO gigadb WITH GRANT OPTION;".format(role, owner),
            filled.blue.database,
        )
        if form == "ours":
            filled.blue.run("s3backup", KEY).succeeded()
        else:
            dump_plain(filled, "--clean", "--create")
        sql("DROP OWNED BY {0}; REASSIGN OWNED BY {1} TO gigadb; DROP OWNED BY {1}; DROP ROLE {0}; DROP ROLE {1}".format(role, owner), filled.blue.database)
        filled.green.run("databaseReset", KEY).succeeded()
    finally:
        sql("DROP ROLE IF EXISTS %s" % role)
    assert filled.green.genomes() == ["panda", "yak"]
    assert sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", filled.green.database) == "gigadb"
    assert sql("SELECT count(*) FROM pg_class WHERE relacl IS NOT NULL AND relname IN ('dataset', 'owned')", filled.green.database) == "0"
    assert sql("SELECT count(*) FROM pg_default_acl", filled.green.database) == "0"
