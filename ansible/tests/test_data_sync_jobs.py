"""The Ansible role data_sync: which jobs are where, before and after a swap and while paused."""

from __future__ import annotations

import re

import pytest
from sides import Pair

PRODUCTION = {"s3backup"}
HOT_STANDBY = {"databaseReset", "sync_dropboxes"}
BLUE_IS_PRODUCTION = {"blue": {"gigadb_role": "production"}, "green": {"gigadb_role": "hot_standby"}}
GREEN_IS_PRODUCTION = {"blue": {"gigadb_role": "hot_standby"}, "green": {"gigadb_role": "production"}}

# Where a test is about the jobs alone, the programs need not be looked at each time.
JOBS = ("--skip-tags", "data_sync_programs")


@pytest.fixture
def fresh(tmp_path, postgres):
    pair = Pair(tmp_path / "pair", postgres, "fresh")
    pair.make_folders()
    return pair


def jobs(side):
    """The jobs in the side's cron file: name -> time."""
    if not side.cron_file.exists():
        return {}
    found = {}
    for line in side.cron_file.read_text().splitlines():
        match = re.fullmatch(r"(\d+) (\d+) \* \* \* \S+ (\S+)/run_job (\S+)", line)
        if match:
            assert match[3] == str(side.programs)
            found[match[4]] = "%02d:%02d" % (int(match[2]), int(match[1]))
        else:
            assert line.startswith("#") or re.match(r"[A-Z_]+=", line), line
    return found


def matrix(pair):
    return [set(jobs(side)) for side in pair.sides]


def changed(done):
    """How many tasks changed something, over all hosts."""
    return sum(int(number) for number in re.findall(r"changed=(\d+)", done.succeeded().stdout))


def everything(pair):
    """All that is below the pair's folder, with contents, modes and times."""
    return {
        str(path.relative_to(pair.root)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(pair.root.rglob("*"))
        if path.name != "inventory.json"
    }


def test_jobs_follow_the_roles_and_a_second_run_changes_nothing(fresh, ansible):
    pristine = everything(fresh)
    assert changed(fresh.apply(ansible, "--check", "--diff", **BLUE_IS_PRODUCTION)) > 0
    assert everything(fresh) == pristine, "check mode wrote something"

    # at its most talkative; what runs it looks for the planted secrets
    assert changed(fresh.apply(ansible, "--diff", "-vvv", **BLUE_IS_PRODUCTION)) > 0
    for side in fresh.sides:
        assert (side.programs / "data-sync.conf").stat().st_mode & 0o777 == 0o600
        assert (side.root / "state").stat().st_mode & 0o777 == 0o700
    assert matrix(fresh) == [PRODUCTION, HOT_STANDBY]
    assert jobs(fresh.blue) == {"s3backup": "22:00"}
    assert jobs(fresh.green) == {"databaseReset": "10:05", "sync_dropboxes": "11:00"}
    assert "\nCRON_TZ=UTC\n" in fresh.blue.cron_file.read_text()
    applied = everything(fresh)
    assert changed(fresh.apply(ansible, **BLUE_IS_PRODUCTION)) == 0
    assert everything(fresh) == applied

    # the swap
    assert changed(fresh.apply(ansible, *JOBS, "--check", **GREEN_IS_PRODUCTION)) > 0
    assert everything(fresh) == applied, "check mode wrote something"
    assert changed(fresh.apply(ansible, *JOBS, **GREEN_IS_PRODUCTION)) > 0
    assert matrix(fresh) == [HOT_STANDBY, PRODUCTION]
    assert changed(fresh.apply(ansible, *JOBS, **GREEN_IS_PRODUCTION)) == 0


def test_a_pause_holds_until_it_is_lifted(fresh, ansible):
    fresh.apply(ansible, *JOBS, **BLUE_IS_PRODUCTION).succeeded()
    applied = everything(fresh)
    pause = ("-e", "gigadb_data_sync=paused")
    assert changed(fresh.apply(ansible, *JOBS, "--check", *pause, **BLUE_IS_PRODUCTION)) > 0
    assert everything(fresh) == applied, "check mode wrote something"

    assert changed(fresh.apply(ansible, *JOBS, *pause, **BLUE_IS_PRODUCTION)) > 0
    assert matrix(fresh) == [set(), set()]
    # neither a second pause nor a routine run changes that, not even after a swap
    assert changed(fresh.apply(ansible, *JOBS, *pause, **BLUE_IS_PRODUCTION)) == 0
    assert changed(fresh.apply(ansible, *JOBS, **BLUE_IS_PRODUCTION)) == 0
    fresh.apply(ansible, *JOBS, **GREEN_IS_PRODUCTION).succeeded()
    assert matrix(fresh) == [set(), set()]

    lift = ("-e", "gigadb_data_sync=active")
    assert changed(fresh.apply(ansible, *JOBS, *lift, **GREEN_IS_PRODUCTION)) > 0
    assert matrix(fresh) == [HOT_STANDBY, PRODUCTION]
    assert changed(fresh.apply(ansible, *JOBS, **GREEN_IS_PRODUCTION)) == 0


def test_while_one_side_is_lost_the_other_is_set_alone(fresh, ansible):
    lost = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9, "gigadb_role": "hot_standby"}
    roles = {"blue": lost, "green": {"gigadb_role": "production"}}
    fresh.apply(ansible, *JOBS, **roles).failed("UNREACHABLE")
    assert matrix(fresh) == [set(), set()]
    # the lost side stays in the inventory, which knows its addresses
    fresh.apply(ansible, *JOBS, "--limit", "green-live-bastion", **roles).succeeded()
    assert matrix(fresh) == [set(), PRODUCTION]


