"""data_sync beside GigaDB's own playbooks, which place programs and set jobs of their own at any time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from sides import Pair
from surroundings import BIN, COLLECTION
from test_data_sync_jobs import BLUE_IS_PRODUCTION, GREEN_IS_PRODUCTION, HOT_STANDBY, JOBS, PRODUCTION, changed, matrix

FILES = COLLECTION / "roles" / "data_sync" / "files"
REPLACED = [job["name"] for job in yaml.safe_load((FILES.parent / "defaults" / "main.yml").read_text())["data_sync_replaced_cron_jobs"]]
KEPT = "Refresh the materialized view of the database every day"

# Scripts that restore in the way of theirs, of several ages; a copy task of theirs puts them where our links are.
THEIRS = {
    "reads settings": "#!/usr/bin/env bash\nsource /home/centos/.env\npsql < dump\n",
    "uses images": "#!/usr/bin/env bash\ndocker run --rm registry.gitlab.com/gigascience/x/production_app:live migrate\n",
    "knows the bucket": "#!/bin/bash\nrclone copy s3_remote:gigadb-database-backups/x .\n",
}

CRONTAB = """#!/bin/sh
# The crontabs of users, as files beside this program's folder.
while [ $# -gt 0 ]; do
    case $1 in
        -u) user=$2; shift ;;
        -l) list=yes ;;
        *) from=$1 ;;
    esac
    shift
done
file=%s/crontab-$user
case $user in
    broken) echo "crontab: permission denied" >&2; exit 1 ;;
    blue | green) ;;
    *) echo "crontab: user \\`$user' unknown" >&2; exit 1 ;;
esac
if [ -n "$list" ]; then
    test -e "$file" || { echo "no crontab for $user" >&2; exit 1; }
    exec cat "$file"
fi
exec cp "$from" "$file"
"""


@pytest.fixture
def fresh(tmp_path, postgres):
    pair = Pair(tmp_path / "pair", postgres, "fresh")
    pair.make_folders()
    programs = pair.root / "machine"
    programs.mkdir()
    (programs / "crontab").write_text(CRONTAB % pair.root)
    (programs / "crontab").chmod(0o755)
    return pair


def with_crontab(pair, roles, user=None):
    """What is applied, with each side's crontab of its own."""
    return {
        color: variables | {"data_sync_replaced_cron_jobs": [{"name": name, "user": user or color} for name in REPLACED]}
        for color, variables in roles.items()
    }


def apply(pair, ansible, *arguments, user=None, roles=BLUE_IS_PRODUCTION):
    ansible.environment["PATH"] = "%s:%s:%s" % (pair.root / "machine", BIN, os.environ["PATH"])
    return pair.apply(ansible, *arguments, **with_crontab(pair, roles, user))


def their_play(side, script=THEIRS["reads settings"]):
    """What their bastion playbook does: a copy, which replaces a link, and jobs in a crontab."""
    program = side.root / "bin" / "databaseReset"
    program.unlink(missing_ok=True)
    program.write_text(script)
    program.chmod(0o755)
    lines = ["MAILTO=ops"] + ["#Ansible: %s\n5 10 * * * /usr/local/bin/databaseReset" % name for name in [*REPLACED, KEPT]]
    (side.pair.root / ("crontab-" + side.color)).write_text("\n".join(lines) + "\n")


def their_jobs(side):
    text = (side.pair.root / ("crontab-" + side.color)).read_text()
    return [line.removeprefix("#Ansible: ") for line in text.splitlines() if line.startswith("#Ansible: ")]


def is_ours(side, name):
    link = side.root / "bin" / name
    return link.is_symlink() and os.readlink(link) == str(side.programs / name)


def test_every_known_script_is_known_and_a_link_of_others_is_not(fresh, ansible):
    """Each of the three programs stands for one host here; the jobs are looked at elsewhere."""
    programs = fresh.blue.root / "bin"
    for name, script in zip(("databaseReset", "s3backup", "sync_dropboxes"), THEIRS.values(), strict=True):
        (programs / name).write_text(script)
    elsewhere = fresh.green.root / "bin" / "sync_dropboxes"
    elsewhere.symlink_to("/bin/true")
    (fresh.green.root / "bin" / "s3backup").mkdir()
    pristine = {path: path.lstat().st_mtime_ns for path in programs.iterdir()}
    apply(fresh, ansible, "--check").succeeded()
    assert {path: path.lstat().st_mtime_ns for path in programs.iterdir()} == pristine
    apply(fresh, ansible).succeeded()
    assert all(is_ours(fresh.blue, name) for name in ("databaseReset", "s3backup", "sync_dropboxes"))
    assert os.readlink(elsewhere) == "/bin/true" and (fresh.green.root / "bin" / "s3backup").is_dir()
    assert is_ours(fresh.green, "databaseReset")

    # What differs from the role's is installed again: a text, a mode, a file that is gone.
    installed = fresh.blue.programs
    (installed / "common.bash").write_text("edited\n")
    (installed / "run_job").chmod(0o600)
    (installed / "role.bash").unlink()
    apply(fresh, ansible).succeeded()
    for name, mode in (("common.bash", 0o644), ("role.bash", 0o644), ("run_job", 0o755)):
        assert (installed / name).read_text() == (FILES / name).read_text()
        assert (installed / name).stat().st_mode & 0o777 == mode


