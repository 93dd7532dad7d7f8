//! A command of the operator's: its output is handed on line by line while it runs, its end kept.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::secret::{self, Secret};

/// How many lines of a command's end are kept.
const KEPT: usize = 20;

/// How many bytes are read at once, and how many such pieces may wait.
const PIECE: usize = 8 << 10;
const PIECES: usize = 16;

/// How long a line may get before it is handed on without its end, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// After how long a line is handed on that has not ended, and how long is waited for what is still
/// on the way when a command has ended.
const A_MOMENT: Duration = Duration::from_millis(200);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its last lines.
    pub tail: Vec<String>,
}

/// What a program that lists wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, up to [`LIST_AT_MOST`].
    pub output: Vec<u8>,
}

/// How many bytes of a list are read.
pub const LIST_AT_MOST: u64 = 16 << 20;

/// Ends a program and whatever it started, unless it has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended already; then there is nobody to end.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs a program that lists something and asks nobody. `None` where it has not ended after
/// `limit`: it is ended then, as it is where this is not waited for any more.
///
/// # Errors
///
/// Where it cannot be started, or its output cannot be read.
pub async fn listed(argv: &[String], limit: Duration) -> io::Result<Option<Listed>> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let mut group = Group(i32::try_from(child.id()).ok().and_then(Pid::from_raw));
    let stdout = child.stdout.take();
    let reading = tokio::task::spawn_blocking(move || {
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(LIST_AT_MOST).read_to_end(&mut output)?;
        }
        let code = child.wait()?.code();
        Ok::<_, io::Error>(Listed { code, output })
    });
    let Ok(ended) = tokio::time::timeout(limit, reading).await else {
        return Ok(None);
    };
    group.0 = None;
    ended.map_err(io::Error::other)?.map(Some)
}

/// How a program ended, as a verb with its object.
pub fn ended(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("ended with exit status {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

/// Runs a program with its arguments, without a shell. Both outputs are handed to `line` as they
/// come, line by line, without `secrets`; a line that stays without its end, as a question does,
/// after a moment, up to what may be the beginning of a secret. When
/// `cancel` is triggered, the program is interrupted as by Ctrl-C, and waited for. On a terminal
/// Ctrl-C tells it by itself: twice would end it at once, in the middle of its work.
///
/// # Errors
///
/// Where it cannot be started; [`io::ErrorKind::Interrupted`] where `cancel` was triggered before.
pub async fn run(
    argv: &[String],
    secrets: &[Secret],
    line: &mut dyn FnMut(&str),
    cancel: &CancellationToken,
) -> io::Result<Ran> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    if cancel.is_cancelled() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let terminal = File::open("/dev/tty").is_ok();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if !terminal {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as Box<_>),
        child.stderr.take().map(|out| Box::new(out) as Box<_>),
    ];
    for (stream, output) in outputs.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || hand_on(stream, output, &sender));
    }
    drop(sender);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended = tokio::task::spawn_blocking(move || child.wait());
    tokio::pin!(ended);
    let mut said = Said::new(secrets, line);
    let mut interrupted = false;
    let status = loop {
        tokio::select! {
            status = &mut ended => break status.map_err(io::Error::other)??,
            Some((stream, piece)) = pieces.recv() => said.take(stream, &piece),
            () = tokio::time::sleep(A_MOMENT), if said.is_in_a_line() => said.show_lines(),
            () = cancel.cancelled(), if !interrupted => {
                interrupted = true;
                if let Some(pid) = pid.filter(|_| !terminal) {
                    // It may have ended already; then there is nobody to tell.
                    let _ = kill_process_group(pid, Signal::INT);
                }
            }
        }
    };
    // What it said before its end is still on the way; what it left running may go on talking.
    let rest = async {
        while let Some((stream, piece)) = pieces.recv().await {
            said.take(stream, &piece);
        }
    };
    let _ = tokio::time::timeout(A_MOMENT, rest).await;
    said.end_lines();
    // Ctrl-C on a terminal ends the program at once, perhaps before it was heard here.
    if terminal && !status.success() {
        let _ = tokio::time::timeout(A_MOMENT, cancel.cancelled()).await;
    }
    Ok(Ran {
        code: status.code(),
        tail: said.tail.into(),
    })
}

