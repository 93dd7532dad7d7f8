# Who is production, asked now. Sourced after common.bash.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # names are set here for whoever sources this, and the other way round

# Sets `role` (production, hot_standby or unclear), `production_side`, `reason` in words, and `asked` (yes, or no where
# nobody could be asked). With `certain`, the word of a cache is not enough: it may be old for as long as the record's TTL.
decide_role() { # [certain]
    local answer address side holders=()
    role=unclear production_side='' asked=yes
    if [[ -z ${SIDE_ADDRESSES[$THIS_SIDE]:-} ]]; then
        reason="the settings hold no address of this side, $THIS_SIDE"
        return
    fi
    if ! answer=$(resolve_apex "${1:-}"); then
        asked=no
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

# Decides beyond doubt. A question that nobody answers is asked again; an answer, whatever it is, is one.
decide_role_for_sure() {
    local attempt
    for attempt in 1 2 3; do
        [[ $attempt -eq 1 ]] || sleep 1
        decide_role certain
        [[ $asked == no ]] || break
    done
}

# Ends unless this side is hot standby, beyond doubt.
require_hot_standby() { # what unchanged [changed]
    decide_role_for_sure
    case $role in
        hot_standby) ;;
        production) fail "$1" "this side is production: $reason" "$2" 'run it on the hot standby' "${3:-}" ;;
        *)
            if [[ $asked == no ]]; then
                fail "$1" "who is production is not clear: $reason" "$2" \
                    "see that this host can ask the name servers of $APEX (dig, port 53), then run this again" "${3:-}"
            fi
            fail "$1" "who is production is not clear: $reason" "$2" \
                "put the records of $APEX in order (gigadb-roles status says what is wrong), then run this again" "${3:-}"
            ;;
    esac
}

# Prints what the apex resolves to, one answer a line; fails, with the reason printed, where nobody could be asked.
resolve_apex() { # [certain]
    local answer
    if [[ ${#RESOLVER_COMMAND[@]} -gt 0 ]]; then
        if [[ $1 == certain ]] && is_cache "${RESOLVER_COMMAND[@]}"; then
            printf '%s may answer from a cache, which can be old after a swap; set data_sync_resolver_command to a program that does not, or leave it out and install dig\n' \
                "${RESOLVER_COMMAND[0]##*/}"
            return 1
        fi
        answer=$("${RESOLVER_COMMAND[@]}" "$APEX" 2>/dev/null) || { echo "${RESOLVER_COMMAND[0]} failed"; return 1; }
        first_fields "$answer"
    elif command -v dig >/dev/null || command -v host >/dev/null; then
        if [[ -n $RESOLVER_SERVER ]]; then
            ask_server "$RESOLVER_SERVER" "$1"
        else
            ask_authoritative_servers
        fi
    elif [[ -n $RESOLVER_SERVER ]]; then
        echo "neither dig nor host is there to ask $RESOLVER_SERVER"
        return 1
    elif [[ $1 == certain ]]; then
        echo 'neither dig nor host is there, and getent may answer from a cache, which can be old after a swap; install dig'
        return 1
    else
        answer=$(getent ahostsv4 "$APEX") || { echo 'getent found nothing'; return 1; }
        first_fields "$answer"
    fi
}

# Programs that ask whatever resolver the machine has. A shell or `env` before them changes nothing.
is_cache() { # command
    local word words
    read -r -a words <<<"$*"
    for word in "${words[@]}"; do
        [[ $word != @* ]] || return 1 # dig @server: the operator's choice of a server
    done
    for word in "${words[@]}"; do
        case ${word##*/} in
            getent | resolvectl | systemd-resolve | nslookup | ping | dig | host | drill | kdig | delv) return 0 ;;
        esac
    done
    return 1
}

first_fields() { # text
    awk 'NF { print $1 }' <<<"$1"
}

# The authoritative servers know of a swap at once; a caching resolver may not for as long as the record's TTL.
ask_authoritative_servers() {
    local zone=$APEX servers='' server answer answered=''
    while [[ $zone == *.* && -z $servers ]]; do
        servers=$(name_servers "$zone") || servers=''
        zone=${zone#*.}
    done
    [[ -n $servers ]] || { echo 'its authoritative servers could not be found'; return 1; }
    for server in $servers; do
        # One server out of reach is no matter; an answer other than the others' makes the whole unclear.
        if answer=$(ask_server "$server" certain); then
            answered=yes
            printf '%s\n' "${answer:-none}"
        fi
    done
    [[ -n $answered ]] || { echo 'no authoritative server answered'; return 1; }
}

# Prints the names of a zone's servers; which they are changes seldom, so any resolver may say it.
name_servers() { # zone
    if command -v dig >/dev/null; then
        local servers
        servers=$(dig +short +time=3 +tries=2 NS "$1" 2>/dev/null) || return 1
        [[ $servers != *';'* ]] || return 1
        printf '%s\n' "$servers"
    else
        host -W 3 -t NS "$1" 2>/dev/null | awk '/ name server / { print $NF }'
    fi
}

# Prints what one server says. With `certain`, only of a server that says so as the zone's own.
ask_server() { # server[:port] [certain]
    local server=$1 port='' said
    if [[ $server =~ ^([^:]+):([0-9]+)$ ]]; then
        server=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
    fi
    if command -v dig >/dev/null; then
        said=$(dig +noall +comments +answer +time=3 +tries=2 ${port:+-p "$port"} A "$APEX" "@$server" 2>/dev/null) ||
            { echo "$1 did not answer"; return 1; }
    else
        said=$(host -v -W 3 ${port:+-p "$port"} -t A "$APEX" "$server" 2>/dev/null) ||
            grep --quiet 'status: NXDOMAIN' <<<"$said" || { echo "$1 did not answer"; return 1; }
    fi
    grep --quiet --extended-regexp '^;; ->>HEADER<<-.* status: (NOERROR|NXDOMAIN)' <<<"$said" || { echo "$1 did not answer"; return 1; }
    if [[ ${2:-} == certain ]] && ! grep --quiet --extended-regexp '^;; flags:[^;]* aa[ ;]' <<<"$said"; then
        echo "$1 answers from a cache, which can be old after a swap; name a server of the zone's own"
        return 1
    fi
    awk '$3 == "IN" && ($4 == "A" || $4 == "CNAME") { print $NF }' <<<"$said"
}