def test_without_a_clear_role_nothing_changes(fresh, ansible):
    fresh.apply(ansible, *JOBS, **BLUE_IS_PRODUCTION).succeeded()
    applied = everything(fresh)
    for extra in ((), ("-e", "gigadb_data_sync=paused"), ("-e", "gigadb_data_sync=active")):
        fresh.apply(ansible, *extra, green={"gigadb_role": "hot_standby"}).failed("role is not clear", "Nothing was changed")
        assert everything(fresh) == applied


def states(upload, reset, sync):
    return {
        "upload_database_backup_to_S3_cronjob_state": upload,
        "reset_database_cronjob_state": reset,
        "sync_dropboxes_cronjob_state": sync,
    }


def test_the_inventorys_states_turn_jobs_off(fresh, ansible):
    # an environment without data_sync: absent everywhere
    off = states("absent", "absent", "absent")
    fresh.apply(ansible, *JOBS, blue={"gigadb_role": "production"} | off, green={"gigadb_role": "hot_standby"} | off).succeeded()
    assert matrix(fresh) == [set(), set()]
    fresh.apply(
        ansible,
        *JOBS,
        blue={"gigadb_role": "production"} | states("present", "absent", "absent"),
        green={"gigadb_role": "hot_standby"} | states("absent", "present", "present"),
    ).succeeded()
    assert matrix(fresh) == [PRODUCTION, HOT_STANDBY]


@pytest.mark.parametrize(
    "extra",
    [
        "reset_database_cronjob_state=present",
        "upload_database_backup_to_S3_cronjob_state=present",
        "sync_dropboxes_cronjob_state=present",
    ],
)
def test_a_state_given_by_hand_puts_no_job_on_the_wrong_side(fresh, ansible, extra):
    fresh.apply(ansible, "-e", extra, **BLUE_IS_PRODUCTION).failed("Nothing was changed", extra.split("=", maxsplit=1)[0])
    assert matrix(fresh) == [set(), set()]
    assert not fresh.blue.programs.exists() and not fresh.green.programs.exists()


@pytest.mark.parametrize(
    "setting",
    [
        {"data_sync_backup_time": "25:99"},
        {"data_sync_restore_time": "10:05:00"},
        {"data_sync_backup_time": 1320},  # 22:00 without quotes
        {"data_sync_after_restore": "/bin/true"},
        {"data_sync_rclone_options": "--checksum"},
        {"data_sync_max_delete": "abc"},
        {"data_sync_max_delete": -5},
        {"data_sync_dropbox_directory": "/"},
    ],
    ids=str,
)
def test_a_setting_that_is_not_what_it_should_be_changes_nothing(fresh, ansible, setting):
    pristine = everything(fresh)
    by_color = {color: variables | setting for color, variables in BLUE_IS_PRODUCTION.items()}
    fresh.apply(ansible, **by_color).failed("settings are missing or contradict each other", "Nothing was changed", str(list(setting.values())[0]))
    assert everything(fresh) == pristine


def test_settings_are_written_down_as_they_are_meant(fresh, ansible):
    meant = {"data_sync_backup_time": "9:30", "data_sync_keep_previous_database": "no", "data_sync_max_delete": "5 %"}
    fresh.apply(ansible, **{color: variables | meant for color, variables in BLUE_IS_PRODUCTION.items()}).succeeded()
    assert jobs(fresh.blue) == {"s3backup": "09:30"}
    settings = (fresh.green.programs / "data-sync.conf").read_text().splitlines()
    assert {"BACKUP_TIME=0930", "KEEP_PREVIOUS_DATABASE=no", "MAX_DELETE=5"} <= set(settings)


def test_a_play_that_ignores_errors_is_stopped_all_the_same(fresh, ansible):
    play = fresh.root / "play.yml"
    play.write_text("- {hosts: all, gather_facts: false, ignore_errors: true, any_errors_fatal: true, roles: [gigascience.gigadb.data_sync]}\n")
    ansible.playbook(play, "-i", fresh.inventory(**BLUE_IS_PRODUCTION), "-e", "reset_database_cronjob_state=present").failed("Nothing was changed")
    assert matrix(fresh) == [set(), set()]


def test_a_wrong_word_or_one_side_alone_is_refused(fresh, ansible):
    pristine = everything(fresh)
    fresh.apply(ansible, "-e", "gigadb_data_sync=off", **BLUE_IS_PRODUCTION).failed("gigadb_data_sync", "paused")
    alone = {color: variables | {"data_sync_sides": {"gigascience-upstream-" + color: "192.0.2.1"}} for color, variables in BLUE_IS_PRODUCTION.items()}
    fresh.apply(ansible, **alone).failed("Nothing was changed", "only one side is listed")
    assert everything(fresh) == pristine
