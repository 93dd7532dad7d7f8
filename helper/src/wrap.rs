//! Sentences that fit the terminal: a line is broken between words, never inside a name or a
//! command that is copied.

/// Lines of these beginnings are sentences; every other line stays as long as it is.
const SENTENCES: [&str; 12] = [
    "error",
    "warning",
    "waived",
    "interrupted:",
    "note:",
    "  on:",
    "  changed:",
    "  next:",
    "  owed:",
    "  - ",
    "It is ",
    "Would change ",
];
/// Where the text of a message's part begins.
const PART: usize = 11;

/// The text with its sentences broken at `width` columns.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|one| line(one, width)).collect();
    lines.join("\n")
}

fn line(line: &str, width: usize) -> String {
    if SENTENCES.iter().any(|begins| line.starts_with(begins)) {
        sentence(line, width)
    } else {
        line.to_owned()
    }
}

/// One sentence, broken at `width` columns.
pub(crate) fn sentence(line: &str, width: usize) -> String {
    if length(line) <= width {
        return line.to_owned();
    }
    let part = ["  on:", "  changed:", "  next:"]
        .iter()
        .any(|begins| line.starts_with(begins));
    broken(line, width, if part { PART } else { 4 })
}

/// The lines that a sentence takes where none may be longer than `width`: broken between words,
/// and within one that is longer still.
pub(crate) fn folded(sentence: &str, width: usize) -> Vec<String> {
    let broken = broken(sentence, width, 2);
    let mut lines = Vec::new();
    for line in broken.split('\n') {
        let letters: Vec<char> = line.chars().collect();
        let pieces = letters.chunks(width.max(1));
        lines.extend(pieces.map(|piece| piece.iter().collect()));
    }
    lines
}

fn broken(line: &str, width: usize, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let mut shown = String::new();
    let mut columns = 0;
    for word in words(line) {
        let wide = length(word.trim_end());
        let fresh = shown.is_empty() || columns == indent.len();
        if !fresh && columns + wide > width {
            shown.truncate(shown.trim_end().len());
            shown.push('\n');
            shown.push_str(&indent);
            columns = indent.len();
        }
        shown.push_str(word);
        columns += length(word);
    }
    shown
}

/// How many columns a text takes; scripts with wide letters take more, and then the terminal breaks.
fn length(text: &str) -> usize {
    text.chars().count()
}

/// The words with the blanks after them; what stands in backquotes is one word.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut blank) = (0, false, true);
    for (at, c) in line.char_indices() {
        if c != ' ' && blank && at > start && !quoted && !line[start..at].trim().is_empty() {
            words.push(&line[start..at]);
            start = at;
        }
        quoted ^= c == '`';
        blank = c == ' ';
    }
    words.push(&line[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::{folded, wrapped};

    #[test]
    fn sentences_are_broken_between_words_and_what_is_copied_is_not() {
        let text = "\
warning: The lease is held by `deployer` since yesterday.
  next:    Run `gigadb-roles unlock gigadb-1:host` once it is over.
  ~ A a.very.long.name.example.org: 198.51.100.10 -> 203.0.113.10";
        assert_eq!(
            wrapped(text, 40),
            "\
warning: The lease is held by `deployer`
    since yesterday.
  next:    Run
           `gigadb-roles unlock gigadb-1:host`
           once it is over.
  ~ A a.very.long.name.example.org: 198.51.100.10 -> 203.0.113.10"
        );
        assert_eq!(wrapped(text, 200), text);
        let long = "note: averyverylongwordthatfitsnowhereatall `an odd";
        assert_eq!(
            wrapped(long, 20),
            "note:\n    averyverylongwordthatfitsnowhereatall\n    `an odd"
        );
    }

    #[test]
    fn what_is_drawn_over_is_never_wider() {
        let text = "Ask `a b` of averyverylongname, then go on.";
        let lines = [
            "Ask `a b`",
            "  of",
            "  averyvery",
            "longname,",
            "  then go",
            "  on.",
        ];
        assert_eq!(folded(text, 11), lines);
        assert_eq!(folded(text, 80), [text]);
    }
}
