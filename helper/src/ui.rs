//! The only module that prints: the answer on stdout, the conversation on stderr.

use std::{
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::{cli::Color, exit::Exit, failure::Failure, surroundings};

/// The narrowest width that tables are laid out for.
const NARROWEST: u16 = 40;

/// The terminal, or what stands in its place.
#[derive(Debug)]
pub(crate) struct Ui {
    color: ColorChoice,
    width: Option<u16>,
    terminal: bool,
    asking: AtomicBool,
}

impl Ui {
    /// A user interface that colors as asked, and otherwise as `NO_COLOR` and the terminal say.
    pub(crate) fn new(color: Color) -> Self {
        Self {
            color: match color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
            width: width(),
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
            asking: AtomicBool::new(false),
        }
    }

    /// The width to lay tables out for; `None` where lines may be as long as they are.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    /// Writes the answer, with a line break at its end. A reader that has gone away is no fault.
    pub(crate) fn answer(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout(), self.color);
        let text = text.trim_end_matches('\n');
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let mut failure = Failure::refused(
                    format!("The answer could not be written: {error}."),
                    "standard output",
                    "Give standard output a place to go; `gigadb-roles status` shows where things \
                     stand.",
                );
                "What the command did stands; only its answer is missing."
                    .clone_into(&mut failure.message.changed);
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    /// Says what is wrong, while the command goes on.
    pub(crate) fn warning(&self, text: &str) {
        self.say(AnsiColor::Yellow, "warning", text);
    }

    /// Says what is worth knowing.
    pub(crate) fn note(&self, text: &str) {
        self.say(AnsiColor::Cyan, "note", text);
    }

    /// Shows something that belongs to the conversation, as it is.
    pub(crate) fn conversation(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        // Nobody is left to tell that stderr is closed.
        let _ = writeln!(stderr, "{text}");
    }

    /// Whether there is somebody who can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.terminal
    }

    /// Whether a question waits for its answer.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.load(Ordering::SeqCst)
    }

    /// Asks for one line; `None` when there is no answer.
    pub(crate) async fn ask(&self, question: &str) -> Option<String> {
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        write!(stderr, "{question}")
            .and_then(|()| stderr.flush())
            .ok()?;
        self.asking.store(true, Ordering::SeqCst);
        // A thread of its own, so that Ctrl-C is heard while the question waits.
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = line.await.ok()?.ok();
        self.asking.store(false, Ordering::SeqCst);
        line.map(|line| line.trim().to_owned())
    }

    /// Says why the command ended.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.exit == Exit::Interrupted {
            let text = format!("{}\n{}", failure.message.what, failure.message.changed);
            self.say(
                AnsiColor::Yellow,
                "interrupted",
                &text.replacen("Interrupted.\n", "", 1),
            );
        } else {
            self.say(AnsiColor::Red, "error", &failure.message.to_string());
        }
    }

    fn say(&self, color: AnsiColor, heading: &str, text: &str) {
        let style = Style::new().bold().fg_color(Some(color.into()));
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        // Nobody is left to tell that stderr is closed.
        let _ = writeln!(stderr, "{style}{heading}:{style:#} {text}");
    }
}

/// The width of the terminal that stdout is; `COLUMNS` goes before it.
fn width() -> Option<u16> {
    let given = surroundings::variable("COLUMNS").and_then(|text| text.trim().parse().ok());
    let seen = || {
        let stdout = io::stdout();
        stdout
            .is_terminal()
            .then(|| terminal_size::terminal_size_of(stdout))?
    };
    given
        .or_else(|| seen().map(|(width, _)| width.0))
        .map(|width: u16| width.max(NARROWEST))
}
