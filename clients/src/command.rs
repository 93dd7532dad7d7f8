//! A command of the operator's: its output is handed on line by line while it runs, its end kept.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many lines of a command's end are kept.
const KEPT: usize = 20;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its last lines.
    pub tail: Vec<String>,
}

/// Runs a program with its arguments, without a shell. Both outputs are handed to `line` as they
/// come. When `cancel` is triggered, the program is interrupted as by Ctrl-C, and waited for.
///
/// # Errors
///
/// Where it cannot be started.
pub async fn run(
    argv: &[String],
    line: &mut dyn FnMut(&str),
    cancel: &CancellationToken,
) -> io::Result<Ran> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, mut lines) = mpsc::unbounded_channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as Box<_>),
        child.stderr.take().map(|out| Box::new(out) as Box<_>),
    ];
    for output in outputs.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while let Ok(1..) = output.read_until(b'\n', &mut bytes) {
                let text = String::from_utf8_lossy(&bytes);
                if sender.send(text.trim_end().to_owned()).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
    }
    drop(sender);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended = tokio::task::spawn_blocking(move || child.wait());
    tokio::pin!(ended);
    let mut tail = VecDeque::new();
    let mut take = |text: String| {
        line(&text);
        if tail.len() == KEPT {
            tail.pop_front();
        }
        tail.push_back(text);
    };
    let mut interrupted = false;
    let status = loop {
        tokio::select! {
            status = &mut ended => break status.map_err(io::Error::other)??,
            Some(text) = lines.recv() => take(text),
            () = cancel.cancelled(), if !interrupted => {
                interrupted = true;
                if let Some(pid) = pid {
                    // It may have ended already; then there is nobody to tell.
                    let _ = kill_process(pid, Signal::INT);
                }
            }
        }
    };
    // What it said before its end is still on the way; a child of its own may keep the pipe open.
    while let Ok(Some(text)) =
        tokio::time::timeout(std::time::Duration::from_millis(200), lines.recv()).await
    {
        take(text);
    }
    Ok(Ran {
        code: status.code(),
        tail: tail.into(),
    })
}
