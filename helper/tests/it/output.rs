//! Where output goes: closed pipes, narrow terminals, colors.

use std::process::Stdio;

use crate::{
    stage::{Stage, closed_pipe, no_secret},
    terminal::show,
};

/// Commands that answer, one for each way of answering.
const ANSWERS: [&[&str]; 12] = [
    &["status"],
    &["status", "--format", "json"],
    &["status", "--format", "markdown"],
    &["plan", "--environment", "live", "--swap"],
    &["--list"],
    &["inventory", "--graph"],
    &["completions", "bash"],
    &["man"],
    &["check"],
    &["check", "--format", "json"],
    &["history"],
    &["--help"],
];

#[test]
fn a_closed_pipe_is_no_fault() {
    let stage = Stage::sop();
    for arguments in ANSWERS {
        let open = stage.output(arguments);
        let closed = stage
            .command(arguments)
            .stdout(closed_pipe())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        no_secret(&closed);
        assert_eq!(closed.status.code(), open.status.code(), "{arguments:?}");
        let said = String::from_utf8(closed.stderr).unwrap();
        assert_eq!(said, String::from_utf8(open.stderr).unwrap());
    }
}

#[test]
fn closed_pipes_on_both_sides_change_no_exit_code() {
    let stage = Stage::sop();
    let failing: [&[&str]; 3] = [
        &["status", "--environment", "lve"],
        &["status", "--topology", "missing.yaml"],
        &["--lsit"],
    ];
    for arguments in ANSWERS.into_iter().chain(failing) {
        let open = stage.output(arguments).status.code();
        let mut closed = stage.command(arguments);
        closed.stdout(closed_pipe()).stderr(closed_pipe());
        assert_eq!(closed.status().unwrap().code(), open, "{arguments:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_that_claims_nothing() {
    let stage = Stage::sop();
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = stage
        .command(&["swap", "--environment", "live", "--yes"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("What the command did stands"), "{said}");
    let (_, failure) = said.split_once("error: ").unwrap();
    assert!(!failure.contains("Nothing was changed"), "{said}");
}

#[test]
fn no_line_of_a_table_is_wider_than_the_terminal() {
    // Without colors, which take no room.
    let stage = Stage::sop().with("NO_COLOR", "1");
    for columns in [40, 60, 80, 120] {
        for arguments in [&["status"][..]] {
            let shown = show(&stage, columns, arguments);
            assert_eq!(shown.code, 0, "{}", shown.text);
            for line in shown.text.lines() {
                assert!(
                    line.chars().count() <= usize::from(columns),
                    "{columns}: {line}"
                );
            }
            // What is left out for want of room is never a name.
            for name in ["alt-gigadb-website", "hot standby", "production", "staging"] {
                assert!(shown.text.contains(name), "{columns}: {}", shown.text);
            }
        }
    }
}

#[test]
fn colors_follow_the_terminal_no_color_and_the_option() {
    let failing = ["status", "--environment", "lve"];
    let stage = Stage::sop();
    assert!(show(&stage, 80, &failing).text.contains("\u{1b}["));
    let never = ["status", "--environment", "lve", "--color", "never"];
    assert!(!show(&stage, 80, &never).text.contains('\u{1b}'));
    let piped = stage.output(&failing).stderr;
    assert!(!piped.contains(&0x1b));

    let stage = stage.with("NO_COLOR", "1");
    for arguments in [&failing[..], &["--lsit"], &["--help"]] {
        let shown = show(&stage, 80, arguments);
        assert!(
            !shown.text.contains('\u{1b}'),
            "{arguments:?}: {}",
            shown.text
        );
    }
    let always = ["status", "--environment", "lve", "--color", "always"];
    assert!(show(&stage, 80, &always).text.contains("\u{1b}["));
}