/// Hands on what comes out of a stream, until nobody listens any more.
fn hand_on(
    stream: usize,
    output: Option<Box<dyn Read + Send>>,
    sender: &mpsc::Sender<(usize, Vec<u8>)>,
) {
    let Some(mut output) = output else {
        return;
    };
    let mut piece = vec![0; PIECE];
    loop {
        match output.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                if sender
                    .blocking_send((stream, piece[..length].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// What a command said, as lines.
struct Said<'a> {
    secrets: &'a [Secret],
    line: &'a mut dyn FnMut(&str),
    /// Of each stream, the line that has not ended yet.
    begun: [Begun; 2],
    tail: VecDeque<String>,
}

/// A line that has not ended yet.
#[derive(Default)]
struct Begun {
    bytes: Vec<u8>,
    /// How many of them were handed on.
    shown: usize,
}

impl<'a> Said<'a> {
    fn new(secrets: &'a [Secret], line: &'a mut dyn FnMut(&str)) -> Self {
        Self {
            secrets,
            line,
            begun: Default::default(),
            tail: VecDeque::new(),
        }
    }

    fn take(&mut self, stream: usize, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let begun = &mut self.begun[stream];
            begun.bytes.extend(part);
            if part.ends_with(b"\n") {
                self.end_line(stream);
            } else if begun.bytes.len() >= LONGEST_LINE {
                let rest = begun.bytes.split_off(begun.showable(self.secrets));
                self.end_line(stream);
                self.begun[stream].bytes = rest;
            }
        }
    }

    /// Whether a line has not ended yet that was not shown: perhaps it is a question.
    fn is_in_a_line(&self) -> bool {
        let mut begun = self.begun.iter();
        begun.any(|begun| begun.showable(self.secrets) > begun.shown)
    }

    /// Shows the lines that have not ended yet, up to what may be the beginning of a secret.
    fn show_lines(&mut self) {
        for begun in &mut self.begun {
            let showable = begun.showable(self.secrets);
            if showable > begun.shown {
                (self.line)(&text(self.secrets, &begun.bytes[begun.shown..showable]));
                begun.shown = showable;
            }
        }
    }

    fn end_lines(&mut self) {
        for stream in 0..self.begun.len() {
            if !self.begun[stream].bytes.is_empty() {
                self.end_line(stream);
            }
        }
    }

    fn end_line(&mut self, stream: usize) {
        let Begun { bytes, shown } = std::mem::take(&mut self.begun[stream]);
        let rest = text(self.secrets, &bytes[shown..]);
        if shown == 0 || !rest.is_empty() {
            (self.line)(&rest);
        }
        if self.tail.len() == KEPT {
            self.tail.pop_front();
        }
        self.tail.push_back(text(self.secrets, &bytes));
    }
}

impl Begun {
    /// How many bytes can be shown before the line has ended.
    fn showable(&self, secrets: &[Secret]) -> usize {
        self.bytes.len() - secret::begun(secrets, &self.bytes)
    }
}

/// A line, or a piece of one that splits no secret, as it may be shown.
fn text(secrets: &[Secret], bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    secret::redacted(secrets, text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run_shell(script: &str, cancel: &CancellationToken) -> (io::Result<Ran>, Vec<String>) {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let mut lines = Vec::new();
        let mut line = |text: &str| lines.push(text.to_owned());
        let ran = run(&argv, &[], &mut line, cancel).await;
        (ran, lines)
    }

    #[tokio::test]
    async fn a_command_ends_whatever_it_leaves_running() {
        let script = "(while :; do echo chatter || exit; sleep 0.02; done) & echo $!; exit 3";
        let (ran, lines) = run_shell(script, &CancellationToken::new()).await;
        let child = lines.iter().find_map(|line| line.parse::<i32>().ok());
        kill_process_group(Pid::from_raw(child.unwrap()).unwrap(), Signal::KILL).ok();
        assert_eq!(ran.unwrap().code, Some(3));
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_shown_while_the_command_waits() {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer");
        let argv = [
            "sh",
            "-c",
            "printf 'Go on? '; until [ -e \"$0\" ]; do sleep 0.02; done; echo yes",
        ];
        let mut argv: Vec<String> = argv.map(str::to_owned).into();
        argv.push(answer.display().to_string());
        let mut lines = Vec::new();
        // The answer comes once the question is there; else the command would never end.
        let mut line = |text: &str| {
            std::fs::write(&answer, "").unwrap();
            lines.push(text.to_owned());
        };
        let ran = run(&argv, &[], &mut line, &CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(
            (ran.code, lines),
            (Some(0), vec!["Go on?".to_owned(), "yes".to_owned()])
        );
    }

    #[tokio::test]
    async fn what_was_stopped_before_it_began_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        let cancel = CancellationToken::new();
        cancel.cancel();
        let (ran, _) = run_shell(&format!("touch {}", trace.display()), &cancel).await;
        assert_eq!(ran.unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert!(!trace.exists());
    }

    #[test]
    fn a_line_is_cut_where_it_is_longer_than_may_be_kept() {
        let mut lines = Vec::new();
        let mut line = |text: &str| lines.push(text.len());
        let mut said = Said::new(&[], &mut line);
        said.take(0, &vec![b'x'; LONGEST_LINE]);
        said.take(0, b"rest\nbegun");
        said.take(1, b"other\n");
        assert!(said.is_in_a_line());
        said.end_lines();
        assert_eq!(lines, [LONGEST_LINE, 4, 5, 5]);
    }

    /// Wherever a secret is cut, and whatever stands around it, none of it is shown or kept.
    #[test]
    fn a_secret_that_comes_in_pieces_is_shown_in_none() {
        let secrets = [Secret::new("glpat-PLANTED"), Secret::new("cf-PLANTED")];
        for secret in ["glpat-PLANTED", "cf-PLANTED"] {
            for before in [0, 6, LONGEST_LINE - 4, LONGEST_LINE] {
                let whole = format!("{}{secret} end\n", "x".repeat(before));
                for cut in before..before + secret.len() {
                    let mut lines = Vec::new();
                    let mut line = |text: &str| lines.push(text.to_owned());
                    let mut said = Said::new(&secrets, &mut line);
                    said.take(0, &whole.as_bytes()[..cut]);
                    said.show_lines();
                    said.take(0, &whole.as_bytes()[cut..]);
                    said.end_lines();
                    let tail = String::from_iter(said.tail.clone());
                    let told = lines.concat();
                    for text in [&told, &tail] {
                        assert!(text.contains("[redacted] end"), "{before} {cut}: {told}");
                        assert!(!text.contains("PLANTED"), "{before} {cut}: {told}");
                    }
                }
            }
        }
        // What only looks like the beginning of one is shown with the end of its line.
        let mut lines = Vec::new();
        let mut line = |text: &str| lines.push(text.to_owned());
        let mut said = Said::new(&secrets, &mut line);
        said.take(0, b"use cf-");
        said.show_lines();
        said.take(0, b"something\n");
        assert_eq!(said.tail, ["use cf-something"]);
        assert_eq!(lines, ["use", "cf-something"]);
    }
}
