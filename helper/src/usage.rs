//! A command line that cannot be parsed, told as everything else is told.

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use gigadb_engine::{
    message::{Message, capitalized, sentence},
    nearest::nearest,
};
use serde::Serialize;

use crate::{
    cli::Cli, exit::Exit, failure::Failure, global::Format, running::view::view, surroundings,
    ui::Ui,
};

/// What the parser refused; none where it answered (help, the version), with the exit code then.
pub(crate) fn refused(error: &clap::Error) -> Result<Failure, Exit> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Err(Exit::Success),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(Exit::Usage),
        _ => Ok(told(&error.render().to_string())),
    }
}

/// The version of the document. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// What a program reads in place of an answer.
#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    error: &'a Message,
    exit_code: u8,
}

/// Where JSON was asked for, says on stdout why there is no answer. Runs tell so in their last line.
pub(crate) fn tell_programs(failure: &Failure, ui: &Ui) {
    let arguments: Vec<String> = surroundings::arguments();
    if failure.answered || !asks_for_json(&arguments) {
        return;
    }
    let command = Cli::command();
    let word = arguments
        .iter()
        .find(|word| command.find_subcommand(word).is_some());
    match word.map(String::as_str) {
        // What runs say of themselves, they have said already; the parser's refusals they have not.
        Some(word) if writes(word) => {
            if Cli::try_parse().is_err() {
                view(Format::Json, ui).failed(word, failure);
            }
        }
        // Its output is that of another program.
        Some("exec") => {}
        word => {
            let document = Document {
                format_version: FORMAT_VERSION,
                error: &failure.message,
                exit_code: failure.exit as u8,
            };
            let text = match word {
                // Its documents are lines.
                Some("watch") => serde_json::to_string(&document),
                _ => serde_json::to_string_pretty(&document),
            };
            // Strings and numbers only: this cannot fail.
            let text = text.unwrap_or_default();
            // A failure to write it is not worth more than the one that it is about.
            let _ = ui.answer(&text);
        }
    }
}

/// Whether a command writes, and tells programs of a failure by itself.
pub(crate) fn writes(command: &str) -> bool {
    ["apply", "swap", "failover", "resume", "revert"].contains(&command)
}

/// Whether `--format json` is among the arguments, however wrong the others are.
fn asks_for_json(arguments: &[String]) -> bool {
    let own = arguments.iter().take_while(|word| *word != "--");
    let own: Vec<&str> = own.map(String::as_str).collect();
    own.contains(&"--format=json") || own.windows(2).any(|pair| pair == ["--format", "json"])
}

/// The parser's own text, by paragraphs: what is wrong, tips, the usage, where to read more.
fn told(text: &str) -> Failure {
    let mut paragraphs = text.split("\n\n").map(joined);
    let what = paragraphs.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let mut next: Vec<String> = Vec::new();
    let mut usage = None;
    if let Some(word) = meant(&what) {
        next.push(format!("Did you mean `{word}`?"));
    }
    for paragraph in paragraphs {
        if let Some(tip) = paragraph.strip_prefix("tip: ") {
            next.push(usage_sentence(tip));
        } else if let Some(line) = paragraph.strip_prefix("Usage: ") {
            usage = Some(line.to_owned());
        }
    }
    let object = match usage {
        Some(usage) => format!("the command line, which is used like this: {usage}"),
        None => "the command line".to_owned(),
    };
    next.push("Correct it, and run the command again; --help shows all that it takes.".to_owned());
    Failure::usage(usage_sentence(&what), object, next.join(" "))
}

/// As a sentence; one that ends with the list of the possible values stays as it is.
fn usage_sentence(clause: &str) -> String {
    if clause.ends_with(']') {
        capitalized(clause)
    } else {
        sentence(clause)
    }
}

/// The nearest of the words of which a value is none, where the text does not offer one itself.
fn meant(what: &str) -> Option<&str> {
    let (before, known) = what.split_once(" is none of ")?;
    if known.contains("did you mean") {
        return None;
    }
    let word = before.rsplit('`').nth(1)?;
    nearest(word, known.split('`').skip(1).step_by(2))
}

/// A paragraph as one line.
fn joined(paragraph: &str) -> String {
    let lines = paragraph.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{asks_for_json, told};

    #[test]
    fn json_is_asked_for_by_either_spelling_before_the_other_programs_words() {
        let asks = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            asks_for_json(&words)
        };
        assert!(asks("status --format json --nonsense"));
        assert!(asks("--format=json status"));
        assert!(!asks("status --format text json"));
        assert!(!asks("exec --role production -- x --format json"));
    }

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
