//! The forms that the answer of each command has: what a command accepts is what shells offer for it.

use clap::{Arg, ValueEnum as _, builder::PossibleValuesParser};

use crate::{
    cli::Command,
    global::Format::{self, Html, Json, Markdown, Prometheus, Text},
};

/// Commands whose answer has other forms than text.
const FORMS: [(&str, &[Format]); 14] = [
    ("status", &[Text, Json, Markdown, Html, Prometheus]),
    ("review", &[Text, Json, Markdown, Html]),
    ("release status", &[Text, Json, Markdown]),
    ("inventory", &[Text, Json]),
    ("plan", &[Text, Json]),
    ("apply", &[Text, Json]),
    ("swap", &[Text, Json]),
    ("failover", &[Text, Json]),
    ("history", &[Text, Json]),
    ("resume", &[Text, Json]),
    ("revert", &[Text, Json]),
    ("verify", &[Text, Json]),
    ("watch", &[Text, Json]),
    ("check", &[Text, Json]),
];

/// The forms of a command, or of all commands below it.
pub(super) fn of(name: &str) -> &'static [Format] {
    let mut forms = FORMS.iter();
    let found = forms.find(|(of, _)| *of == name);
    found.map_or(&[Text], |(_, forms)| forms)
}

/// The name of a command, as it is typed.
pub(super) fn name(command: &Command) -> &'static str {
    match command {
        Command::Status(_) => "status",
        Command::Review(_) => "review",
        Command::Release(args) if args.writes() => "release",
        Command::Release(_) => "release status",
        Command::Inventory(_) => "inventory",
        Command::Plan(_) => "plan",
        Command::Apply(_) => "apply",
        Command::Swap(_) => "swap",
        Command::Failover(_) => "failover",
        Command::History(_) => "history",
        Command::Resume(_) => "resume",
        Command::Revert(_) => "revert",
        Command::Verify(_) => "verify",
        Command::Watch(_) => "watch",
        Command::Check(_) => "check",
        Command::Unlock(_) => "unlock",
        Command::Exec(_) => "exec",
        Command::KnownHosts(_) => "known-hosts",
        Command::Help(_) => "help",
        Command::Guide(_) => "guide",
        Command::Init(_) => "init",
        Command::Completions(_) => "completions",
        Command::Man(_) => "man",
    }
}

/// The program as shells complete it: each command offers its own forms.
pub(crate) fn offered(program: clap::Command) -> clap::Command {
    let names: Vec<String> = names(&program);
    names.into_iter().fold(program, |program, name| {
        program.mut_subcommand(&name, |command| own_forms(command, &name))
    })
}

fn own_forms(command: clap::Command, path: &str) -> clap::Command {
    let below = names(&command);
    let paths = below.iter().map(|name| format!("{path} {name}"));
    // In front of a further command stands what one of those has.
    let most = paths.map(|path| of(&path)).chain([of(path)]);
    let forms = most.max_by_key(|forms| forms.len()).unwrap_or_default();
    let values = forms.iter().filter_map(Format::to_possible_value);
    let option = Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .help("Print the answer in this format.")
        .value_parser(PossibleValuesParser::new(values));
    let command = below.into_iter().fold(command, |command, name| {
        command.mut_subcommand(&name, |one| own_forms(one, &format!("{path} {name}")))
    });
    command.arg(option)
}

fn names(command: &clap::Command) -> Vec<String> {
    let below = command.get_subcommands();
    below.map(|one| one.get_name().to_owned()).collect()
}
