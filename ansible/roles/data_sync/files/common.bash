# What s3backup, databaseReset and sync_dropboxes share: settings, messages, locks, keys, and who is production.
# Sourced, never run; `here` is set by whoever sources it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # names are set here for whoever sources this, and the other way round

set -euo pipefail
umask 077
export LC_ALL=C

program=$(basename "$0")
work=''

# Settings, written by the Ansible role data_sync into data-sync.conf beside this file.
ENVIRONMENT='' APEX='' THIS_SIDE='' BACKUPS='' DATABASE='' MAINTENANCE_DATABASE='postgres'
RESOLVER_SERVER='' WORK_DIRECTORY='' LOCK_DIRECTORY=''
BACKUP_TIME='2200' LATEST_MAX_AGE_HOURS=48 KEEP_PREVIOUS_DATABASE='yes'
DROPBOX_DIRECTORY='' REPLACED_DIRECTORY=''
declare -A SIDE_ADDRESSES=() SIDE_DROPBOXES=()
RESOLVER_COMMAND=() RESTORE_OPTIONS=() RCLONE_OPTIONS=()

# Ends with a message: what failed and on what, why, what was and was not changed, what to do.
fail() { # what why unchanged hint [changed]
    printf 'error: %s\n  caused by: %s\n  changed:     %s\n  not changed: %s\nhint: %s\n' "$1" "$2" "${5:-nothing}" "$3" "$4" >&2
    exit 1
}

say() {
    printf '%s: %s\n' "$program" "$1"
}

usage_error() { # why synopsis
    printf 'error: %s\n  changed:     nothing\nhint: %s\n' "$1" "$2" >&2
    exit 64
}

load_settings() {
    local file=$here/data-sync.conf name
    [[ -r $file ]] || fail "cannot start $program" "there are no settings in $file" 'everything' \
        'run the Ansible role gigascience.gigadb.data_sync on this host, and this program as the user it names'
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

# Makes a private folder that is removed when the program ends, however it ends.
make_work_folder() {
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    trap leave EXIT
    work=$(mktemp --directory "$WORK_DIRECTORY/$program.XXXXXXXX")
}

# Replaced by programs that have more to tidy up.
leave() {
    remove_work_folder
}

remove_work_folder() {
    [[ -z $work ]] || rm -rf -- "$work"
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

file_name() { # side key
    printf 'gigadb_%s_%s_%s.backup\n' "$1" "$ENVIRONMENT" "$2"
}

# --- who is production, asked now

# Sets `role` (production, hot_standby or unclear), `production_side`, and `reason` in words.
decide_role() {
    local answer address side holders=()
    role=unclear production_side=''
    if [[ -z ${SIDE_ADDRESSES[$THIS_SIDE]:-} ]]; then
        reason="the settings hold no address of this side, $THIS_SIDE"
        return
    fi
    if ! answer=$(resolve_apex); then
        reason="$APEX could not be resolved: ${answer:-the resolver failed}"
        return
    fi
    answer=$(sort --unique <<<"$answer" | sed '/^$/d')
    if [[ -z $answer ]]; then
        reason="$APEX has no address"
        return
    fi
    if [[ $answer == *$'\n'* ]]; then
        reason="$APEX has more than one answer: ${answer//$'\n'/, }"
        return
    fi
    if [[ ! $answer =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]]; then
        reason="$APEX resolves to $answer, which is no IPv4 address"
        return
    fi
    for side in "${!SIDE_ADDRESSES[@]}"; do
        for address in ${SIDE_ADDRESSES[$side]}; do
            [[ $address != "$answer" ]] || holders+=("$side")
        done
    done
    case ${#holders[@]} in
        0) reason="$APEX resolves to $answer, an address of neither side" ;;
        1)
            production_side=${holders[0]}
            reason="$APEX resolves to $answer, an address of $production_side"
            role=hot_standby
            [[ $production_side != "$THIS_SIDE" ]] || role=production
            ;;
        *) reason="$APEX resolves to $answer, which the settings give to more than one side" ;;
    esac
}

# Prints what the apex resolves to, one answer a line; fails, with the reason printed, where nobody could be asked.
resolve_apex() {
    local answer
    if [[ ${#RESOLVER_COMMAND[@]} -gt 0 ]]; then
        answer=$("${RESOLVER_COMMAND[@]}" "$APEX" 2>/dev/null) || { echo "${RESOLVER_COMMAND[0]} failed"; return 1; }
        first_fields "$answer"
    elif command -v dig >/dev/null; then
        if [[ -n $RESOLVER_SERVER ]]; then
            ask_with_dig "$RESOLVER_SERVER" || { echo "$RESOLVER_SERVER did not answer"; return 1; }
        else
            ask_authoritative_servers
        fi
    elif command -v host >/dev/null; then
        ask_with_host || { echo 'host failed'; return 1; }
    elif [[ -n $RESOLVER_SERVER ]]; then
        echo "neither dig nor host is there to ask $RESOLVER_SERVER"
        return 1
    else
        answer=$(getent ahostsv4 "$APEX") || { echo 'getent found nothing'; return 1; }
        first_fields "$answer"
    fi
}

first_fields() { # text
    awk 'NF { print $1 }' <<<"$1"
}

ask_with_dig() { # server
    local answer
    answer=$(dig +short +time=3 +tries=2 A "$APEX" "@$1" 2>/dev/null) || return 1
    [[ $answer != ';'* ]] || return 1
    printf '%s\n' "$answer"
}

# The authoritative servers know of a swap at once; a caching resolver may not for as long as the record's TTL.
ask_authoritative_servers() {
    local zone=$APEX servers='' server answer answered=''
    while [[ $zone == *.* && -z $servers ]]; do
        servers=$(dig +short +time=3 +tries=2 NS "$zone" 2>/dev/null) || servers=''
        [[ $servers != *';'* ]] || servers=''
        zone=${zone#*.}
    done
    [[ -n $servers ]] || { echo 'its authoritative servers could not be found'; return 1; }
    for server in $servers; do
        # One server out of reach is no matter; an answer other than the others' makes the whole unclear.
        if answer=$(ask_with_dig "$server"); then
            answered=yes
            printf '%s\n' "${answer:-none}"
        fi
    done
    [[ -n $answered ]] || { echo 'no authoritative server answered'; return 1; }
}

ask_with_host() {
    local answer
    answer=$(host -W 3 -t A "$APEX" ${RESOLVER_SERVER:+"$RESOLVER_SERVER"} 2>/dev/null) || return 1
    awk '/ has address / { print $NF } / is an alias for / { print $NF }' <<<"$answer"
}

# --- dumps

# Says what is wrong with a dump, or nothing: whether all of it is there is only known once all of it was read.
fault_of_dump() { # file
    local list
    [[ -s $1 ]] || { echo 'it is empty'; return; }
    list=$(pg_restore --list "$1" 2>&1) || { echo "pg_restore cannot list it: ${list##*$'\n'}"; return; }
    grep --quiet ' TABLE DATA ' <<<"$list" || { echo 'it holds no table data'; return; }
    list=$(pg_restore --file=/dev/null "$1" 2>&1) || echo "pg_restore cannot read it to its end: ${list##*$'\n'}"
}

checksum_of() { # file, or standard input
    sha256sum ${1:+"$1"} | awk '{ print $1 }'
}
