//! The commands of a shell script, as far as a reader without a shell can tell them.

/// One command of a pipeline.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// The line that it begins in.
    pub(super) line: usize,
    pub(super) words: Vec<String>,
    /// Whether its output goes to the command after it.
    pub(super) piped: bool,
}

/// Commands that only look at, name or remove what they are given.
const LOOKS: [&str; 29] = [
    ":",
    "[",
    "[[",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cmp",
    "command",
    "diff",
    "du",
    "echo",
    "file",
    "grep",
    "head",
    "ls",
    "md5sum",
    "pkill",
    "printf",
    "readlink",
    "rm",
    "sha256sum",
    "stat",
    "tail",
    "test",
    "type",
    "unlink",
    "wc",
    "which",
];
/// Commands that put their last word in place.
const PLACES: [&str; 8] = ["cp", "curl", "install", "ln", "mv", "rsync", "tee", "wget"];
/// Words before the command itself.
const BEFORE: [&str; 13] = [
    "!", "then", "do", "else", "if", "elif", "while", "until", "{", "exec", "sudo", "nohup", "time",
];

/// What a command does with a file that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Looks,
    Places,
    Runs,
}

impl Command {
    /// The command's own name and what follows it.
    pub(super) fn own(&self) -> &[String] {
        let start = self.words.iter().position(|word| {
            let assigns = word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            });
            !assigns && !BEFORE.contains(&word.as_str())
        });
        start.map_or(&[], |start| &self.words[start..])
    }

    /// What it does with the one of its words for which `is` holds.
    pub(super) fn does(&self, is: impl Fn(&str) -> bool) -> Option<Does> {
        let words = self.own();
        let at = words.iter().rposition(|word| is(word))?;
        let name = base(&words[0]);
        // `command -v` asks, `command` alone runs.
        if name == "command" && words.get(1).is_some_and(|word| !word.starts_with('-')) {
            return Some(Does::Runs);
        }
        if at > 0 && words[at - 1].ends_with('>') {
            return Some(Does::Places);
        }
        Some(if at > 0 && LOOKS.contains(&name) {
            Does::Looks
        } else if at > 0 && PLACES.contains(&name) {
            if at + 1 == words.len() || matches!(name, "curl" | "wget" | "tee") {
                Does::Places
            } else {
                Does::Looks
            }
        } else {
            Does::Runs
        })
    }
}

/// What follows the last `/`.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The commands of `text`, in their order. Where its quotes do not end, as an apostrophe in a text
/// between commands makes them, each line is read for itself.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let (commands, whole) = read(text, 1);
    if whole {
        return commands;
    }
    let lines = text.lines().enumerate();
    lines.flat_map(|(at, line)| read(line, at + 1).0).collect()
}

struct Reader {
    commands: Vec<Command>,
    command: Command,
    word: Option<String>,
    line: usize,
}

impl Reader {
    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            if self.command.words.is_empty() {
                self.command.line = self.line;
            }
            self.command.words.push(word);
        }
    }

    fn end(&mut self, piped: bool) {
        self.end_word();
        let mut command = std::mem::take(&mut self.command);
        if !command.words.is_empty() {
            command.piped = piped;
            self.commands.push(command);
        } else if piped && let Some(last) = self.commands.last_mut() {
            last.piped = true;
        }
    }
}

