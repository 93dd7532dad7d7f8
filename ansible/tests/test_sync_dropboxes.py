"""sync_dropboxes with a real rclone, and how the programs ask who is production."""

from __future__ import annotations

import fcntl
import os
import shutil

import pytest
from sides import ADDRESSES, APEX

FOUR_PARTS = ("error: ", "caused by: ", "changed:     nothing", "not changed: ", "hint: ")


def tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@pytest.fixture
def dropboxes(pair):
    write(pair.blue.dropboxes, {"user1/reads.fq": "new reads", "user2/notes.txt": "notes"})
    write(pair.green.dropboxes, {"user1/reads.fq": "old", "user9/only-here.txt": "kept"})
    return pair


def test_the_standby_pulls_from_production_and_keeps_what_it_replaces(dropboxes):
    before = tree(dropboxes.blue.dropboxes)
    dropboxes.green.run("sync_dropboxes").succeeded()
    assert tree(dropboxes.green.dropboxes) == before == tree(dropboxes.blue.dropboxes)
    (run,) = dropboxes.green.replaced.iterdir()
    assert tree(run) == {"user1/reads.fq": "old", "user9/only-here.txt": "kept"}

    dropboxes.green.run("sync_dropboxes").succeeded()
    assert list(dropboxes.green.replaced.iterdir()) == [run]


def test_production_refuses_and_after_a_swap_pulls(dropboxes):
    before = [tree(side.dropboxes) for side in dropboxes.sides]
    dropboxes.blue.run("sync_dropboxes").failed(*FOUR_PARTS, "this side is production", status=1)
    assert [tree(side.dropboxes) for side in dropboxes.sides] == before

    dropboxes.production_is("green")
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "this side is production", status=1)
    dropboxes.blue.run("sync_dropboxes").succeeded()
    assert [tree(side.dropboxes) for side in dropboxes.sides] == [before[1], before[1]]


@pytest.mark.parametrize("answers", [None, [], list(ADDRESSES.values()), ["198.51.100.7"]])
def test_no_clear_answer_means_refuse(dropboxes, answers):
    dropboxes.apex(*answers) if answers is not None else (dropboxes.root / "apex").unlink()
    before = tree(dropboxes.green.dropboxes)
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "who is production is not clear", status=1)
    assert tree(dropboxes.green.dropboxes) == before


def test_an_empty_or_missing_source_empties_nothing(dropboxes):
    before = tree(dropboxes.green.dropboxes)
    shutil.rmtree(dropboxes.blue.dropboxes)
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "could not list", status=1)
    dropboxes.blue.dropboxes.mkdir()
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "is empty", status=1)
    assert tree(dropboxes.green.dropboxes) == before


def test_two_runs_at_once_are_refused_and_so_are_arguments(dropboxes):
    with (dropboxes.green.root / "state" / "dropboxes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "another run holds", status=1)
    dropboxes.green.run("sync_dropboxes", "--force").failed("unknown argument --force", status=64)
    (dropboxes.green.programs / "data-sync.conf").unlink()
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "there are no settings", status=1)


# --- who is production, by dig, host and getent


DIG = """
case "$*" in
    *" NS %(apex)s") ;;
    *" NS gigadb.test") printf 'ns1.test.\\nns2.test.\\nns3.test.\\n' ;;
    *" A %(apex)s @ns1.test.") %(ns1)s ;;
    *" A %(apex)s @ns2.test.") %(ns2)s ;;
    *" A %(apex)s @ns3.test.") echo ';; connection timed out; no servers could be reached'; exit 9 ;;
    *" A %(apex)s @192.0.2.53") %(ns1)s ;;
    *) exit 10 ;;
esac
"""


def dig(side, ns1, ns2=None, apex="live.gigadb.test"):
    """Make side ask this dig: the apex lies in zone `gigadb.test`, whose third server is out of reach."""
    side.settings("RESOLVER_COMMAND=()", "APEX=" + apex)
    side.shadow("dig", DIG % {"apex": apex, "ns1": ns1, "ns2": ns2 or ns1})


def test_dig_asks_every_authoritative_server(dropboxes):
    dig(dropboxes.green, "echo " + ADDRESSES["blue"])
    dropboxes.green.run("sync_dropboxes").succeeded()


@pytest.mark.parametrize(
    "ns1, ns2, reason",
    [
        ("echo " + ADDRESSES["blue"], "echo " + ADDRESSES["green"], "more than one answer"),
        ("echo " + ADDRESSES["blue"], "true", "more than one answer"),
        ("exit 9", "exit 9", "no authoritative server answered"),
        ("true", "true", "resolves to none"),
        ("printf 'web.example.\\n%s\\n'" % ADDRESSES["blue"], None, "more than one answer"),
        ("echo " + ADDRESSES["green"], None, "this side is production"),
    ],
)
def test_what_dig_says_must_be_one_address(dropboxes, ns1, ns2, reason):
    dig(dropboxes.green, ns1, ns2)
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, reason, status=1)


def test_a_zone_without_servers_is_not_clear(dropboxes):
    dig(dropboxes.green, "echo " + ADDRESSES["blue"])
    dropboxes.green.shadow("dig", "exit 9")
    dropboxes.green.run("sync_dropboxes").failed("authoritative servers could not be found", status=1)


def test_a_named_server_is_asked_alone(dropboxes):
    dig(dropboxes.green, "echo " + ADDRESSES["blue"], "echo " + ADDRESSES["green"])
    dropboxes.green.settings("RESOLVER_SERVER=192.0.2.53")
    dropboxes.green.run("sync_dropboxes").succeeded()
    dropboxes.green.settings("RESOLVER_SERVER=192.0.2.54")
    dropboxes.green.run("sync_dropboxes").failed("192.0.2.54 did not answer", status=1)


def test_getent_is_understood(dropboxes):
    dropboxes.green.settings("RESOLVER_COMMAND=(getent ahostsv4)")
    dropboxes.green.shadow("getent", "printf '%s STREAM x\\n%s DGRAM\\n' {0} {0}".format(ADDRESSES["blue"]))
    dropboxes.green.run("sync_dropboxes").succeeded()


HOST_ANSWERS = [
    ("%s has address %s" % (APEX, ADDRESSES["blue"]), None),
    ("%s is an alias for web.example.\nweb.example has address %s" % (APEX, ADDRESSES["blue"]), "more than one answer"),
    ("%s has no A record" % APEX, "has no address"),
]


@pytest.mark.parametrize("said, reason", HOST_ANSWERS)
def test_host_is_understood(dropboxes, said, reason):
    side = dropboxes.green
    side.shadow("host", "cat <<'END'\n%s\nEND\n" % said)
    # a PATH without dig: only what the program needs
    for name in ("bash", "basename", "dirname", "readlink", "flock", "sort", "sed", "awk", "date", "cat"):
        (side.root / "shadow" / name).symlink_to(shutil.which(name))
    (side.root / "shadow" / "rclone").symlink_to(shutil.which("rclone", path=os.pathsep.join(map(str, rclone_folders()))))
    side.settings("RESOLVER_COMMAND=()", "PATH=%s" % (side.root / "shadow"))
    done = side.run("sync_dropboxes")
    done.failed(*FOUR_PARTS, reason, status=1) if reason else done.succeeded()


def rclone_folders():
    from surroundings import BIN

    return (BIN, *os.environ["PATH"].split(os.pathsep))
