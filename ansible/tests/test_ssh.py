"""The right machine: real OpenSSH clients and servers, two sides with the same private addresses, real ansible-core."""

from __future__ import annotations

import shutil

import pytest
from operators import NEEDS_SSH, Operator

pytestmark = NEEDS_SSH


@pytest.fixture
def operator(tmp_path, ansible, world):
    operator = Operator(tmp_path / "operator", ansible, world)
    yield operator
    operator.stop()


def test_every_host_reaches_its_own_machine(operator):
    """ansible/ansible#63161: without a socket of its own, a host gets the connection of the other side's."""
    # One play over both sides.
    assert operator.reach("endpoint_web") == {"gigadb-website-live-web": {"gigadb-website"}, "alt-gigadb-website-live-web": {"alt-gigadb-website"}}
    # Another run within the minute that a connection is kept, for one side after the other.
    for role, side in (("production", "gigadb-website"), ("hot_standby", "alt-gigadb-website")):
        assert operator.reach("%s_live_web" % role, GIGADB_ROLE=role) == {side + "-live-web": {side}}
    # Bastions by private address, which is what TF_KEY_NAME=private_ip makes of them.
    everywhere = operator.reach("all", TF_KEY_NAME="private_ip")
    assert len(everywhere) == 6
    for host, machines in everywhere.items():
        assert machines == {host.rpartition("-live-")[0]}


def test_the_operators_own_key_is_used_instead_of_the_topologys(operator):
    own = operator.folder / "own"
    shutil.move(operator.key, own)
    assert operator.reach("production_live_web", GIGADB_SSH_KEY=str(own)) == {"gigadb-website-live-web": {"gigadb-website"}}
