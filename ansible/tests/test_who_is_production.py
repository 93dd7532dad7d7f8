"""How the programs ask who is production: whom, and whose word is enough for what."""

from __future__ import annotations

import os
import shutil
import socket
import threading

import pytest
from sides import ADDRESSES, APEX
from surroundings import BIN
from test_sync_dropboxes import FOUR_PARTS, dropboxes  # noqa: F401

# What dig and host print of an answer, in their own words.
ANSWER = """
answer() { # addresses
    echo ";; Got answer:"
    echo ";; ->>HEADER<<- opcode: QUERY, status: ${status:-NOERROR}, id: 4711"
    echo ";; flags: qr ${aa-aa }rd; QUERY: 1, ANSWER: $#, AUTHORITY: 0, ADDITIONAL: 1"
    for address; do printf '%%s.\\t300\\tIN\\tA\\t%%s\\n' %(apex)s "$address"; done
}
alias() { answer; printf '%%s.\\t300\\tIN\\tCNAME\\tweb.example.\\nweb.example.\\t300\\tIN\\tA\\t%%s\\n' %(apex)s "$1"; }
"""

DIG = (
    ANSWER
    + """
case "$*" in
    *" NS %(apex)s") ;;
    *" NS gigadb.test") printf 'ns1.test.\\nns2.test.\\nns3.test.\\n' ;;
    *" A %(apex)s @ns1.test.") %(ns1)s ;;
    *" A %(apex)s @ns2.test.") %(ns2)s ;;
    *" A %(apex)s @ns3.test.") echo ';; connection timed out; no servers could be reached'; exit 9 ;;
    *" -p 5353 A %(apex)s @192.0.2.53") %(ns1)s ;;
    *) exit 10 ;;
esac
"""
)
BLUE, GREEN = "answer " + ADDRESSES["blue"], "answer " + ADDRESSES["green"]
CACHE = "aa= answer " + ADDRESSES["blue"]


def dig(side, ns1, ns2=None, apex="live.gigadb.test"):
    """Make side ask this dig: the apex lies in zone `gigadb.test`, whose third server is out of reach."""
    side.settings("RESOLVER_COMMAND=()", "APEX=" + apex)
    side.shadow("dig", DIG % {"apex": apex, "ns1": ns1, "ns2": ns2 or ns1})


def test_dig_asks_every_authoritative_server(dropboxes):  # noqa: F811
    dig(dropboxes.green, BLUE)
    dropboxes.green.run("sync_dropboxes").succeeded()


@pytest.mark.parametrize(
    "ns1, ns2, reason",
    [
        (BLUE, GREEN, "more than one answer"),
        (BLUE, "answer", "more than one answer"),
        ("exit 9", "exit 9", "no authoritative server answered"),
        ("answer", "answer", "resolves to none"),
        ("status=NXDOMAIN answer", None, "resolves to none"),
        ("status=SERVFAIL " + BLUE, None, "no authoritative server answered"),
        # who is named as a server of the zone and answers from a cache is none
        (CACHE, None, "no authoritative server answered"),
        ("alias " + ADDRESSES["blue"], None, "more than one answer"),
        (GREEN, None, "this side is production"),
    ],
)
def test_what_dig_says_must_be_one_address(dropboxes, ns1, ns2, reason):  # noqa: F811
    dig(dropboxes.green, ns1, ns2)
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, reason, status=1)


def test_a_zone_without_servers_is_not_clear(dropboxes):  # noqa: F811
    dig(dropboxes.green, BLUE)
    dropboxes.green.shadow("dig", "exit 9")
    dropboxes.green.run("sync_dropboxes").failed("authoritative servers could not be found", status=1)


def test_a_named_server_is_asked_alone_and_must_answer_for_the_zone(dropboxes):  # noqa: F811
    green = dropboxes.green
    dig(green, BLUE, GREEN)
    green.settings("RESOLVER_SERVER=192.0.2.53:5353")
    green.run("sync_dropboxes").succeeded()
    green.settings("RESOLVER_SERVER=192.0.2.54")
    green.run("sync_dropboxes").failed("192.0.2.54 did not answer", status=1)
    dig(green, CACHE)
    green.settings("RESOLVER_SERVER=192.0.2.53:5353")
    for program in ("sync_dropboxes", "databaseReset"):
        green.run(program).failed(*FOUR_PARTS, "answers from a cache, which can be old after a swap", status=1)
    # the dump of a side is under that side's own name, so a cache is enough for it
    green.run("s3backup").failed("an address of gigascience-upstream-blue", status=1)


