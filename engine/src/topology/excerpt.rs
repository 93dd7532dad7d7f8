//! The line of the file that a fault is in, with a caret below its place.
//!
//! Invariant: what stands in `notify` is never repeated, nor any line with a URL. It may be the address of a webhook,
//! which is a secret, in the place of the variable's name, also below a key that is misspelt.

use std::fmt::Write as _;

use super::Place;
use crate::foreign::Foreign;

/// How many characters of a line are shown; of a longer one, those around the place.
const WIDTH: usize = 72;
/// Lines of more bytes are not shown: a file in one line that is wrong all over would take too long.
const LONGEST: usize = 4_000;
/// How many characters before the place are shown of a longer line.
const BEFORE: usize = 40;
/// The keys whose values are never shown.
const PRIVATE: [&str; 2] = ["notify", "url_variable"];
/// What a URL holds.
const OF_URLS: &str = "://";

/// The lines of a file that may be shown.
pub(super) struct Excerpts<'a>(Vec<Option<&'a str>>);

impl<'a> Excerpts<'a> {
    /// Those of `source`: without URLs, and without what belongs to a private key, which is all below it that is neither to its left nor
    /// the next key beside it.
    pub(super) fn of(source: &'a str) -> Self {
        let mut private_from: Option<usize> = None;
        let lines = source.trim_start_matches('\u{feff}').lines().map(|line| {
            let content = line.trim_start();
            let indent = line.len() - content.len();
            let begins_key =
                content.starts_with(|c: char| c.is_alphanumeric() || "\"'".contains(c));
            if PRIVATE.iter().any(|key| line.contains(key)) {
                private_from = Some(indent);
            } else if begins_key && private_from.is_some_and(|from| indent <= from) {
                private_from = None;
            }
            let is_shown = private_from.is_none()
                && !line.contains(OF_URLS)
                && !content.is_empty()
                && line.len() <= LONGEST;
            is_shown.then_some(line)
        });
        Self(lines.collect())
    }

    /// Two lines, indented: the line at `place`, and a caret. `None` where the place is no character of a line that
    /// may be shown.
    pub(super) fn at(&self, place: Place) -> Option<String> {
        let line = (*self.0.get(place.line.checked_sub(1)?)?)?;
        let column = place.column.checked_sub(1)?;
        let length = line.chars().count();
        if column > length {
            return None;
        }
        let first = if length <= WIDTH {
            0
        } else {
            column.saturating_sub(BEFORE)
        };
        let shown: String = line.chars().skip(first).take(WIDTH).collect();
        let before = if first > 0 { "…" } else { "" };
        let after = if first + WIDTH < length { "…" } else { "" };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        let offset = " ".repeat(column - first + before.chars().count());
        let mut text = format!("      {number} | {before}{}{after}", Foreign(&shown));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n      {gutter} | {offset}^");
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::Topology;
    use super::*;

    fn at(source: &str, line: usize, column: usize) -> String {
        let place = Place { line, column };
        Excerpts::of(source).at(place).unwrap_or_default()
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        assert_snapshot!(at("version: 1\nendpoints:\n  web: { eip: x }\n", 3, 10), @r"
            3 |   web: { eip: x }
              |          ^
        ");
        assert_snapshot!(at("a: \u{1b}[2Jb\u{202e}c\n", 1, 4), @r"
            1 | a: ␛[2Jb�c
              |    ^
        ");
        assert_snapshot!(at("\u{feff}a: b\n", 1, 1), @r"
            1 | a: b
              | ^
        ");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let line = format!("{}HERE{}", "a".repeat(200), "b".repeat(200));
        let text = at(&line, 1, 201);
        let (shown, caret) = text.split_once('\n').unwrap();
        assert!(shown.chars().count() < 90, "{text}");
        let column = caret.chars().position(|c| c == '^').unwrap();
        assert!(
            shown
                .chars()
                .skip(column)
                .collect::<String>()
                .starts_with("HERE"),
            "{text}"
        );
        assert_eq!(shown.matches('…').count(), 2, "{text}");
    }

    #[test]
    fn a_file_in_one_line_is_not_shown() {
        assert_ne!(at(&"a".repeat(LONGEST), 1, 1), "");
        assert_eq!(at(&"a".repeat(LONGEST + 1), 1, 1), "");
    }

    #[test]
    fn a_place_outside_of_the_file_has_no_line() {
        for (line, column) in [(0, 1), (1, 0), (2, 1), (9, 1), (1, 9)] {
            assert_eq!(at("a: b\n\n", line, column), "", "{line}:{column}");
        }
    }

    /// In every form that YAML has for it, and with any fault beside it.
    #[test]
    fn the_address_of_a_webhook_is_never_repeated() {
        let secret = "https://hooks.example/T0/B0/SECRET";
        let forms = [
            format!("version: 1\nnotify:\n- url_variable: {secret}\n  format: no\n"),
            format!("version: 1\nnotify:\n  - url_variable:\n      {secret}\n    format: no\n"),
            format!("version: 1\nnotify: [{{ url_variable: \"{secret}\", format: no }}]\n"),
            format!("{{ \"version\": 1, \"notify\": [{{ \"url_variable\": \"{secret}\" }}] }}\n"),
            format!(
                "{{\n  \"version\": 1,\n  \"notify\": [\n    {{\n      \"url_variable\":\n        \"{secret}\"\n    }}\n  ]\n}}\n"
            ),
            format!("version: 1\nnotify:\n- url_variable: >-\n    {secret}\n"),
            format!("version: 1\nnotify:\n\t- url_variable: {secret}\n"),
            format!("version: 1\n'notify':\n- {secret}: [\n"),
            format!("version: 1\nnotfy: [{{ url_variable: \"{secret}\" }}]\n"),
            format!("version: 1\nnotfy:\n- url_variable:\n    {secret}\n"),
            format!("version: 1\nwebhook: {secret}\n"),
            format!("version: 1\nwebhooks:\n- {{ url: {secret} }}\n"),
        ];
        for form in forms {
            let faults = Topology::parse(&form).unwrap_err();
            let told = faults.render("t.yaml", &form);
            assert!(!told.contains("SECRET"), "{form}\n{told}");
            for (index, line) in form.lines().enumerate() {
                for column in 1..=line.chars().count() + 1 {
                    let shown = at(&form, index + 1, column);
                    assert!(!shown.contains("SECRET"), "{form}\n{shown}");
                }
            }
            assert!(
                at(&form, 1, 1).contains('1') || form.starts_with('{'),
                "{form}"
            );
        }
        let after = "notify:\n- url_variable: A\nrelease:\n  deploy: x\n";
        assert_ne!(at(after, 4, 3), "");
    }
}
