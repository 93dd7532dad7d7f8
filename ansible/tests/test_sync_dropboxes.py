"""sync_dropboxes with a real rclone."""

from __future__ import annotations

import datetime
import fcntl
import shutil

import pytest
from sides import ADDRESSES, WHO_RUNS_IT

FOUR_PARTS = ("error: ", "caused by: ", "changed:     nothing", "not changed: ", "hint: ")


def tree(folder):
    """The files of a folder, but for the marker, which is each side's own."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MARKER)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


MARKER = ".gigadb-dropboxes"
# Enough files that one of them is less than a tenth.
SAME = {"same/%d" % number: "same" for number in range(20)}


@pytest.fixture
def dropboxes(pair):
    write(pair.blue.dropboxes, SAME | {"user1/reads.fq": "new reads", "user2/notes.txt": "notes"})
    write(pair.green.dropboxes, SAME | {"user1/reads.fq": "old", "user9/only-here.txt": "kept"})
    for side in pair.sides:
        assert str(side.dropboxes) in side.run("sync_dropboxes", "--mark").succeeded().stdout
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


def test_an_empty_missing_or_wrong_source_empties_nothing(dropboxes):
    before = tree(dropboxes.green.dropboxes)
    blue = dropboxes.blue.dropboxes

    def refused(*words):
        dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, *words, status=1)
        assert tree(dropboxes.green.dropboxes) == before

    # the marker is another side's: the place leads to the machine itself, or is production's no longer
    (blue / MARKER).write_text((dropboxes.green.dropboxes / MARKER).read_text())
    refused("belongs to gigascience-upstream-green live, not to gigascience-upstream-blue live")
    (blue / MARKER).unlink()
    refused("has no marker file .gigadb-dropboxes", "--mark")
    shutil.rmtree(blue)
    refused("could not list")
    blue.mkdir()
    refused("has no marker file")
    # a marker is enough by its presence, as made by `touch`; but then there is too much to remove
    (blue / MARKER).touch()
    refused("22 of its 22 files are not in", "at most 10 % of them (2)")


def test_where_this_sides_own_file_system_is_not_mounted_nothing_is_copied_below_it(dropboxes):
    green = dropboxes.green
    green.settings("MAX_DELETE=100")
    (green.dropboxes / MARKER).write_text((dropboxes.blue.dropboxes / MARKER).read_text())
    green.run("sync_dropboxes").failed(*FOUR_PARTS, "belongs to gigascience-upstream-blue live, not to gigascience-upstream-green live", status=1)
    for gone in (lambda: [shutil.rmtree(green.dropboxes), green.dropboxes.mkdir()], green.dropboxes.rmdir):
        gone()
        green.run("sync_dropboxes").failed(*FOUR_PARTS, "it has no marker file .gigadb-dropboxes", "mounted", status=1)
        assert not green.dropboxes.exists() or not list(green.dropboxes.iterdir())
    # as made by `touch`
    green.dropboxes.mkdir()
    (green.dropboxes / MARKER).touch()
    green.run("sync_dropboxes").succeeded()


# --- a copy that ends half-way

HALF_WAY = {
    "the copy fails": "exit 1",
    "the roles change": "wait for it",
    "it is stopped": "kill -TERM $top; wait for it",
    "it is killed": "kill -KILL $top; wait for it",
}


@pytest.mark.parametrize("case", HALF_WAY)
def test_a_copy_that_ends_half_way_leaves_no_file_missing(dropboxes, case):
    """rclone takes a file out of its place before its new one is there."""
    green = dropboxes.green
    green.settings("ROLE_CHECK_SECONDS=0")
    before = tree(green.dropboxes)
    shadow = green.shadow(
        "rclone",
        WHO_RUNS_IT + 'wait() { for ((i = 0; i < 600; i++)); do sleep 0.05; done; exit 1; }\n'
        'case $1 in sync)\n'
        '    taken=$5; [[ $4 == --backup-dir ]]; mkdir -p "$taken/user1" "$taken/user9" "$taken/same"\n'
        '    mv "$3/user1/reads.fq" "$taken/user1"; mv "$3/user9/only-here.txt" "$taken/user9"; mv "$3/same/1" "$3/same/2" "$taken/same"\n'
        '    echo new >"$3/same/1"\n'
        '    %s\n    %s ;;\nesac\nPATH=${PATH#*:} exec rclone "$@"\n'
        % (dropboxes.then_answer(ADDRESSES["green"]) if case == "the roles change" else ":", HALF_WAY[case].replace("wait for it", "wait")),
    )
    done = green.run("sync_dropboxes")
    assert done.status != 0
    shadow.unlink()
    if case == "it is killed":
        # the next run does it, and what is production by then is told where its files are
        dropboxes.production_is("green")
        green.run("sync_dropboxes").failed("an earlier copy ended half-way", "rclone move --ignore-existing", "this side is production", status=1)
        dropboxes.production_is("blue")
        green.settings("check_deletions() { exit 9; }")
        assert "Put back what an earlier copy had taken out" in green.run("sync_dropboxes").failed(status=9).stdout
    else:
        done.failed("is kept in")
    (run,) = green.replaced.iterdir()
    assert tree(green.dropboxes) == before | {"same/1": "new\n"}
    assert tree(run) == {"same/1": "same"}


def test_each_side_keeps_its_own_marker(dropboxes):
    before = [(side.dropboxes / MARKER).read_text() for side in dropboxes.sides]
    dropboxes.green.run("sync_dropboxes").succeeded()
    assert [(side.dropboxes / MARKER).read_text() for side in dropboxes.sides] == before
    assert before == ["gigascience-upstream-blue live\n", "gigascience-upstream-green live\n"]


@pytest.mark.parametrize("limit, more, allowed", [(10, 1, True), (10, 2, False), (0, 0, False), (50, 9, True), (100, 500, True)])
def test_no_more_is_removed_than_may_be(dropboxes, limit, more, allowed):
    """Beside what is there, so many files more are on the standby only; 10 % of 23 are two, of 24 too."""
    green = dropboxes.green
    green.settings("MAX_DELETE=%d" % limit)
    write(green.dropboxes, {"gone/%d" % number: "gone" for number in range(more)})
    before = tree(green.dropboxes)
    done = green.run("sync_dropboxes")
    if allowed:
        done.succeeded()
        assert tree(green.dropboxes) == tree(dropboxes.blue.dropboxes)
        (run,) = green.replaced.iterdir()
        assert len(tree(run)) == more + 2
    else:
        done.failed(*FOUR_PARTS, "%d of its %d files" % (more + 1, len(before)), status=1)
        assert tree(green.dropboxes) == before


def test_what_vanishes_from_the_source_during_the_copy_is_limited_too(dropboxes):
    green = dropboxes.green
    blue = dropboxes.blue.dropboxes
    green.shadow("rclone", 'case $1 in sync) rm -r "%s/same" ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n' % blue)
    done = green.run("sync_dropboxes").failed("could not bring", "is kept in", status=1)
    assert "changed:     nothing" not in done.stderr
    assert sum(name.startswith("same/") for name in tree(green.dropboxes)) >= 18


def test_what_was_replaced_is_kept_for_so_many_days(dropboxes):
    green = dropboxes.green
    now = datetime.datetime.now(datetime.timezone.utc)
    old, young = ((now - datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%S") for days in (31, 29))
    write(green.replaced, {old + "/a": "a", young + "/b": "b", "20200101/c": "not a run's", "notes-20200101000000/d": "not either"})
    (green.replaced / "20200101000000").symlink_to(green.dropboxes)
    kept = {young, "20200101", "notes-20200101000000", "20200101000000"}

    # nothing is pruned by a run that fails
    dropboxes.apex()
    green.run("sync_dropboxes").failed(status=1)
    assert {path.name for path in green.replaced.iterdir()} == kept | {old}
    dropboxes.production_is("blue")
    green.settings("KEEP_DAYS=0")
    green.run("sync_dropboxes").succeeded()
    assert {path.name for path in green.replaced.iterdir()} > kept | {old}
    green.settings("KEEP_DAYS=30")
    green.run("sync_dropboxes").succeeded()
    assert {path.name for path in green.replaced.iterdir()} > kept
    assert not (green.replaced / old).exists() and tree(green.dropboxes)


# --- a swap while it copies


def slow(side, then):
    """A copy that waits at its beginning for as long as its test wants, once `then` has happened."""
    side.settings("ROLE_CHECK_SECONDS=0")
    return side.shadow(
        "rclone",
        'case $1 in sync) trap "touch $HOME/stopped; exit 1" TERM; %s\n'
        '    touch "$HOME/copying"; for ((i = 0; i < 1200; i++)); do [[ ! -e $HOME/go ]] || break; sleep 0.05; done ;; esac\n'
        'PATH=${PATH#*:} exec rclone "$@"\n' % then,
    )


@pytest.mark.parametrize(
    "addresses, words",
    [
        ([ADDRESSES["green"]], "this side became production during the copy"),
        (list(ADDRESSES.values()), "no longer clear: gigadb.test has more than one answer"),
        (["198.51.100.7"], "an address of neither side"),
        ([], "has no address"),
        (None, "could not be resolved"),
    ],
)
def test_a_change_of_roles_stops_the_copy(dropboxes, addresses, words):
    green = dropboxes.green
    slow(green, "rm %s/apex" % dropboxes.root if addresses is None else dropboxes.then_answer(*addresses))
    before = tree(green.dropboxes)
    green.run("sync_dropboxes").failed("error: stopped the copy", words, "changed: perhaps", "put back", status=1)
    assert (green.root / "stopped").exists()
    assert tree(green.dropboxes) == before


def test_a_change_at_the_very_end_is_told_as_well(dropboxes):
    green = dropboxes.green
    green.settings("ROLE_CHECK_SECONDS=600")
    green.shadow("rclone", 'PATH=${PATH#*:}\nrclone "$@" || exit\ncase $1 in sync) %s ;; esac\n' % dropboxes.then_answer(ADDRESSES["green"]))
    done = green.run("sync_dropboxes").failed("stopped the copy", "this side became production", "what was replaced or removed is kept in", status=1)
    (run,) = green.replaced.iterdir()
    assert str(run) in done.stderr and tree(run) == {"user1/reads.fq": "old", "user9/only-here.txt": "kept"}


def test_one_question_without_an_answer_does_not_stop_a_copy(dropboxes):
    green = dropboxes.green
    slow(green, "mv %s/apex %s/later" % (dropboxes.root, dropboxes.root))
    green.settings("sleep() { [[ ! -e $HOME/copying ]] || { mv %s/later %s/apex 2>/dev/null; touch $HOME/go; }; command sleep 0.1; }" % (dropboxes.root, dropboxes.root))
    green.run("sync_dropboxes").succeeded()


@pytest.mark.parametrize("words", ["sync*", "lsf*--recursive*"])
@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_a_stop_stops_the_copy_as_well(dropboxes, signal, words):
    """Whoever is killed outright asks no longer who is production: the copy must not go on without it."""
    green = dropboxes.green
    before = tree(green.dropboxes)
    shadow = green.shadow_that_is_stopped("rclone", words, signal)
    green.settings("ROLE_CHECK_SECONDS=600")
    done = green.run("sync_dropboxes").failed(status=143 if signal == "TERM" else -9)
    if signal == "TERM":
        done.failed("error: stopped sync_dropboxes", "changed: perhaps new files" if words == "sync*" else "changed: nothing", "hint: ")
    assert (green.root / "stopped").exists() and tree(green.dropboxes) == before
    shadow.unlink()
    green.run("sync_dropboxes").succeeded()


def test_a_copy_holds_the_lock_for_as_long_as_it_runs(dropboxes):
    green = dropboxes.green
    green.shadow("rclone", 'case $1 in sync) readlink /proc/$$/fd/9 >"$HOME/held" ;; esac\nPATH=${PATH#*:} exec rclone "$@"\n')
    green.run("sync_dropboxes").succeeded()
    assert (green.root / "held").read_text().strip() == str(green.root / "state" / "dropboxes.lock")


def test_a_stop_right_after_its_start_stops_the_copy_as_well(dropboxes):
    green = dropboxes.green
    slow(green, ":")
    # The first thing that the program does after it has started the copy, its only job, is to be stopped.
    green.settings(
        "MAX_DELETE=100\nset -o functrace\n"
        "trap '[[ ${job:-} != starting || ${seen:=${!:-}} == \"${!:-}\" || -n ${hit:-} ]] || { hit=1; while [[ ! -e $HOME/copying ]]; do command sleep 0.05; done; kill -TERM $$; }' DEBUG"
    )
    green.run("sync_dropboxes").failed(status=143)
    assert (green.root / "stopped").exists()


def test_two_runs_at_once_are_refused_and_so_are_arguments(dropboxes):
    with (dropboxes.green.root / "state" / "dropboxes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "another run holds", status=1)
    dropboxes.green.run("sync_dropboxes", "--force").failed("unknown argument --force", status=64)
    (dropboxes.green.programs / "data-sync.conf").unlink()
    dropboxes.green.run("sync_dropboxes").failed(*FOUR_PARTS, "there are no settings", status=1)
