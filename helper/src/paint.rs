//! Colors for what people look for first: from and to, states, results.
//!
//! Works on lines that are ready to be printed, so no text of others can bring a color along; the
//! words say the same without any color.

use anstyle::{AnsiColor, Style};

/// How a line of an answer is painted.
pub(crate) type Paint = fn(&str) -> String;

fn in_color(color: AnsiColor, text: &str) -> String {
    let style = Style::new().fg_color(Some(color.into()));
    format!("{style}{text}{style:#}")
}

fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// A line of a plan: what is there now, what it becomes, what stands in the way.
pub(crate) fn plan(line: &str) -> String {
    let step = ["  ~ ", "  + "].iter().any(|sign| line.starts_with(sign));
    if step
        && let Some((before, to)) = line.rsplit_once(" -> ")
        && let Some((object, from)) = before.split_once(": ")
    {
        let (from, to) = (
            in_color(AnsiColor::Red, from),
            in_color(AnsiColor::Green, to),
        );
        return format!("{object}: {from} -> {to}");
    }
    for (word, color) in [
        ("error[", AnsiColor::Red),
        ("Refused:", AnsiColor::Red),
        ("  ! ", AnsiColor::Red),
        ("warning[", AnsiColor::Yellow),
        ("waived[", AnsiColor::Yellow),
        ("  owed:", AnsiColor::Yellow),
        ("note:", AnsiColor::Cyan),
    ] {
        if let Some(rest) = line.strip_prefix(word) {
            return format!("{}{rest}", in_color(color, word));
        }
    }
    if line.starts_with("Would change ") || line.starts_with("No changes") {
        return bold(line);
    }
    line.to_owned()
}

/// A line of a status: the second word of a row is the state.
pub(crate) fn status(line: &str) -> String {
    const STATES: [(&str, AnsiColor); 4] = [
        ("consistent", AnsiColor::Green),
        ("prepared", AnsiColor::Cyan),
        ("mixed", AnsiColor::Yellow),
        ("unknown", AnsiColor::Red),
    ];
    if line.starts_with("ENVIRONMENT ") {
        return bold(line);
    }
    for (state, color) in STATES {
        let Some((environment, rest)) = line.split_once(' ') else {
            continue;
        };
        let row = rest.trim_start();
        let gap = &rest[..rest.len() - row.len()];
        if let Some(after) = row.strip_prefix(state)
            && !environment.is_empty()
            && (after.is_empty() || after.starts_with(' '))
        {
            return format!("{environment} {gap}{}{after}", in_color(color, state));
        }
    }
    line.to_owned()
}

/// A line of the checks: a row, or the heading of what to do, begins with the result.
pub(crate) fn check(line: &str) -> String {
    if line.starts_with("RESULT ") {
        return bold(line);
    }
    for (result, color) in [
        ("ok", AnsiColor::Green),
        ("failed", AnsiColor::Red),
        ("warning", AnsiColor::Yellow),
        ("not checked", AnsiColor::Cyan),
    ] {
        if let Some(rest) = line.strip_prefix(result)
            && rest.starts_with([' ', ':'])
        {
            return format!("{}{rest}", in_color(color, result));
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{check, plan, status};

    /// The line with every escape sequence as `<` or `>`.
    fn seen(line: &str) -> String {
        let mut shown = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            let (code, after) = after.split_once('m').unwrap();
            shown.push_str(before);
            shown.push(if code == "[0" { '>' } else { '<' });
            rest = after;
        }
        shown + rest
    }

    #[test]
    fn from_and_to_states_and_results_have_colors_and_nothing_else_has() {
        for (paint, line, expected) in [
            (
                plan as fn(&str) -> String,
                "  ~ A gigadb.org: 198.51.100.10 -> 203.0.113.10",
                "  ~ A gigadb.org: <198.51.100.10> -> <203.0.113.10>",
            ),
            (
                plan,
                "  + one KEY: a: b -> c -> https://d",
                "  + one KEY: <a: b -> c> -> <https://d>",
            ),
            (
                plan,
                "warning[https-ready]: x -> y",
                "<warning[>https-ready]: x -> y",
            ),
            (
                plan,
                "zone gigadb.org (one batch)",
                "zone gigadb.org (one batch)",
            ),
            (
                status,
                "live         consistent  production",
                "live         <consistent>  production",
            ),
            (status, "mixed        mixed", "mixed        <mixed>"),
            (status, "live is mixed:", "live is mixed:"),
            (status, "  - unknown mixed", "  - unknown mixed"),
            (check, "ok           topology", "<ok>           topology"),
            (check, "failed: dns", "<failed>: dns"),
            (check, "okay", "okay"),
        ] {
            assert_eq!(seen(&paint(line)), expected);
        }
    }
}
