//! Text that somebody else wrote: values of variables, names of branches, tags, error texts.
//!
//! It may hold characters that move a terminal's cursor, break a line in two or turn text around,
//! so that what is read is not what is there. Every such character is shown as a visible one.
//! Nothing here changes a value: it is how a value is *printed*.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// How a line that goes on begins.
const INDENTED: &str = "    ";

/// A text of somebody else's, printed on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign<'a>(pub &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(visible(c)))
    }
}

/// A text of several lines that holds text of others: its line breaks and tabs stay, everything
/// else that is not seen is shown as with [`Foreign`].
pub fn block(text: &str) -> String {
    let shown = |c| match c {
        '\n' | '\t' => c,
        _ => visible(c),
    };
    text.chars().map(shown).collect()
}

/// One part of a message, which may quote others in backquotes and have lists of its own on lines
/// that are indented. A line break inside backquotes is somebody else's and is shown; after any
/// other the text goes on indented, so that no text can begin a line as a message does. An indented
/// line ends a quotation: somebody else's single backquote must not glue our lists into one line.
pub fn part(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut quoted = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        quoted ^= c == '`';
        let indented = c == '\n' && rest.as_str().starts_with(INDENTED);
        quoted &= !indented;
        match c {
            '\n' if !quoted => {
                shown.push('\n');
                if !indented {
                    shown.push_str(INDENTED);
                }
            }
            _ => shown.push(visible(c)),
        }
    }
    shown
}

/// The text of a JSON document, in which the same characters are written as escapes: the document
/// keeps its meaning.
pub fn json(document: &str) -> Cow<'_, str> {
    let kept = |c: char| matches!(c, '\n' | '\t' | '\r') || !is_hidden(c);
    if is_plain(document) || document.chars().all(kept) {
        return Cow::Borrowed(document);
    }
    let mut text = String::with_capacity(document.len());
    for c in document.chars() {
        if kept(c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(text)
}

/// Whether a text is plain ASCII of some lines. Parts of it are looked at as a whole, without an end at
/// the first byte that is not: the machine then compares many bytes at a time.
fn is_plain(text: &str) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r');
    let mut parts = text.as_bytes().chunks(64);
    parts.all(|part| part.iter().fold(true, |all, byte| all & plain(byte)))
}

fn visible(c: char) -> char {
    match c {
        '\n' => '⏎',
        '\t' => ' ',
        // Control pictures: ESC is shown as one small ESC.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ if is_hidden(c) => '\u{fffd}',
        _ => c,
    }
}

/// Whether a character is not seen, ends a line or changes the direction of others: controls,
/// format characters and fillers of Unicode 16, without those that emoji are composed with.
fn is_hidden(c: char) -> bool {
    // Nearly every character is one of these.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}[2A\u{1b}]0;x\u{7}\r\nb\u{202e}c\u{85}\u{9b}2J\u{2028}\u{200b}\u{7f}\u{e0041}d";

    #[test]
    fn nothing_unseen_is_left_and_one_line_stays_one() {
        assert_eq!(
            Foreign(HOSTILE).to_string(),
            "a␛[2A␛]0;x␇␍⏎b\u{fffd}c\u{fffd}\u{fffd}2J\u{fffd}\u{fffd}␡\u{fffd}d"
        );
        assert_eq!(Foreign("").to_string(), "");
        assert_eq!(
            Foreign("São Paulo 香港 “x”").to_string(),
            "São Paulo 香港 “x”"
        );
    }

    #[test]
    fn every_hidden_character_is_replaced_by_one_that_is_seen() {
        for c in '\0'..=char::MAX {
            let shown = Foreign(c.encode_utf8(&mut [0; 4])).to_string();
            assert!(!shown.chars().any(is_hidden), "{c:?}");
            assert_eq!(shown.chars().count(), 1, "{c:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else() {
        assert_eq!(block("a\n\tb\u{1b}[0m\r\n"), "a\n\tb␛[0m␍\n");
    }

    #[test]
    fn no_part_begins_a_line_as_a_message_does() {
        assert_eq!(
            part("`a\nb`:\n    c\n    d\n  changed: x\u{1b}[A"),
            "`a⏎b`:\n    c\n    d\n      changed: x␛[A"
        );
    }

    #[test]
    fn a_single_backquote_of_somebody_elses_glues_nothing() {
        for (text, shown) in [
            (
                "refused: can`t do\n    a,\n    b\nNever sent\n    c",
                "refused: can`t do\n    a,\n    b\n    Never sent\n    c",
            ),
            (
                "t:2:1: `x`\n      2 | web: owner`s\n        | ^\nt:3:1: `a\nb`\n      3 | `\n        | ^",
                "t:2:1: `x`\n      2 | web: owner`s\n        | ^\n    t:3:1: `a⏎b`\n      3 | `\n        | ^",
            ),
            ("`a\nb`s` c\n  d", "`a⏎b`s` c⏎  d"),
        ] {
            assert_eq!(part(text), shown);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "{\n  \"a\": \"x\u{202e}\u{7f}\u{e0041}ü\"\n}";
        assert_eq!(
            json(text),
            "{\n  \"a\": \"x\\u202e\\u007f\\udb40\\udc41ü\"\n}"
        );
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(text), value(&json(text)));
    }
}
