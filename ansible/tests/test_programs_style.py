"""The shell programs hold no fault that shellcheck knows."""

from __future__ import annotations

import os

from surroundings import COLLECTION, run, tool


def test_shellcheck_finds_nothing():
    folder = COLLECTION / "roles" / "data_sync" / "files"
    programs = sorted(path for path in folder.iterdir() if path.suffix not in (".awk", ".sql"))
    assert [path.name for path in programs] == [
        "common.bash", "databaseReset", "databases.bash", "dumps.bash", "role.bash", "run_job", "s3backup", "sync_dropboxes",
    ]
    run([tool("shellcheck"), "--external-sources", "--source-path=SCRIPTDIR", *programs], os.environ).succeeded()
