# What s3backup, databaseReset and sync_dropboxes share: settings, messages, locks and keys.
# Sourced, never run; `here` is set by whoever sources it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # names are set here for whoever sources this, and the other way round

set -euo pipefail
umask 077
export LC_ALL=C

program=$(basename "$0")
invocation=("$@")
work=''

# Settings, written by the Ansible role data_sync into data-sync.conf beside this file.
ENVIRONMENT='' APEX='' THIS_SIDE='' BACKUPS='' DATABASE='' MAINTENANCE_DATABASE='postgres'
RESOLVER_SERVER='' WORK_DIRECTORY='' LOCK_DIRECTORY='' ROLE_CHECK_SECONDS=10
BACKUP_TIME='2200' LATEST_MAX_AGE_HOURS=48 KEEP_PREVIOUS_DATABASE='yes' RECONNECT_SECONDS=60
DROPBOX_DIRECTORY='' REPLACED_DIRECTORY='' DROPBOX_MARKER='.gigadb-dropboxes' MAX_DELETE=10 KEEP_DAYS=30
declare -A SIDE_ADDRESSES=() SIDE_DROPBOXES=()
RESOLVER_COMMAND=() RESTORE_OPTIONS=() RCLONE_OPTIONS=() AFTER_RESTORE=()

# Ends with a message: what failed and on what, why, what was and was not changed, what to do.
fail() { # what why unchanged hint [changed [status]]
    printf 'error: %s\n  caused by: %s\n  changed:     %s\n  not changed: %s\nhint: %s\n' "$1" "$2" "${5:-nothing}" "$3" "$4" >&2
    exit "${6:-1}"
}

say() {
    printf '%s: %s\n' "$program" "$1"
}

warn() {
    printf 'warning: %s\n' "$1" >&2
}

usage_error() { # why synopsis
    printf 'error: %s\n  changed:     nothing\nhint: %s\n' "$1" "$2" >&2
    exit 64
}

load_settings() {
    local file=$here/data-sync.conf name words=''
    if [[ ! -e $file ]]; then
        fail "cannot start $program" "there are no settings in $file" 'everything' \
            'run the Ansible role gigascience.gigadb.data_sync on this host'
    elif [[ ! -r $file ]]; then
        [[ ${#invocation[@]} -eq 0 ]] || printf -v words ' %q' "${invocation[@]}"
        fail "cannot start $program" "user $(id -un) may not read $file, which holds passwords" 'everything' \
            "run it as user $(stat --format=%U "$file"): sudo -u $(stat --format=%U "$file") $here/$program$words"
    fi
    # shellcheck source=/dev/null
    source "$file"
    for name in ENVIRONMENT APEX THIS_SIDE WORK_DIRECTORY LOCK_DIRECTORY; do
        [[ -n ${!name} ]] || fail "cannot start $program" "setting $name in $file is empty" 'everything' \
            'run the Ansible role gigascience.gigadb.data_sync on this host again'
    done
}

# Takes a lock that ends with this process and the programs it started.
take_lock() { # name
    exec 9>"$LOCK_DIRECTORY/$1.lock"
    flock --nonblock 9 || fail "cannot start $program" "another run holds $LOCK_DIRECTORY/$1.lock" 'everything' \
        'wait until it has ended, then run this again'
}

# A release is on its way while the jobs are paused: what nobody asked for by name must not replace its data.
refuse_while_paused() { # unchanged hint
    local mark=$LOCK_DIRECTORY/paused
    [[ ! -e $mark ]] || fail "refused to start $program" \
        "the synchronization jobs are paused since $(date --utc --reference="$mark" '+%Y-%m-%d %H:%M UTC')" "$1" "$2"
}

# Makes a private folder that is removed when the program ends; the lock is held, so those that are there belong to no run:
# they were left by one that was killed outright.
make_work_folder() {
    end_on_signals
    rm -rf -- "$WORK_DIRECTORY/$program".????????
    work=$(mktemp --directory "$WORK_DIRECTORY/$program.XXXXXXXX")
}

end_on_signals() {
    trap 'stopped 130' INT
    trap 'stopped 143' TERM HUP
    trap leave EXIT
}

# Each program says in `tell_stopped` what is and what is not changed by then.
stopped() { # status
    stop_job
    tell_stopped "$1"
}

# Replaced by programs that have more to tidy up.
leave() {
    stop_job
    remove_work_folder
}

remove_work_folder() {
    [[ -z $work ]] || rm -rf -- "$work"
}

# --- what may take hours

job=''

# Runs a command as a job: bash answers a signal only once the command under way has ended, but at once while it waits for a job.
at_length() { # command
    start_job "$@"
    wait_for_job
}

# A job ends with this program, even where that is killed outright: nobody would ask any more who is production.
start_job() { # command
    # It reads which job it is, and then a word once the job was waited for, or nothing where this program is gone.
    exec 8> >(exec bash -c 'trap "" INT TERM HUP; read -r job && { read -r _ || kill -TERM -- "-$job"; }' >/dev/null 2>&1 9>&-)
    job=starting
    set -m # a group of processes of its own, so that a stop reaches all of the job and nothing else
    { set +m; trap 'exit 143' TERM; trap '' INT TTIN TTOU; echo "$BASHPID" >&8; exec 8>&-; "$@"; } </dev/null &
    set +m
    job=$!
}

wait_for_job() {
    local status=0
    wait "$job" || status=$?
    [[ $status -eq 0 ]] || kill -TERM -- "-$job" 2>/dev/null || true # it may have been killed, and not what it had started
    forget_job
    return "$status"
}

stop_job() {
    [[ $job != starting ]] || job=${!:-}
    [[ -n $job ]] || return 0
    exec 8>&-
    kill -TERM -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
    forget_job
}

forget_job() {
    job=''
    (echo over >&8) 2>/dev/null || true
    exec 8>&-
}

# --- keys: YYYYMMDD from the nightly job, YYYYMMDDHHMM by hand, both UTC

# Prints the instant a key stands for, as YYYYMMDDHHMM; a bare date is the time of that night's job.
instant_of_key() { # key
    case ${#1} in
        8) printf '%s%s\n' "$1" "$BACKUP_TIME" ;;
        *) printf '%s\n' "$1" ;;
    esac
}

is_key() { # key
    [[ $1 =~ ^([0-9]{8})([0-9]{4})?$ ]] || return 1
    local day=${1:0:8} minute=${1:8}
    [[ $(date --utc --date="$day ${minute:0:2}${minute:+:}${minute:2}" "+%Y%m%d${minute:+%H%M}" 2>/dev/null) == "$1" ]]
}

# What the name of a dump begins with; its key and its ending follow.
dump_prefix() { # side
    printf 'gigadb_%s_%s_\n' "$1" "$ENVIRONMENT"
}

# The name of a dump of ours. Dumps of other tools have the same name with `.backup`, which we read and never write.
file_name() { # side key
    printf '%s%s.dump\n' "$(dump_prefix "$1")" "$2"
}

# Sets `listing` to the names in the bucket that begin so, with format `tp` each after the time it was written, in UTC;
# fails where the bucket could not be asked.
list_bucket() { # prefix [format]
    listing=$(TZ=UTC rclone lsf --files-only --max-depth 1 --use-server-modtime --separator ' ' --format "${2:-p}" \
        --include "/$1*" "$BACKUPS")
}

is_listed() { # name
    grep --quiet --line-regexp --fixed-strings -e "$1" <<<"$listing"
}

checksum_of() { # file, or standard input
    sha256sum ${1:+"$1"} | awk '{ print $1 }'
}
