# Dumps of both kinds: what they are, whether all of them is there, and how they get into a database.
# Sourced after common.bash.
# shellcheck shell=bash
# shellcheck disable=SC2154  # names are set by whoever sources this

# Prints what a file is by its first bytes: archive (pg_dump's custom or tar format), plain, gzip, empty or unknown.
kind_of_dump() { # file
    local begin
    [[ -s $1 ]] || { echo empty; return; }
    begin=$(head --bytes=8 "$1" | od -A n -t x1 | tr -d ' \n')
    case $begin in
        5047444d50*) echo archive ;;     # PGDMP
        746f632e646174*) echo archive ;; # toc.dat, the first file of the tar format
        1f8b*) echo gzip ;;
        *)
            if head --bytes=4096 "$1" | grep --quiet --text --extended-regexp '^-- PostgreSQL database (cluster )?dump'; then
                echo plain
            else
                echo unknown
            fi
            ;;
    esac
}

# Says what is wrong with a dump, or nothing: whether all of it is there is only known once all of it was read.
fault_of_dump() { # file
    local said
    case $(kind_of_dump "$1") in
        empty) echo 'it is empty' ;;
        archive)
            said=$(pg_restore --list "$1" 2>&1) || { echo "pg_restore cannot list it: ${said##*$'\n'}"; return; }
            grep --quiet ' TABLE DATA ' <<<"$said" || { echo 'it holds no table data'; return; }
            said=$(pg_restore --file=/dev/null "$1" 2>&1) || echo "pg_restore cannot read it to its end: ${said##*$'\n'}"
            ;;
        plain)
            said=$(awk -v report=1 -f "$here/plain-dump.awk" "$1") || true
            said=${said##*$'\n'}
            [[ $said == 'tables '* ]] || echo "${said#fault }"
            ;;
        *) echo 'it begins neither like a custom-format dump nor like a plain one' ;;
    esac
}

# How many tables a sound dump holds.
tables_of_dump() { # file
    if [[ $(kind_of_dump "$1") == archive ]]; then
        pg_restore --list "$1" | grep --count ' TABLE DATA '
    else
        awk -v report=1 -f "$here/plain-dump.awk" "$1" | sed --quiet 's/^tables //p'
    fi
}

# What of an archive is not carried: the database itself, privileges, what needs rights that no owner of a database has,
# and the schema that every new database has.
not_carried='ACL|DEFAULT ACL|DATABASE|DATABASE PROPERTIES|SECURITY LABEL|SUBSCRIPTION|PUBLICATION|PUBLICATION TABLE'
not_carried+='|SCHEMA - public|COMMENT - (SCHEMA public|EXTENSION|DATABASE)'

# Restores a dump into an empty database; what fails is on standard error.
restore_dump() { # file database
    if [[ $(kind_of_dump "$1") == archive ]]; then
        pg_restore --list "$1" >"$1.all"
        grep --invert-match --extended-regexp "^[0-9]+; [0-9]+ [0-9]+ ($not_carried) " "$1.all" >"$1.list"
        pg_restore --exit-on-error --no-owner --no-privileges --no-tablespaces --use-list="$1.list" \
            ${RESTORE_OPTIONS[@]+"${RESTORE_OPTIONS[@]}"} --dbname="$2" "$1"
    else
        awk -f "$here/plain-dump.awk" "$1" |
            psql --no-psqlrc --quiet --output=/dev/null --set=ON_ERROR_STOP=1 --dbname="$2"
    fi
}
