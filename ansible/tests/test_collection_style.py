"""The collection is clean by ansible-lint, and by those of ansible-test's sanity tests that need no network."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from surroundings import BIN, COLLECTION, run

# The others make environments of their own and fetch packages into them. Of these, `ansible-doc` is tested with the
# inventory plugin, and `yamllint` is a part of ansible-lint.
OFFLINE = (
    "action-plugin-docs", "compile", "empty-init", "ignores", "line-endings", "no-assert", "no-get-exception",
    "no-illegal-filenames", "no-smart-quotes", "replace-urlopen", "shebang", "shellcheck", "symlinks",
    "use-argspec-type-path", "use-compat-six",
)


@pytest.fixture
def checkout(tmp_path):
    """The collection where Ansible's tools look for one, and an environment for them."""
    folder = tmp_path / "ansible_collections" / "gigascience" / "gigadb"
    shutil.copytree(COLLECTION, folder, ignore=shutil.ignore_patterns("tests", ".ansible"))
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": "%s:%s" % (BIN, os.environ["PATH"]),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
        "NO_COLOR": "1",
    }
    return lambda *command: run([BIN / command[0], *command[1:]], environment, folder)


def test_ansible_lint_finds_nothing(checkout):
    done = checkout("ansible-lint", "--offline", "--strict", "--nocolor", "-c", ".ansible-lint").succeeded()
    assert "Passed: 0 failure(s), 0 warning(s)" in done.text
    assert "Profile 'production' was required, and it passed" in done.text


def test_sanity_tests_find_nothing(checkout):
    chosen = [word for test in OFFLINE for word in ("--test", test)]
    done = checkout("ansible-test", "sanity", "--color", "no", "--python", "%d.%d" % sys.version_info[:2], *chosen).succeeded()
    for test in OFFLINE:
        assert 'Running sanity test "%s"' % test in done.text
