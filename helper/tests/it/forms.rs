//! `--format`: what a shell offers for a command is what the command accepts.

use crate::{shell::commands, stage::Stage};

const FORMS: [(&str, &str); 5] = [
    ("text", "text"),
    ("json", "JSON"),
    ("markdown", "Markdown"),
    ("html", "HTML"),
    ("prometheus", "Prometheus"),
];

/// What a command cannot do without.
const NEEDED: [(&str, &[&str]); 11] = [
    ("plan", &["--swap"]),
    ("failover", &["--production", "alt-gigadb-website"]),
    ("apply", &["no-file"]),
    ("review", &["no-file"]),
    ("resume", &["--last"]),
    ("revert", &["--last"]),
    ("unlock", &["no-lease"]),
    ("exec", &["--role", "production", "--", "true"]),
    ("completions", &["bash"]),
    ("release start", &["--process", "simple", "--release", "v0"]),
    ("release confirm", &["embargo", "--by", "Ada"]),
];

#[test]
fn a_shell_offers_for_a_command_the_forms_that_it_accepts() {
    let stage = Stage::sop();
    let parts = [
        "start", "status", "next", "confirm", "back", "finish", "abandon",
    ];
    let parts = parts.map(|part| format!("release {part}"));
    let mut several = 0;
    let whole = commands(&stage).into_iter().filter(|one| one != "release");
    for command in whole.chain(parts) {
        let words: Vec<&str> = command.split(' ').collect();
        let typed = [&["--", "gigadb-roles"][..], &words, &["--format", ""]].concat();
        let mut asking = stage.command(&typed);
        let asked = asking.env("GIGADB_ROLES_COMPLETE", "fish").output();
        let offered = String::from_utf8(asked.unwrap().stdout).unwrap();
        let offered: Vec<&str> = offered
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        several += usize::from(offered.len() > 1);
        let needed = NEEDED.iter().find(|(of, _)| *of == command);
        let needed = needed.map_or(&[][..], |(_, words)| words);
        for (word, name) in FORMS {
            let told = stage.run(&[&words[..], &["--format", word], needed].concat());
            let refused = told.contains(&format!(" has no {name} form."));
            let is_offered = offered.contains(&word);
            assert_eq!(
                is_offered, !refused,
                "{command} {word}: {offered:?}\n{told}"
            );
        }
    }
    assert_eq!(several, 14);
}

/// In front of a further command stands what one of those has.
#[test]
fn before_the_last_command_nothing_is_kept_from_it() {
    let stage = Stage::sop();
    let offered = |words: &str| crate::shell::offered_by_bash(&stage, words);
    let all = "text json markdown html prometheus";
    assert_eq!(offered("gigadb-roles --format ''"), all);
    let of_release = "text json markdown";
    assert_eq!(offered("gigadb-roles release --format ''"), of_release);
    assert_eq!(offered("gigadb-roles release next --format ''"), "text");
}
