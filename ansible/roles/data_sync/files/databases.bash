# The databases of this side: the one in use, the copy beside it, and how one takes the place of the other.
# Sourced by databaseReset after common.bash.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # names are set here for whoever sources this, and the other way round

# Longer names are cut by PostgreSQL, and two that differ at their end would become one.
check_names() {
    [[ -n $DATABASE ]] || fail "cannot start $program" 'setting DATABASE is empty' 'everything' \
        'run the Ansible role gigascience.gigadb.data_sync on this host again'
    [[ ${#DATABASE} -le 53 ]] || fail "cannot start $program" "the name of database $DATABASE is longer than 53 bytes" "database $DATABASE" \
        'give the database a shorter name'
}

sql() { # psql arguments; statements on standard input
    psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --set="target=$DATABASE" \
        --set="previous=${DATABASE}_previous" --set="dropping=${DATABASE}_dropping" --set="scratch=${DATABASE}_restoring" \
        --dbname="$MAINTENANCE_DATABASE" "$@"
}

drop_database() { # name
    sql --set="name=$1" >/dev/null 2>&1 <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' AND backend_type = 'client backend';
DROP DATABASE IF EXISTS :"name";
SQL
}

create_beside() {
    sql <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L%s',
              :'scratch', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype,
              CASE more ->> 'datlocprovider'
                WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(more ->> 'datlocale', more ->> 'daticulocale'))
                WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', more ->> 'datlocale')
                ELSE ''
              END)
  FROM (SELECT *, to_jsonb(d) AS more FROM pg_database d) AS d WHERE datname = :'target'
UNION ALL
SELECT format('CREATE DATABASE %I', :'scratch') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'target')
\gexec
SQL
}

# A dump of one schema needs the extensions of its database and does not have them, so the copy gets those of the database
# in use. One that may not be made is either in the dump, or the restore names what it lacks.
create_extensions() {
    MAINTENANCE_DATABASE=$DATABASE sql >"$work/extensions" 2>/dev/null <<'SQL' || return 0
SELECT format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I;', extname, nspname)
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE nspname = 'public' ORDER BY e.oid;
SQL
    psql --no-psqlrc --quiet --output=/dev/null --dbname="$scratch" --file="$work/extensions" 2>/dev/null || true
}

count_tables() { # database
    MAINTENANCE_DATABASE=$1 sql <<'SQL'
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%';
SQL
}

oid_of() { # name
    sql --set="name=$1" <<<"SELECT oid FROM pg_database WHERE datname = :'name';"
}

# --- what hangs on the database itself: privileges, limit, settings and comment of the one that is replaced

# Gives the copy those of properties.sql that the command after the restore works with; no limit, and no ban on writing.
set_properties() { # stage
    sql --set="stage=$1" >/dev/null <"$here/properties.sql" || fail_properties $?
}

# Finds out early whether this user may: a restore takes hours.
try_properties() {
    sql --set=stage=all >/dev/null <<SQL || fail_properties $?
BEGIN;
$(<"$here/properties.sql")
ROLLBACK;
SQL
}

fail_properties() { # psql's status: 3 where a statement failed
    [[ $1 -eq 3 ]] || fail "could not ask for the privileges, limit and settings of database $DATABASE" 'psql failed, see above' \
        "database $DATABASE" 'check the connection, then run this again'
    fail "cannot keep the privileges, limit and settings of database $DATABASE" \
        "user ${PGUSER:-} may not give all of them to a new database, see psql above" "database $DATABASE" \
        "give ${PGUSER:-that user} the right that psql names (CREATEROLE for settings of roles), or take that setting back, then run this again"
}

# Writes the statements that give the privileges on tables, schemas and other objects of the database in use into
# `$work/grants`. Where they cannot be read, nothing may take its place: after a swap, it is production's.
read_grants() {
    local oid
    : >"$work/grants"
    oid=$(oid_of "$DATABASE") || fail_grants 'psql failed, see above'
    [[ -n $oid ]] || return 0
    pg_dump --schema-only --format=custom --file="$work/target" --dbname="$DATABASE" || fail_grants 'pg_dump could not read them, see above'
    pg_restore --list "$work/target" >"$work/target.all" || fail_grants 'pg_restore could not list them, see above'
    awk '/^[0-9]+; [0-9]+ [0-9]+ (ACL|DEFAULT ACL) / && !/^[0-9]+; [0-9]+ [0-9]+ ACL - DATABASE /' "$work/target.all" >"$work/target.list" ||
        fail_grants "they could not be written to $work, see above"
    [[ -s $work/target.list ]] || return 0
    pg_restore --use-list="$work/target.list" --file="$work/grants" "$work/target" || fail_grants 'pg_restore could not write them, see above'
    # Who gave one to whom is not kept: only a superuser may speak for others.
    sed --in-place '/^SET SESSION AUTHORIZATION /d' "$work/grants" || fail_grants "they could not be written to $work, see above"
}

fail_grants() { # why
    fail "cannot keep the privileges on the objects of database $DATABASE" "$1" "database $DATABASE" \
        "correct what is named above (where a right is missing: ${PGUSER:-the user} reads each table, and a privilege that it may not give must go), then run this again"
}

# Finds out early whether they can be read, and whether this user may give those that need no object of the dump.
try_grants() {
    read_grants
    { printf '%s\n' 'BEGIN;' '\set ON_ERROR_ROLLBACK on' && cat "$work/grants" && echo 'ROLLBACK;'; } >"$work/tried" ||
        fail_grants "they could not be written to $work, see above"
    give "$work/tried"
}

