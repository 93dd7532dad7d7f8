"""`gigadb-roles known-hosts`: host keys by the names of hosts, with real OpenSSH clients and servers."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from operators import NEEDS_SSH, SIDES, Operator
from surroundings import COLLECTION

pytestmark = NEEDS_SSH

GUIDE = COLLECTION.parent / "docs" / "guides" / "ansible.md"
HOSTS = ["%s-live-%s" % (side, endpoint) for side in sorted(SIDES) for endpoint in ("bastion", "files", "web")]


@pytest.fixture
def operator(tmp_path, ansible, world):
    operator = Operator(tmp_path / "operator", ansible, world)
    yield operator
    operator.stop()


def expected(operator):
    """The lines of all hosts as their machines are now."""
    return ["%s %s" % (host, operator.servers[host.partition("-live-")[0]].public_key()) for host in HOSTS]


def lines(path):
    return sorted(path.read_text().splitlines())


def test_keys_are_asked_for_through_each_sides_own_bastion_and_written_once(operator):
    before = sorted(operator.folder.iterdir())
    done = operator.roles("known-hosts", "--scan").succeeded()
    assert done.stdout.splitlines() == expected(operator)
    assert done.stderr.count("has a new key: ssh-ed25519 SHA256:") == 6
    assert [path for path in sorted(operator.folder.iterdir()) if path not in before and path.name != ".ansible"] == [], "a scan writes nothing"

    file = operator.folder / "kept"
    file.write_text("# mine\nexample.org ssh-ed25519 AAAA\n")
    done = operator.roles("known-hosts", "--scan", "--write", "kept").succeeded()
    assert "Wrote 6 keys into `kept`." in done.stderr
    assert file.read_text() == "# mine\nexample.org ssh-ed25519 AAAA\n" + "".join(line + "\n" for line in expected(operator))
    written = file.stat().st_ino
    assert "key" not in operator.roles("known-hosts", "--scan", "--write", "kept").succeeded().stderr
    assert file.stat().st_ino == written

    # Ansible connects with these lines and no others.
    shutil.copy(file, operator.known)
    assert len(operator.reach("all", TF_KEY_NAME="private_ip")) == 6


@pytest.mark.parametrize("hashed", [False, True])
def test_a_key_that_changed_is_replaced_only_where_its_host_is_named(operator, hashed):
    file = operator.folder / "kept"
    operator.roles("known-hosts", "--scan", "--write", "kept").succeeded()
    if hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    kept = file.read_bytes()
    old = operator.servers["gigadb-website"].public_key()
    operator.servers["gigadb-website"].build_again()

    side = ["gigadb-website-live-" + endpoint for endpoint in ("bastion", "files", "web")]
    done = operator.roles("known-hosts", "--scan", "--write", "kept").failed(
        "`%s` shows another key than `kept` has: ssh-ed25519 SHA256:" % side[0],
        # nobody is asked through a bastion that may be somebody else's
        "`%s` showed no key: its bastion `%s` shows another key than before." % (side[2], side[0]),
        "changed: Nothing", "--scan --write kept --replace " + side[0], status=1,
    )
    assert old not in done.stdout
    assert file.read_bytes() == kept
    operator.roles("known-hosts", "--scan", "--write", "kept", "--replace", "gigadb-website-live-bastoin").failed(
        "Did you mean `gigadb-website-live-bastion`?", status=64
    )

    # one name is not the word for another
    operator.roles("known-hosts", "--scan", "--write", "kept", "--replace", side[0]).failed("--replace %s" % side[1], status=1)
    assert file.read_bytes() == kept
    replace = [word for host in side for word in ("--replace", host)]
    assert "Wrote 3 keys" in operator.roles("known-hosts", "--scan", "--write", "kept", *replace).succeeded().stderr
    found = lines(file)
    assert len(found) == 6 and sum(old in line for line in found) == 0
    shutil.copy(file, operator.known)
    assert len(operator.reach("all", TF_KEY_NAME="private_ip")) == 6


def test_a_machine_that_does_not_answer_is_told_and_keeps_its_line(operator):
    file = operator.folder / "kept"
    operator.servers["alt-gigadb-website"].stop()
    operator.roles("known-hosts", "--scan").failed("`alt-gigadb-website-live-bastion` showed no key: ", "Connection refused", status=1)
    file.write_text("alt-gigadb-website-live-web ssh-ed25519 AAAA\n")
    done = operator.roles("known-hosts", "--scan", "--write", "kept").failed("3 keys were written into `kept`", status=3)
    assert "`alt-gigadb-website-live-web` showed no key: its bastion" in done.stderr
    assert lines(file) == sorted(["alt-gigadb-website-live-web ssh-ed25519 AAAA", *expected(operator)[3:]])
    operator.servers["alt-gigadb-website"].start()


def test_a_revoked_key_is_refused_and_never_written(operator):
    file = operator.folder / "kept"
    revoked = "@revoked * %s\n" % operator.servers["gigadb-website"].public_key()
    host = "gigadb-website-live-bastion"
    for more in [], ["--replace", host]:
        file.write_text(revoked)
        done = operator.roles("known-hosts", "--scan", "--write", "kept", *more).failed(
            "`%s` shows a key that `kept` marks as revoked: ssh-ed25519 SHA256:" % host,
            "its bastion `%s` shows a key that is marked as revoked" % host, "changed: Nothing", status=1,
        )
        assert operator.servers["gigadb-website"].public_key() not in done.stdout
        assert file.read_text() == revoked


def test_a_comment_in_another_encoding_stays(operator):
    file = operator.folder / "kept"
    file.write_bytes(b"# caf\xe9\n")
    assert "Wrote 6 keys" in operator.roles("known-hosts", "--scan", "--write", "kept").succeeded().stderr
    assert file.read_bytes().startswith(b"# caf\xe9\n")


def test_without_a_scan_the_operators_own_file_is_read(operator):
    own = operator.folder / ".ssh" / "known_hosts"
    own.parent.mkdir()
    done = operator.roles("known-hosts").succeeded()
    assert done.stdout == "" and "has no key of `alt-gigadb-website-live-bastion`" in done.stderr
    # as the guide says it
    (told,) = re.findall("`gigadb-roles (known-hosts .*?)`", GUIDE.read_text())
    operator.roles(*told.replace("~", str(operator.folder)).split()).succeeded()
    done = operator.roles("known-hosts", "--infrastructure", "gigadb-website").succeeded()
    assert done.stdout.splitlines() == expected(operator)[3:]


def test_where_ssh_is_left_to_others_there_is_nothing_by_name(operator, world):
    operator.roles("known-hosts", GIGADB_TOPOLOGY=world.environment["GIGADB_TOPOLOGY"]).failed("no side in scope has `ssh`", status=1)
