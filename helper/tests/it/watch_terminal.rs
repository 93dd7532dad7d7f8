//! `watch` on a terminal: a table that is drawn again in its place, whatever the width.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use gigadb_simulator::{DnsEffect, DnsFault};

use crate::{
    endpoints::{HONG_KONG, Machines, SYDNEY},
    stage::closed_pipe,
    watch::{TO_SYDNEY, machines, trade},
};

/// What a terminal of so many columns shows in the end of everything that was written to it: the
/// lines, and how many of them were longer than it is wide.
fn screen(written: &str, columns: usize) -> (Vec<String>, usize) {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut line, mut column, mut wrapped) = (0, 0, 0);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => {
                (line, column) = (line + 1, 0);
                if line == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\u{1b}' => {
                assert_eq!(letters.next(), Some('['), "{written:?}");
                let mut number = String::new();
                let last = loop {
                    match letters.next().unwrap() {
                        digit if digit.is_ascii_digit() || digit == ';' => number.push(digit),
                        last => break last,
                    }
                };
                match last {
                    'A' => line -= number.parse::<usize>().unwrap(),
                    'J' => {
                        lines.truncate(line + 1);
                        lines[line].truncate(column);
                    }
                    'm' => {}
                    other => panic!("{other:?} in {written:?}"),
                }
            }
            letter => {
                if column == columns {
                    wrapped += 1;
                    (line, column) = (line + 1, 0);
                    if line == lines.len() {
                        lines.push(Vec::new());
                    }
                }
                let row = &mut lines[line];
                row.resize(row.len().max(column + 1), ' ');
                row[column] = letter;
                column += 1;
            }
        }
    }
    let text = lines.into_iter().map(String::from_iter);
    (
        text.map(|line: String| line.trim_end().to_owned())
            .collect(),
        wrapped,
    )
}

/// The screen's words, however they are broken.
fn flat(lines: &[String]) -> String {
    let text = lines.join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What was shown up to the last drawing that is whole.
fn drawn(machines: &Machines, columns: u16, arguments: &[&str]) -> (u32, String) {
    let arguments = machines.with_authority(arguments);
    machines.stage.on_terminal(columns, &arguments).end()
}

#[test]
fn the_table_is_drawn_again_in_its_place_and_ends_with_the_sentence() {
    for columns in [40_u16, 80, 200] {
        let machines = machines("", 2);
        trade(&machines);
        let watch = ["watch", "-e", "live", "--interval", "1"];
        let (code, written) = drawn(&machines, columns, &watch);
        assert_eq!(code, 0, "{written}");
        assert!(written.matches("NAME ").count() > 1, "{written:?}");
        // All that is drawn fits, so that nothing of an earlier drawing is left.
        let end = "`gigadb-website` may be touched since ";
        let (table, sentence) = written.rsplit_once(end).unwrap();
        let (lines, wrapped) = screen(table, usize::from(columns));
        assert_eq!(wrapped, 0, "{lines:#?}");
        let count = |begins: &str| lines.iter().filter(|line| line.starts_with(begins)).count();
        assert_eq!(count("NAME "), 1, "{lines:#?}");
        for name in [
            "gigadb.org ",
            "files.gigadb.org ",
            "bastion.gigadb.org ",
            "portainer.",
        ] {
            assert_eq!(count(name), 1, "{name}: {lines:#?}");
        }
        let apex = lines
            .iter()
            .find(|line| line.starts_with("gigadb.org "))
            .unwrap();
        assert!(apex.contains("1 of 1"), "{apex}");
        if columns >= 80 {
            assert!(apex.contains("  have ended"), "{apex}");
            assert!(!lines[0].contains("RESOLVERS"), "{lines:#?}");
        }
        let over = "Every DNS answer that led production's names elsewhere has run out at ";
        assert!(flat(&lines).contains(over), "{lines:#?}");
        // While it ran out, until when was told, in whatever width.
        let (first, _) = written.split_once("\u{1b}[").unwrap();
        let (first, _) = screen(first, usize::from(columns));
        let until = flat(&first);
        assert!(until.contains("old addresses until "), "{first:#?}");
        assert!(
            until.contains("leave the other side as it is. ("),
            "{first:#?}"
        );
        assert!(
            sentence.contains("and `alt-gigadb-website` answers."),
            "{sentence}"
        );
        assert!(written.ends_with("answers.\n"), "{written:?}");
    }
}

#[test]
fn what_is_wrong_is_readable_on_a_narrow_terminal() {
    for columns in [40_u16, 80] {
        let machines = machines("", 2);
        trade(&machines);
        let old = DnsFault::new(DnsEffect::Addresses(vec![HONG_KONG[0]]));
        let old = old.server(1).name("gigadb.org").kind("A");
        machines.stage.simulator.dns_fault(old);
        machines.sites.refuse(SYDNEY[0]);
        let watch = [&TO_SYDNEY[..], &["--timeout", "3"]].concat();
        let (code, written) = drawn(&machines, columns, &watch);
        assert_eq!(code, 3, "{written}");
        let (table, _) = written.rsplit_once("error: ").unwrap_or_else(|| {
            written
                .rsplit_once("error:")
                .expect("the failure is told below")
        });
        let (lines, wrapped) = screen(table, usize::from(columns));
        assert_eq!(wrapped, 0, "{lines:#?}");
        let shown = flat(&lines);
        for part in [
            "gives 127.51.100.10 (`gigadb-website`) for `gigadb.org`",
            "`alt-gigadb-website`, where `gigadb.org` shall lead",
            "It is given up.",
        ] {
            assert!(shown.contains(part), "{part:?} is not in {lines:#?}");
        }
    }
}

#[test]
fn ctrl_c_is_answered_at_once() {
    let machines = machines("", 2);
    let long = [&TO_SYDNEY[..6], &["3600"]].concat();
    for columns in [40, 80] {
        let arguments = machines.with_authority(&long);
        let mut terminal = machines.stage.on_terminal(columns, &arguments);
        // It sleeps from here on.
        terminal.wait_for("NAME ");
        let began = Instant::now();
        terminal.keys("\u{3}");
        let (code, written) = terminal.end();
        let took = began.elapsed();
        assert_eq!(code, 130, "{written}");
        assert!(took < Duration::from_millis(500), "{took:?}");
        let (lines, _) = screen(&written, columns.into());
        assert!(flat(&lines).contains("Nothing was changed."), "{lines:#?}");
        assert!(
            flat(&lines).contains("The name servers do not all lead to"),
            "{lines:#?}"
        );
    }
}

/// Nobody hears how it ends: it goes on for nobody.
#[test]
fn a_reader_that_has_gone_ends_it() {
    let machines = machines("", 2);
    for format in ["text", "json"] {
        let words = [&TO_SYDNEY[..], &["--format", format]].concat();
        let mut command = machines.stage.command(&machines.with_authority(&words));
        let ended = command.stdout(closed_pipe()).stderr(Stdio::null()).status();
        assert_eq!(ended.unwrap().code(), Some(130), "{format}");
    }
}