# Gives the copy the privileges that the database in use has by now.
# Those of an object that is gone with the new data are told, and cannot be kept.
keep_grants() {
    read_grants
    give "$work/grants"
    [[ $gone -eq 0 ]] || warn "$gone privileges of database $DATABASE are not kept, the first because: $first"
}

# Sets `gone` to how many of these statements are about what the copy does not have, and `first` to what the server says
# of the first of them. Whatever else keeps one from taking effect ends the program.
give() { # file
    local said lost='^(42P01|42703|42704|42809|42883|3F000): '
    psql --no-psqlrc --quiet --output=/dev/null --set=VERBOSITY=verbose --dbname="$scratch" --file="$1" 2>"$work/said" ||
        { cat "$work/said" >&2; fail_grants 'psql failed, see above'; }
    # A code tells in whatever language the server speaks; 01006 and 01007 warn that nothing was taken or given.
    said=$(sed --quiet --regexp-extended 's/^psql:.*:[0-9]+: [^ ]+:  (0100[67]|[1-9A-Z][0-9A-Z]{4}|0[3-9A-Z][0-9A-Z]{3}): /\1: /p' "$work/said")
    gone=$(grep --count --extended-regexp "$lost" <<<"$said") || true
    first=$(sed --quiet --regexp-extended "/$lost/{s/^.{7}//p;q}" <<<"$said")
    said=$(grep --extended-regexp --invert-match "$lost|^$" <<<"$said") || return 0
    fail_grants "of the restored copy the server says: ${said%%$'\n'*}"
}

# --- the point of no return

# Renames in one transaction: whoever connects finds the old database or the new one.
put_in_place() {
    local attempt new_oid holder=as_before
    new_oid=$(oid_of "$scratch") || fail "could not put $dump in place" 'psql failed, see above' "database $DATABASE" \
        'check the connection, then run this again'
    drop_database "${DATABASE}_dropping" || fail "could not drop database ${DATABASE}_dropping" 'psql failed' "database $DATABASE" \
        'see who uses it, then run this again'
    for attempt in 1 2 3 4 5; do
        check_side_again
        # Nothing may stop this program between the renames and its word on them.
        trap '' INT TERM HUP
        if rename_databases; then
            holder=in_place
        else
            look_who_holds_the_name "$new_oid"
            [[ $holder != in_place ]] || warn "the connection was lost after the renames were sent; a second look shows that they were done"
        fi
        case $holder in
            in_place)
                scratch='' placed=yes
                break
                ;;
            unknown)
                scratch=''
                fail "it is not known whether $dump was put in place" \
                    "the connection was lost while the databases were renamed, and nobody could be asked since: $(<"$work/rename")" \
                    "the data: database $DATABASE is the one it was or the restored one, oid $new_oid, and whole" \
                    "once the server answers, see which it is: psql --dbname=$MAINTENANCE_DATABASE --command=\"SELECT oid, datname FROM pg_database WHERE datname LIKE '$DATABASE%'\"" \
                    "perhaps database $DATABASE"
                ;;
        esac
        end_on_signals
        # Programs may connect again between the two lines; PostgreSQL then waits five seconds and refuses.
        [[ $attempt -lt 5 ]] || fail "could not rename ${DATABASE}_restoring to $DATABASE" "$(<"$work/rename")" "database $DATABASE" \
            'stop the programs that keep connecting to it, then run this again'
    done
    end_on_signals
    drop_database "${DATABASE}_dropping" || say "Could not drop ${DATABASE}_dropping; the next run does."
    if [[ $KEEP_PREVIOUS_DATABASE != yes ]]; then
        drop_database "${DATABASE}_previous" || say "Could not drop ${DATABASE}_previous; the next run does."
    fi
}

rename_databases() {
    session=databaseReset-$$-$RANDOM
    PGAPPNAME=$session sql --set=stage=all >/dev/null 2>"$work/rename" <<SQL
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname IN (:'target', :'previous', :'scratch') AND backend_type = 'client backend';
BEGIN;
$(<"$here/properties.sql")
SELECT format('ALTER DATABASE %I RENAME TO %I', :'previous', :'dropping')
 WHERE EXISTS (SELECT FROM pg_database WHERE datname = :'previous') AND EXISTS (SELECT FROM pg_database WHERE datname = :'target')
\gexec
SELECT format('ALTER DATABASE %I RENAME TO %I', :'target', :'previous') WHERE EXISTS (SELECT FROM pg_database WHERE datname = :'target')
\gexec
ALTER DATABASE :"scratch" RENAME TO :"target";
COMMIT;
SQL
}

# Sets `holder` to what the server says, once no session of the renames is left there: in_place, as_before or unknown.
look_who_holds_the_name() { # oid of the copy
    local end=$((SECONDS + RECONNECT_SECONDS)) said
    holder=unknown
    while :; do
        if said=$(sql --set="session=$session" 2>/dev/null <<'SQL'
SELECT 'left', count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = :'session' AND pid <> pg_backend_pid();
SELECT 'oid', oid FROM pg_database WHERE datname = :'target';
SELECT 'copy', oid FROM pg_database WHERE datname = :'scratch';
SQL
        ) && grep --quiet --line-regexp 'left|0' <<<"$said"; then
            holder=as_before
            ! grep --quiet --line-regexp "oid|$1" <<<"$said" || holder=in_place
            return
        fi
        [[ $SECONDS -lt $end ]] || return 0
        sleep 1
    done
}
