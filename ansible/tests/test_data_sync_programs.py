"""s3backup and databaseReset against a real PostgreSQL and a real rclone."""

from __future__ import annotations

import datetime
import fcntl
import os
import shutil
import time

import pytest
from sides import ADDRESSES, project
from surroundings import BUCKET_SECRET, PASSWORD

TODAY = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
FOUR_PARTS = ("error: ", "caused by: ", "changed:     nothing", "not changed: ", "hint: ")


@pytest.fixture
def filled(pair):
    pair.blue.fill_database("panda", "yak")
    pair.green.fill_database("old")
    return pair


def test_a_dump_of_production_replaces_the_standbys_database(filled):
    key = TODAY + "0001"
    assert "Wrote and verified" in filled.blue.run("s3backup", key).succeeded().stdout
    assert filled.dumps() == [filled.dump("blue", key).name, filled.dump("blue", key).name + ".sha256"]
    before = filled.green.database_id()

    filled.green.run("databaseReset", key).succeeded()

    assert filled.green.genomes() == ["panda", "yak"]
    assert filled.blue.genomes() == ["panda", "yak"]
    assert filled.green.databases() == [filled.green.database, filled.green.database + "_previous"]
    assert filled.green.database_id() != before
    assert filled.postgres.sql("SELECT genome FROM dataset", filled.green.database + "_previous") == "old"


def test_without_a_key_today_is_written_and_the_latest_restored(filled):
    filled.blue.run("s3backup").succeeded()
    assert filled.dump("blue", TODAY).exists()
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["panda", "yak"]
    # and again, over what the first restore left behind
    filled.blue.fill_database("panda", "yak", "ibex")
    filled.blue.run("s3backup").succeeded()
    filled.green.run("databaseReset", "latest").succeeded()
    assert filled.green.genomes() == ["panda", "yak", "ibex"]
    assert len(filled.green.databases()) == 2


def test_both_kinds_of_key_name_different_dumps_and_latest_is_the_newest_of_them(filled):
    side = filled.blue
    for key, genome in (("20240101", "first"), ("202401012159", "before"), ("202401012201", "after"), ("20231231", "older")):
        side.fill_database(genome)
        side.run("s3backup", key).succeeded()
    filled.green.run("databaseReset", "20240101").succeeded()
    assert filled.green.genomes() == ["first"]
    filled.green.run("databaseReset", "202401012159").succeeded()
    assert filled.green.genomes() == ["before"]
    filled.green.settings("LATEST_MAX_AGE_HOURS=0")
    filled.green.run("databaseReset", "latest").succeeded()
    assert filled.green.genomes() == ["after"]
    filled.dump("blue", "202401012201").unlink()
    # a bare date is that night's dump, made at 22:00
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["first"]


def test_of_todays_dumps_the_one_that_was_written_last_is_the_latest(filled):
    """A bare date stands for 22:00, but whoever dumps by hand does so earlier or later, and a release has keys of its own."""
    for key, genome in ((TODAY, "morning"), (TODAY + "0001", "release")):
        filled.blue.fill_database(genome)
        filled.blue.run("s3backup", key).succeeded()
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["release"]
    written = filled.dump("blue", TODAY + "0001").stat().st_mtime + 2
    os.utime(filled.dump("blue", TODAY), (written, written))
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["morning"]


@pytest.mark.parametrize("key", ["2024", "20241301", "20240230", "202401012460", "yesterday", "20240101; true", "99991231"])
def test_a_word_that_is_no_key_is_refused(filled, key):
    filled.blue.run("s3backup", key).failed("error: ", "hint: ", status=64)
    if key != "99991231":
        filled.green.run("databaseReset", key).failed("error: ", "hint: ", status=64)
    assert filled.dumps() == []


def test_production_refuses_to_be_restored(filled):
    filled.blue.run("s3backup").succeeded()
    before = filled.blue.database_id()
    filled.blue.run("databaseReset").failed(*FOUR_PARTS, "this side is production", status=1)
    assert (filled.blue.database_id(), filled.blue.databases()) == (before, [filled.blue.database])