@pytest.mark.parametrize("command", ["getent ahostsv4", "/usr/bin/getent ahostsv4", "sh -c 'getent ahostsv4 $0'", "dig +short A", "env host"])
def test_a_program_that_asks_a_cache_is_not_enough_to_replace_data(dropboxes, command):  # noqa: F811
    green = dropboxes.green
    green.settings("RESOLVER_COMMAND=(%s)" % command)
    for name in ("getent", "dig", "host"):
        green.shadow(name, "printf '%s STREAM x\\n%s DGRAM\\n' {0} {0}".format(ADDRESSES["blue"]))
    for program in ("sync_dropboxes", "databaseReset"):
        green.run(program).failed(*FOUR_PARTS, "may answer from a cache", status=1)


def bare(side, *programs):
    """A PATH with only what the programs need, and these."""
    for name in ("bash", "basename", "dirname", "readlink", "flock", "sort", "sed", "awk", "date", "cat", "grep", "id", "stat",
                 "mktemp", "rm", "wc", "comm", "sleep", "df", "chmod"):
        (side.root / "shadow" / name).symlink_to(shutil.which(name))
    rclone = shutil.which("rclone", path=os.pathsep.join([str(BIN), os.environ["PATH"]]))
    for name, path in {"rclone": rclone, **dict(programs)}.items():
        (side.root / "shadow" / name).symlink_to(path)
    side.settings("RESOLVER_COMMAND=()", "PATH=%s" % (side.root / "shadow"))


def test_without_dig_and_host_getent_is_not_enough_either(dropboxes):  # noqa: F811
    green = dropboxes.green
    green.shadow("getent", "printf '%s STREAM x\\n' {0}".format(ADDRESSES["blue"]))
    bare(green)
    green.run("sync_dropboxes").failed(*FOUR_PARTS, "neither dig nor host is there", "install dig", status=1)
    # it is for a dump, which harms nobody under the name of its side
    green.run("s3backup").failed("an address of gigascience-upstream-blue", status=1)


HOST = (
    ANSWER
    + """
case "$*" in
    *"-t NS gigadb.test") echo 'gigadb.test name server ns1.test.' ;;
    *"-t A gigadb.test ns1.test.") %(said)s ;;
    *) exit 1 ;;
esac
"""
)


@pytest.mark.parametrize(
    "said, reason",
    [
        (BLUE, None),
        (CACHE, "no authoritative server answered"),
        ("alias " + ADDRESSES["blue"], "more than one answer"),
        ("status=NXDOMAIN answer; exit 1", "resolves to none"),
    ],
)
def test_host_asks_authoritative_servers_too(dropboxes, said, reason):  # noqa: F811
    green = dropboxes.green
    green.shadow("host", HOST % {"apex": APEX, "said": said})
    bare(green)
    done = green.run("sync_dropboxes")
    done.failed(*FOUR_PARTS, reason, status=1) if reason else done.succeeded()


# --- the real programs, and a name server on a socket


class NameServer:
    """Answers every question with one address, as a server of the zone's own or from a cache."""

    def __init__(self, address, authoritative):
        self.flags = b"\x85\x00" if authoritative else b"\x81\x80"
        self.address = socket.inet_aton(address)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            if not question:
                return
            end = question.index(b"\0", 12) + 5
            record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + self.address
            self.socket.sendto(question[:2] + self.flags + b"\0\1\0\1\0\0\0\0" + question[12:end] + record, sender)

    def stop(self):
        self.socket.sendto(b"", self.socket.getsockname())


@pytest.mark.parametrize("program", ["dig", "host"])
@pytest.mark.parametrize("authoritative", [True, False])
def test_the_real_program_and_a_real_server(dropboxes, program, authoritative):  # noqa: F811
    path = shutil.which(program)
    if path is None:
        pytest.skip("%s is not on this machine" % program)
    green = dropboxes.green
    (green.root / "shadow").mkdir()
    bare(green, (program, path))
    server = NameServer(ADDRESSES["blue"], authoritative)
    green.settings("RESOLVER_SERVER=127.0.0.1:%d" % server.port)
    try:
        done = green.run("sync_dropboxes")
    finally:
        server.stop()
    done.succeeded() if authoritative else done.failed(*FOUR_PARTS, "answers from a cache", status=1)