def test_jobs_move_whatever_becomes_of_the_programs(fresh, ansible):
    apply(fresh, ansible, *JOBS).succeeded()
    # no folder can be made where a file is
    for side in fresh.sides:
        shutil.rmtree(side.programs, ignore_errors=True)
        side.programs.write_text("in the way")
    apply(fresh, ansible, roles=GREEN_IS_PRODUCTION).failed("already exists as a file")
    assert matrix(fresh) == [HOT_STANDBY, PRODUCTION]


def test_a_crontab_that_cannot_be_read_is_no_silence(fresh, ansible):
    apply(fresh, ansible, *JOBS, user="nobody-of-this-machine").succeeded()
    assert changed(apply(fresh, ansible, *JOBS)) == 0  # no crontab at all
    apply(fresh, ansible, *JOBS, user="broken", roles=GREEN_IS_PRODUCTION).failed("Look for jobs that earlier playbooks left")
    assert matrix(fresh) == [HOT_STANDBY, PRODUCTION]


# --- what cron runs


@pytest.fixture
def job(tmp_path):
    """run_job with a job and a logger of the test's own."""
    for name in ("run_job",):
        shutil.copy(FILES / name, tmp_path / name)
    (tmp_path / "logger").write_text('#!/bin/sh\nsed "s/^/$* /" >>"%s/log"\n' % tmp_path)
    (tmp_path / "logger").chmod(0o755)

    def run(script, logger=True):
        (tmp_path / "databaseReset").write_text("#!/bin/sh\n" + script)
        (tmp_path / "databaseReset").chmod(0o755)
        path = "%s:%s" % (tmp_path, os.environ["PATH"]) if logger else "/usr/bin:/bin"
        (tmp_path / "log").unlink(missing_ok=True)
        done = subprocess.run([tmp_path / "run_job", "databaseReset"], env={"PATH": path}, capture_output=True, text=True, check=False)
        log = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
        return done, log

    return run


def test_a_job_that_succeeds_is_logged_and_not_mailed(job):
    done, log = job("echo done; echo note >&2\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log == ["-t databaseReset -p cron.info done", "-t databaseReset -p cron.info note"]


def test_a_job_that_fails_keeps_its_status_is_logged_as_an_error_and_mailed(job):
    done, log = job("echo error: refused >&2; exit 3\n")
    last = "databaseReset failed with status 3 on %s" % os.uname().nodename
    assert (done.returncode, done.stdout.splitlines()) == (3, ["error: refused", last])
    assert log == ["-t databaseReset -p cron.info error: refused", "-t databaseReset -p cron.err " + last]


def test_a_log_that_fails_stops_no_job(job, tmp_path):
    shutil.rmtree(tmp_path / "logger", ignore_errors=True)
    (tmp_path / "logger").write_text("#!/bin/sh\nexit 1\n")
    done, _ = job('i=0; while [ $i -lt 2000 ]; do echo "line $i of what a job says"; i=$((i + 1)); done; echo whole >%s/end; exit 4\n' % tmp_path)
    assert done.returncode == 4 and (tmp_path / "end").exists()
    assert len(done.stdout.splitlines()) == 2001


# --- by hand


def test_whoever_may_not_read_the_settings_is_told_the_command_that_works(installed_pair):
    folder = Path(tempfile.mkdtemp(prefix="gigadb-programs-"))
    try:
        programs = shutil.copytree(installed_pair.blue.programs, folder / "programs")
        folder.chmod(0o755)
        settings = programs / "data-sync.conf"
        settings.chmod(0o600 if os.geteuid() == 0 else 0)
        as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run([programs / "s3backup", "20240101"], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}, **as_nobody)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1
    assert "may not read %s" % settings in done.stderr
    assert "sudo -u %s %s/s3backup 20240101" % (Path.home().owner() if os.geteuid() else "root", programs) in done.stderr