UNCLEAR = {
    "nobody answers": (None, "the resolver failed"),
    "no address": ((), "has no address"),
    "two addresses": (tuple(ADDRESSES.values()), "more than one answer"),
    "a stranger's address": (("198.51.100.7",), "an address of neither side"),
    "an alias": (("elsewhere.example.",), "no IPv4 address"),
    "IPv6": (("2001:db8::1",), "no IPv4 address"),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_no_clear_answer_means_refuse(filled, case):
    filled.blue.run("s3backup").succeeded()
    answers, reason = UNCLEAR[case]
    if answers is None:
        (filled.root / "apex").unlink()
    else:
        filled.apex(*answers)
    reason = reason if answers is not None else "could not be resolved"
    for side in filled.sides:
        before = side.database_id()
        side.run("databaseReset").failed(*FOUR_PARTS, reason, status=1)
        assert (side.database_id(), side.databases()) == (before, [side.database])
    filled.blue.run("s3backup", "20240101").failed(*FOUR_PARTS, reason, status=1)
    assert not filled.dump("blue", "20240101").exists()


def test_the_standby_writes_no_dump_unless_told_to(filled):
    filled.green.run("s3backup").failed(*FOUR_PARTS, "not known to be production", status=1)
    assert filled.dumps() == []
    filled.green.run("s3backup", "--force").succeeded()
    assert filled.dump("green", TODAY).exists()
    # nobody takes it for production's
    filled.green.run("databaseReset").failed("there is no dump of " + project("blue"))


def test_after_a_swap_the_source_is_the_new_production(filled):
    filled.blue.run("s3backup").succeeded()
    filled.green.run("databaseReset").succeeded()
    filled.green.fill_database("panda", "yak", "written-on-green")

    filled.production_is("green")
    before = filled.green.database_id()
    filled.green.run("databaseReset").failed("this side is production")
    assert filled.green.database_id() == before
    # blue's own dump of today is stale now: it must not come back
    filled.blue.run("databaseReset", TODAY).failed(*FOUR_PARTS, "there is no dump gigadb_%s_live_%s.dump" % (project("green"), TODAY))
    assert filled.blue.genomes() == ["panda", "yak"]

    filled.green.run("s3backup").succeeded()
    filled.blue.run("databaseReset").succeeded()
    assert filled.blue.genomes() == ["panda", "yak", "written-on-green"]


def test_a_dump_from_an_earlier_time_as_production_is_not_the_latest(filled):
    filled.blue.run("s3backup", "20240101").succeeded()
    filled.green.run("databaseReset").failed(*FOUR_PARTS, "hours old", "databaseReset 20240101")
    assert filled.green.genomes() == ["old"]


def test_a_swap_during_the_restore_stops_it_before_the_database_is_replaced(filled):
    filled.blue.run("s3backup").succeeded()
    real = filled.postgres.bin / "pg_restore"
    filled.green.shadow(
        "pg_restore",
        'case $* in *--exit-on-error*) %s ;; esac\nexec "%s" "$@"\n' % (filled.then_answer(ADDRESSES["green"]), real),
    )
    before = filled.green.database_id()
    filled.green.run("databaseReset").failed(*FOUR_PARTS, "this side is production")
    assert (filled.green.database_id(), filled.green.databases()) == (before, [filled.green.database])


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def test_a_truncated_dump_is_refused_before_anything_is_dropped(filled):
    filled.blue.fill_database(*("genome-%d" % number for number in range(300)))
    filled.blue.run("s3backup").succeeded()
    dump = filled.dump("blue", TODAY)
    before = filled.green.database_id()

    def refused(reason):
        filled.green.run("databaseReset").failed(*FOUR_PARTS, "the dump is not sound", reason, status=1)
        assert (filled.green.database_id(), filled.green.databases()) == (before, [filled.green.database])

    truncate(dump)
    refused("its checksum is not the one in")
    # a dump of other tools has no checksum
    dump.with_name(dump.name + ".sha256").unlink()
    dump = dump.rename(dump.with_suffix(".backup"))
    # its table of contents is still whole: only reading all of it tells
    refused("pg_restore cannot read it to its end")
    dump.write_bytes(dump.read_bytes()[:100])
    refused("pg_restore cannot list it")
    dump.write_bytes(b"")
    refused("it is empty")
    dump.write_bytes(b"<Error><Code>AccessDenied</Code></Error>")
    refused("it begins neither like a custom-format dump nor like a plain one")


def test_a_missing_dump_is_named_with_the_keys_there_are(filled):
    filled.blue.run("s3backup").succeeded()
    filled.green.run("databaseReset", "20240101").failed(*FOUR_PARTS, "_live_20240101.dump", TODAY, status=1)
    shutil.rmtree(filled.bucket)
    filled.green.run("databaseReset").failed(*FOUR_PARTS, "could not list", status=1)
    assert filled.green.genomes() == ["old"]


def test_a_restore_that_fails_leaves_the_old_database(filled):
    filled.blue.run("s3backup").succeeded()
    real = filled.postgres.bin / "pg_restore"
    filled.green.shadow(
        "pg_restore", 'case $* in *--exit-on-error*) echo "disk full" >&2; exit 1 ;; esac\nexec "%s" "$@"\n' % real
    )
    before = filled.green.database_id()
    filled.green.run("databaseReset").failed(*FOUR_PARTS, "disk full", status=1)
    assert (filled.green.database_id(), filled.green.databases()) == (before, [filled.green.database])


# What takes long in a run: the program that it calls, and with which words.
LONG = {
    "the dump": ("s3backup", "pg_dump", "*"),
    "the upload": ("s3backup", "rclone", "copyto*.dump"),
    "reading it back": ("s3backup", "rclone", "cat*"),
    "the download": ("databaseReset", "rclone", "copyto*"),
    "reading all of it": ("databaseReset", "pg_restore", "--file=/dev/null*"),
    "the restore": ("databaseReset", "pg_restore", "--exit-on-error*"),
    "the migrations": ("databaseReset", "migrate", "*"),
}


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
@pytest.mark.parametrize("case", LONG)
def test_a_run_that_is_stopped_ends_what_it_waits_for_and_the_next_succeeds(filled, case, signal):
    program, name, words = LONG[case]
    green = filled.green
    filled.blue.run("s3backup").succeeded()
    side = filled.blue if program == "s3backup" else green
    green.settings("AFTER_RESTORE=(migrate)")
    green.shadow("migrate", "")
    shadow = side.shadow_that_is_stopped(name, words, signal)
    before = green.database_id()
    done = side.run(program).failed(status=143 if signal == "TERM" else -9)
    # what is killed outright cannot wait for it
    until = time.monotonic() + 20
    while not (side.root / "stopped").exists() and time.monotonic() < until:
        os.sched_yield()
    assert (side.root / "stopped").exists()
    assert (green.database_id(), green.genomes()) == (before, ["old"])
    if signal == "TERM":
        done.failed("error: stopped " + program, "caused by: ", "not changed: ", "hint: ")
        assert green.databases() == [green.database] and not list((side.root / "state" / "work").iterdir())

    shadow.write_text("#!/bin/sh\n") if name == "migrate" else shadow.unlink()
    side.run(program).succeeded()
    assert not list((side.root / "state" / "work").iterdir())
    if side is green:
        assert green.genomes() == ["panda", "yak"]
        assert green.databases() == [green.database, green.database + "_previous"]


def test_a_first_restore_needs_no_database_to_be_there(pair):
    pair.blue.fill_database("panda")
    pair.blue.run("s3backup").succeeded()
    pair.green.run("databaseReset").succeeded()
    assert pair.green.genomes() == ["panda"]
    assert pair.green.databases() == [pair.green.database]


def test_the_previous_database_goes_where_it_is_not_wanted(filled):
    filled.green.settings("KEEP_PREVIOUS_DATABASE=no")
    filled.blue.run("s3backup").succeeded()
    filled.green.run("databaseReset").succeeded()
    assert filled.green.databases() == [filled.green.database]


def test_two_runs_at_once_are_refused(filled):
    for side in filled.sides:
        with (side.root / "state" / "database.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for program in ("s3backup", "databaseReset"):
                side.run(program).failed(*FOUR_PARTS, "another run holds", status=1)
    filled.blue.run("s3backup").succeeded()


def test_a_dump_that_fails_reaches_no_bucket(filled):
    filled.blue.shadow("pg_dump", 'for word; do case $word in --file=*) echo half >"${word#--file=}" ;; esac; done\n')
    filled.blue.run("s3backup").failed(*FOUR_PARTS, "is not sound", status=1)
    filled.blue.shadow("pg_dump", "exit 3\n")
    filled.blue.run("s3backup").failed(*FOUR_PARTS, "pg_dump failed", status=1)
    assert filled.dumps() == []


def test_a_dump_that_reads_back_as_another_is_an_error(filled):
    filled.blue.shadow("rclone", 'case $1 in cat) echo other; exit ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n')
    filled.blue.run("s3backup").failed("error: ", "cannot be read back as it was", "databaseReset refuses this dump", status=1)


def test_a_dump_that_could_not_be_read_back_is_not_called_wrong(filled):
    filled.blue.shadow("rclone", 'case $1 in cat) echo "503 Slow Down" >&2; exit 1 ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n')
    done = filled.blue.run("s3backup").failed("error: wrote ", "could not read it back", "503 Slow Down", "perhaps whole", status=1)
    assert "differs" not in done.text and "refuses this dump" not in done.text
    filled.green.run("databaseReset").succeeded()
    assert filled.green.genomes() == ["panda", "yak"]


@pytest.mark.parametrize("program", ["s3backup", "databaseReset"])
def test_a_checksum_that_could_not_be_taken_is_not_called_wrong(filled, program):
    filled.blue.run("s3backup").succeeded()
    side = filled.blue if program == "s3backup" else filled.green
    before = filled.dump("blue", TODAY).stat().st_mtime_ns
    side.shadow("sha256sum", 'echo "sha256sum: read error" >&2\nexit 1\n')
    done = side.run(program).failed(*FOUR_PARTS, "checksum", "read error", status=1)
    assert "not sound" not in done.text and "differs" not in done.text
    assert filled.dump("blue", TODAY).stat().st_mtime_ns == before and filled.green.genomes() == ["old"]


def test_no_secret_is_on_a_command_line_and_nothing_is_left_behind(filled):
    log = filled.root / "commands"
    for side in filled.sides:
        for program in ("pg_dump", "pg_restore", "psql", "rclone"):
            side.shadow(program, 'printf "%%s\\n" "%s $*" >>"%s"\nPATH=${PATH#*:} exec %s "$@"\n' % (program, log, program))
    filled.blue.run("s3backup").succeeded()
    filled.green.run("databaseReset").succeeded()
    commands = log.read_text()
    assert all(program in commands for program in ("pg_dump ", "pg_restore ", "psql ", "rclone "))
    assert PASSWORD not in commands and BUCKET_SECRET not in commands
    for side in filled.sides:
        assert list((side.root / "state" / "work").iterdir()) == []
        assert (side.programs / "data-sync.conf").stat().st_mode & 0o777 == 0o600
