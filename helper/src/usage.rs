//! A command line that cannot be parsed, told as everything else is told.

use clap::error::ErrorKind;

use crate::{exit::Exit, failure::Failure};

/// What the parser refused; none where it answered (help, the version), with the exit code then.
pub(crate) fn refused(error: &clap::Error) -> Result<Failure, Exit> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Err(Exit::Success),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(Exit::Usage),
        _ => Ok(told(&error.render().to_string())),
    }
}

/// The parser's own text, by paragraphs: what is wrong, tips, the usage, where to read more.
fn told(text: &str) -> Failure {
    let mut paragraphs = text.split("\n\n").map(joined);
    let what = paragraphs.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let mut next: Vec<String> = Vec::new();
    let mut usage = None;
    for paragraph in paragraphs {
        if let Some(tip) = paragraph.strip_prefix("tip: ") {
            next.push(sentence(tip));
        } else if let Some(line) = paragraph.strip_prefix("Usage: ") {
            usage = Some(line.to_owned());
        }
    }
    let object = match usage {
        Some(usage) => format!("the command line, which is used like this: {usage}"),
        None => "the command line".to_owned(),
    };
    next.push("Correct it, and run the command again; --help shows all that it takes.".to_owned());
    Failure::usage(sentence(&what), object, next.join(" "))
}

/// A paragraph as one line.
fn joined(paragraph: &str) -> String {
    let lines = paragraph.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    let mut sentence: String = first.into_iter().flatten().chain(letters).collect();
    if !sentence.ends_with(['.', '?', ']']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn the_parsers_words_become_a_message_in_four_parts() {
        let text = "error: the following required arguments were not provided:\n  --environment <ENVIRONMENT>\n  <ID>\n\n  tip: a similar argument exists: '--env'\n\nUsage: gigadb-roles plan --swap\n\nFor more information, try '--help'.\n";
        insta::assert_snapshot!(told(text), @r"
        The following required arguments were not provided: --environment <ENVIRONMENT> <ID>.
          on:      the command line, which is used like this: gigadb-roles plan --swap
          changed: Nothing was changed.
          next:    A similar argument exists: '--env'. Correct it, and run the command again; --help shows all that it takes.
        ");
    }
}
