//! Text of others inside Markdown: it is shown, and never markup.

use std::fmt::Write as _;

use gigadb_engine::foreign::Foreign;

use crate::page;

/// The longest text that is shown whole, in characters.
const LONGEST: usize = 300;

/// A text on one line, without characters that are not seen or that turn text around.
pub(crate) fn whole(text: &str) -> String {
    Foreign(text).to_string()
}

/// The same, cut where it is very long.
pub(crate) fn line(text: &str) -> String {
    let mut line: String = whole(text).chars().take(LONGEST).collect();
    let length = text.chars().count();
    if length > LONGEST {
        let _ = write!(line, "… ({length} characters)");
    }
    line
}

/// A code span, which nothing inside can end. In a table `cell` keeps its bars from ending the cell.
pub(crate) fn code(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Markdown inside a table: GitLab takes `\|` for a bar there, in code too, and only there.
pub(crate) fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

/// A text in HTML.
pub(crate) fn html(text: &str) -> String {
    page::escaped(&line(text))
}

/// A name as running text where it is an ordinary one, else as code.
pub(crate) fn name(text: &str) -> String {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '/');
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(ordinary)
        && !text.to_ascii_lowercase().starts_with("www.")
        && text.len() <= LONGEST;
    if plain { text.to_owned() } else { code(text) }
}

/// A label of a Mermaid diagram, in quotes: everything unusual as a number.
/// <https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>
pub(crate) fn label(text: &str) -> String {
    let mut label = String::new();
    for c in line(text).chars() {
        if c == '-' {
            // Mermaid breaks lines at an ordinary hyphen, in the middle of a name.
            label.push('\u{2011}');
        } else if c.is_alphanumeric() || matches!(c, ' ' | '.' | '_' | '(' | ')' | ',' | '/') {
            label.push(c);
        } else {
            let _ = write!(label, "#{};", u32::from(c));
        }
    }
    label
}
