//! A command of the operator's: its output is handed on line by line while it runs, its end kept.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
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
/// come. When `cancel` is triggered, the program is interrupted as by Ctrl-C, and waited for. On a
/// terminal Ctrl-C tells it by itself: twice would end it at once, in the middle of its work.
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
                if let Some(pid) = pid.filter(|_| !terminal) {
                    // It may have ended already; then there is nobody to tell.
                    let _ = kill_process_group(pid, Signal::INT);
                }
            }
        }
    };
    // What it said before its end is still on the way; a child of its own may keep the pipe open.
    while let Ok(Some(text)) = tokio::time::timeout(Duration::from_millis(200), lines.recv()).await
    {
        take(text);
    }
    Ok(Ran {
        code: status.code(),
        tail: tail.into(),
    })
}