/// The commands, and whether every quote and bracket ended.
fn read(text: &str, line: usize) -> (Vec<Command>, bool) {
    let mut reader = Reader {
        commands: Vec::new(),
        command: Command::default(),
        word: None,
        line,
    };
    // What is open: `"`, `(` of a substitution, or a backquote.
    let mut open: Vec<char> = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let quoted = open.last() == Some(&'"');
        match c {
            '\\' => match rest.next() {
                // `autocrlf` puts a CR between the two.
                Some('\r') if rest.next_if_eq(&'\n').is_some() => reader.line += 1,
                Some('\n') => reader.line += 1,
                Some(other) => reader.push(other),
                None => {}
            },
            // What Jinja puts in is one piece of a word.
            '{' if rest.peek() == Some(&'{') => {
                reader.push(c);
                let mut last = c;
                for inner in rest.by_ref() {
                    reader.line += usize::from(inner == '\n');
                    reader.push(inner);
                    if inner == '}' && last == '}' {
                        break;
                    }
                    last = inner;
                }
            }
            '$' if rest.peek() == Some(&'(') => {
                rest.next();
                open.push('(');
                reader.end(false);
            }
            '`' if open.last() == Some(&'`') => {
                open.pop();
                reader.end(false);
            }
            '`' => {
                open.push('`');
                reader.end(false);
            }
            '"' if quoted => {
                open.pop();
            }
            '"' => {
                open.push('"');
                reader.word.get_or_insert_default();
            }
            _ if quoted => {
                reader.line += usize::from(c == '\n');
                reader.push(c);
            }
            '\'' => {
                reader.word.get_or_insert_default();
                let mut ended = false;
                for inner in rest.by_ref() {
                    if inner == '\'' {
                        ended = true;
                        break;
                    }
                    reader.line += usize::from(inner == '\n');
                    reader.push(inner);
                }
                if !ended {
                    return (reader.commands, false);
                }
            }
            '#' if reader.word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '(' => {
                open.push('(');
                reader.end(false);
            }
            ')' => {
                if open.last() == Some(&'(') {
                    open.pop();
                }
                reader.end(false);
            }
            '|' => {
                let either = rest.next_if_eq(&'|').is_some();
                rest.next_if_eq(&'&');
                reader.end(!either);
            }
            // `2>&1` and `&>file` are no ends.
            '&' if reader
                .word
                .as_deref()
                .is_some_and(|w| w.ends_with(['>', '<']))
                || rest.peek() == Some(&'>') =>
            {
                reader.push(c);
            }
            ';' | '&' => reader.end(false),
            '\n' => {
                // A pipe at the end of a line goes on in the next one.
                reader.end(false);
                reader.line += 1;
            }
            c if c.is_whitespace() => reader.end_word(),
            c => reader.push(c),
        }
    }
    reader.end(false);
    (reader.commands, open.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_texts() {
        let words = |text: &str| {
            let commands = commands(text);
            let lines = commands.iter().map(|one| {
                let pipe = if one.piped { " |" } else { "" };
                format!("{}: {}{pipe}", one.line, one.words.join(","))
            });
            lines.collect::<Vec<_>>().join("; ")
        };
        for (text, expected) in [
            ("a b; c", "1: a,b; 1: c"),
            (
                "x=$(a 'b c' \\\n | jq -r .d)",
                "1: x=; 1: a,b c |; 2: jq,-r,.d",
            ),
            ("x=\"$(a | b)\"", "1: x=; 1: a |; 1: b"),
            ("x=`a | b`", "1: x=; 1: a |; 1: b"),
            ("a |\r\n  b", "1: a |; 2: b"),
            ("a \\\r\n  b", "1: a,b"),
            ("echo \"a | b\" # c", "1: echo,a | b"),
            ("a || b && c 2>&1", "1: a; 1: b; 1: c,2>&1"),
            (
                "a {{ b | default('c') }} | d",
                "1: a,{{ b | default('c') }} |; 1: d",
            ),
            ("it's\na", "2: a"),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_looked_at_is_not_run() {
        let does = |text: &str| {
            let mut commands = commands(text).into_iter();
            commands.find_map(|one| one.does(|word| word == "/p"))
        };
        for (text, expected) in [
            ("/p x", Some(Does::Runs)),
            ("sudo -u centos A=b /p", Some(Does::Runs)),
            ("cd /tmp && exec /p", Some(Does::Runs)),
            ("bash /p latest", Some(Does::Runs)),
            ("command /p", Some(Does::Runs)),
            ("command -v /p", Some(Does::Looks)),
            ("ls -l /p", Some(Does::Looks)),
            ("rm -f /p", Some(Does::Looks)),
            ("cp /p /q", Some(Does::Looks)),
            ("install -m 755 /q /p", Some(Does::Places)),
            ("curl -o /p https://x.example", Some(Does::Places)),
            ("cat /q > /p", Some(Does::Places)),
            ("echo '/p x'", None),
        ] {
            assert_eq!(does(text), expected, "{text}");
        }
    }
}
