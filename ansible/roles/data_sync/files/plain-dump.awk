# Reads a plain dump of pg_dump, and prints what of it belongs into a database that is already there:
# neither the database itself (DROP DATABASE, CREATE DATABASE, \connect: they would reach the one in use), nor owners,
# privileges and tablespaces of the source, nor what `--clean` would remove from a database that is empty.
# psql would run any other command that begins with a backslash on this machine, so those are a fault.
#
# -v report=1 prints no statement, but `tables N` (how many it creates) or `fault WHY` as its last line.
# The state of the reader: `quote` is what the text is within ('' for none, ' for a string, e for a string with
# escapes, " for a name, $tag$, or * for a comment), `code` is the beginning of the statement without comments and strings,
# `tail` is the end of a long one, and `text` is all of it.

function fault(why) {
    if (problem == "") problem = why
    if (!report) exit 1
}

function add(part) {
    if (length(code) < 4000) {
        code = code part
        return
    }
    tail = tail part
    if (length(tail) > 4000) tail = substr(tail, length(tail) - 999)
}

function finish(    said, words) {
    said = code tail
    gsub(/[ \t\r\n]+/, " ", said)
    sub(/^ /, "", said)
    words = toupper(said)
    if (!carried(words)) {
        text = ""
    } else if (words ~ /^CREATE SCHEMA / && words !~ /^CREATE SCHEMA IF NOT EXISTS /) {
        sub(/CREATE SCHEMA /, "CREATE SCHEMA IF NOT EXISTS ", text)
    }
    if (words ~ /^CREATE (UNLOGGED )?TABLE /) tables++
    if (words ~ /^(CREATE|INSERT|COPY) /) created = 1
    if (words ~ /^INSERT INTO /) data++
    copying = words ~ /^COPY .* FROM STDIN/
    if (copying) {
        data++
        table = said
        sub(/^COPY /, "", table)
        sub(/ .*/, "", table)
    }
    if (words ~ /^SET STANDARD_CONFORMING_STRINGS = OFF/) fault("it was written with standard_conforming_strings off")
    if (!report) printf "%s", text
    text = code = tail = ""
    complete = 0
}

# Whether a statement belongs into the restored database.
function carried(words) {
    if (words ~ /^(DROP|CREATE|ALTER) DATABASE /) return 0
    if (words ~ /^(COMMENT|SECURITY LABEL)( FOR [^ ]+)? ON DATABASE /) return 0
    if (words ~ /^COMMENT ON (EXTENSION |SCHEMA PUBLIC )/) return 0
    if (words ~ /^(GRANT|REVOKE) / || words ~ /^ALTER DEFAULT PRIVILEGES /) return 0
    if (words ~ /^(CREATE|ALTER|DROP) (ROLE|USER|GROUP|TABLESPACE|SUBSCRIPTION|PUBLICATION) / && words !~ /^(CREATE|ALTER|DROP) USER MAPPING /) return 0
    if (words ~ /^(SET|RESET) (SESSION AUTHORIZATION|ROLE)/) return 0
    if (words ~ /^SET DEFAULT_TABLESPACE = [^']/ || words ~ /^SET TRANSACTION_TIMEOUT = 0/) return 0
    if (words ~ /^SECURITY LABEL /) return 0
    if (words ~ /^ALTER .* OWNER TO [^ ]+$/ || words ~ /^ALTER .* OWNER TO "[^"]*"$/) return 0
    if (!created && (words ~ /^DROP / || words ~ /^ALTER .* DROP (CONSTRAINT|DEFAULT|IDENTITY)/)) return 0
    return 1
}

# A command of psql's own: the dump's way to its database, and its marks against commands hidden in data.
function command(line) {
    if (line ~ /^\\connect /) {
        if (target != "" && target != line) fault("it is a dump of several databases")
        target = line
    } else if (line !~ /^\\(un)?restrict [A-Za-z0-9]+$/) {
        fault("it holds a command that pg_dump does not write: " substr(line, 1, 40))
    }
}

# The end of the string, name or comment that the text is within; prints what follows it into `rest`.
function leave_quote(    at) {
    if (quote == "*") {
        if (!match(rest, /\*\/|\/\*/)) { rest = ""; return }
        depth += substr(rest, RSTART, 2) == "/*" ? 1 : -1
        rest = substr(rest, RSTART + 2)
        if (depth == 0) quote = ""
        return
    }
    if (quote == "e") {
        if (!match(rest, /'|\\./)) { rest = ""; return }
        if (substr(rest, RSTART, 1) == "'") quote = ""
        rest = substr(rest, RSTART + RLENGTH)
        return
    }
    at = index(rest, quote)
    if (quote == "\"") add(at ? substr(rest, 1, at) : rest)
    if (!at) { rest = ""; return }
    rest = substr(rest, at + length(quote))
    quote = ""
}

function enter_quote(mark, before) {
    if (mark == "'") {
        add("'")
        quote = before ~ /(^|[^A-Za-z0-9_$"])[eE]$/ ? "e" : "'"
    } else if (mark == "\"") {
        add("\"")
        quote = "\""
    } else if (before !~ /[A-Za-z0-9_$]$/ && match(rest, /^([A-Za-z_][A-Za-z0-9_]*)?\$/)) {
        quote = "$" substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
    } else {
        add(mark)
    }
}

# Goes through one line outside of a table's data.
function read_line(line,    mark, before, start) {
    rest = line
    start = line
    while (rest != "") {
        if (quote != "") { leave_quote(); continue }
        if (!match(rest, /['"$;\\]|--|\/\*/)) { add(rest); break }
        before = substr(rest, 1, RSTART - 1)
        mark = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        add(before)
        if (mark == "--") {
            if (code ~ /^[ \t\r\n]*$/ && rest ~ /^ PostgreSQL database dump complete$/) complete = 1
            if (rest ~ /^ PostgreSQL database cluster dump$/) fault("it is a dump of a whole server")
            break
        }
        if (mark == "/*") { quote = "*"; depth = 1; continue }
        if (mark == "\\") {
            if (code ~ /^[ \t\r\n]*$/ && before == "" && start == line && length(rest) + 1 == length(line)) {
                command(line)
                return 0
            }
            fault("it holds a backslash where pg_dump writes none: " substr("\\" rest, 1, 40))
            return 0
        }
        if (mark == ";") {
            text = text substr(start, 1, length(start) - length(rest)) "\n"
            start = rest
            finish()
            continue
        }
        enter_quote(mark, before)
    }
    if (start == line || start ~ /[^ \t\r]/) text = text start "\n"
    add(" ")
    return 1
}

copying {
    if (!report) print
    if ($0 == "\\.") copying = 0
    next
}

problem == "" { read_line($0) }

END {
    if (problem == "" && copying) problem = "it ends within the data of table " table
    if (problem == "" && (quote != "" || code ~ /[^ \t\r\n]/)) problem = "it ends within a statement"
    if (problem == "" && !complete) problem = "its last line, \"PostgreSQL database dump complete\", is missing"
    if (problem == "" && !data) problem = "it holds no table data"
    if (report) print (problem == "" ? "tables " tables + 0 : "fault " problem)
    if (problem != "") {
        if (!report) print problem > "/dev/stderr"
        exit 1
    }
}
