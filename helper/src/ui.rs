//! The only module that prints: the answer on stdout, the conversation on stderr.
//!
//! Whatever is printed may hold text of others. Characters that move the cursor, hide or turn text
//! around are shown as visible ones here, so styles are added after that. Line breaks stay: who
//! puts a value of others into a line prints it as `Foreign`.

use std::{
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use gigadb_engine::{
    foreign::{self, Foreign},
    message::clock,
};

use crate::{
    exit::Exit,
    failure::Failure,
    global::Color,
    paint::Paint,
    surroundings,
    wrap::{folded, wrapped},
};

/// The narrowest width that tables are laid out for.
const NARROWEST: u16 = 40;

/// How long a wait is before a line says what is waited for, and how often that line is drawn.
const QUIET: Duration = Duration::from_millis(500);
const FRAME: Duration = Duration::from_millis(100);

// A process has one terminal.
/// How many columns the passing line takes that stands on it now.
static PASSING: Mutex<usize> = Mutex::new(0);
/// The waits that are under way, the oldest first: a number, when it began, and what its line says.
static WAITS: Mutex<Vec<(usize, Instant, String)>> = Mutex::new(Vec::new());
/// The number of the next wait.
static NEXT_WAIT: AtomicUsize = AtomicUsize::new(0);
/// Whether nothing is shown any more.
static HUSHED: AtomicBool = AtomicBool::new(false);

/// Shows nothing from now on.
pub(crate) fn hush() {
    pass("");
    HUSHED.store(true, Ordering::SeqCst);
}

fn is_hushed() -> bool {
    HUSHED.load(Ordering::SeqCst)
}

/// Shows a line that the next one takes the place of; an empty one takes it away. Cut to the
/// terminal's width: a line that wrapped could not be taken away.
pub(crate) fn pass(text: &str) {
    let mut shown = PASSING.lock().unwrap_or_else(PoisonError::into_inner);
    if text.is_empty() && *shown == 0 || is_hushed() {
        return;
    }
    let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| width.0);
    let text: String = Foreign(text)
        .to_string()
        .chars()
        .take(usize::from(width).saturating_sub(1))
        .collect();
    let length = text.chars().count();
    let blank = " ".repeat(shown.saturating_sub(length));
    let back = if length == 0 { "\r" } else { "" };
    let mut stderr = io::stderr();
    // Nobody is left to tell that stderr is closed.
    let _ = write!(stderr, "\r{text}{blank}{back}").and_then(|()| stderr.flush());
    *shown = length;
}

/// How long a wait takes at most.
pub(crate) enum Within {
    /// All of it.
    All(Duration),
    /// Each of the answers that it waits for, one after the other.
    Each(Duration),
}

/// Waits for `work`; on a terminal a line says `what` is waited for, and until when at most, once
/// that takes a while. Of waits within or beside each other the line tells the one that began
/// first.
pub(crate) async fn waiting<T>(what: &str, within: Within, work: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return work.await;
    }
    let line = match within {
        Within::All(time) => {
            let until = clock(surroundings::now() + time.as_secs());
            format!("{what}, until {until} at most")
        }
        Within::Each(time) => format!("{what}, each answer within {} s at most", time.as_secs()),
    };
    let number = NEXT_WAIT.fetch_add(1, Ordering::SeqCst);
    waits().push((number, Instant::now(), line));
    let mut frames = tokio::time::interval(FRAME);
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result,
            _ = frames.tick() => {
                let oldest = waits().first().cloned();
                if let Some((_, began, line)) = oldest
                    && began.elapsed() >= QUIET
                {
                    pass(&line);
                }
            }
        }
    };
    let mut waits = waits();
    waits.retain(|(one, ..)| *one != number);
    if waits.is_empty() {
        pass("");
    }
    result
}

fn waits() -> MutexGuard<'static, Vec<(usize, Instant, String)>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal, or what stands in its place.
#[derive(Debug)]
pub(crate) struct Ui {
    color: ColorChoice,
    width: Option<u16>,
    terminal: bool,
    stderr_is_terminal: bool,
    asking: AtomicBool,
    /// How many lines of the terminal what was drawn takes.
    drawn: Mutex<usize>,
    /// The reader of the answer has gone away.
    unread: AtomicBool,
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
            stderr_is_terminal: io::stderr().is_terminal(),
            asking: AtomicBool::new(false),
            drawn: Mutex::new(0),
            unread: AtomicBool::new(false),
        }
    }

    /// The width to lay tables out for; `None` where lines may be as long as they are.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    /// The width of the terminal that stderr is; `None` where it is none.
    fn stderr_width(&self) -> Option<u16> {
        let seen = || terminal_size::terminal_size_of(io::stderr());
        let (width, _) = self.stderr_is_terminal.then(seen)??;
        Some(width.0.max(NARROWEST))
    }

    /// Writes the answer, with a line break at its end. A reader that has gone away is no fault.
    pub(crate) fn answer(&self, text: &str) -> Result<(), Failure> {
        self.write(text, str::to_owned, None)
    }

    /// The same for people: sentences fit the terminal, and each line gets its colors.
    pub(crate) fn answer_painted(&self, text: &str, paint: Paint) -> Result<(), Failure> {
        self.write(text, paint, self.width)
    }

    fn write(&self, text: &str, paint: Paint, width: Option<u16>) -> Result<(), Failure> {
        if is_hushed() {
            return Ok(());
        }
        pass("");
        let text = text.trim_end_matches('\n');
        let written = if text.starts_with(['{', '[']) {
            // A document has no colors; an inventory of one may be a megabyte.
            let mut stdout = io::stdout().lock();
            stdout
                .write_all(foreign::json(text).as_bytes())
                .and_then(|()| stdout.write_all(b"\n"))
                .and_then(|()| stdout.flush())
        } else {
            let text = painted(&foreign::block(text), paint, width);
            let mut stdout = AutoStream::new(io::stdout(), self.color);
            writeln!(stdout, "{text}").and_then(|()| stdout.flush())
        };
        match written {
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
            Err(_) => {
                self.unread.store(true, Ordering::SeqCst);
                Ok(())
            }
            Ok(()) => Ok(()),
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

    /// Whether stderr is a terminal, on which a line may stand for a while and pass.
    pub(crate) fn can_pass(&self) -> bool {
        self.stderr_is_terminal
    }

    /// Whether several lines may be drawn over there: a dumb one takes no commands.
    pub(crate) fn can_draw(&self) -> bool {
        self.can_pass() && surroundings::variable("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether nobody reads the answer any more.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::SeqCst)
    }

    /// Draws a table with sentences below it on the terminal that stderr is, in the place of what
    /// was drawn before; `made` makes both for so many columns. What wraps or scrolls could not be
    /// drawn over: rows are cut to the terminal's width, sentences are broken, and where there are
    /// too many lines, the last rows are left out.
    pub(crate) fn draw(&self, made: impl FnOnce(u16) -> (String, Vec<String>)) {
        if is_hushed() {
            return;
        }
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let size = terminal_size::terminal_size_of(io::stderr());
        let (width, height) = size.map_or((80, 24), |(width, height)| (width.0, height.0));
        let room = usize::from(height).saturating_sub(1).max(1);
        let width = width.saturating_sub(1).max(1);
        let (table, sentences) = made(width);
        let columns = usize::from(width);
        let mut below: Vec<String> = sentences
            .iter()
            .flat_map(|one| folded(&Foreign(one).to_string(), columns))
            .collect();
        // The last sentence says how it stands.
        below.drain(..below.len().saturating_sub(room));
        let rows = table.lines().take(room - below.len());
        let cut = |row: &str| Foreign(row).to_string().chars().take(columns).collect();
        let lines: Vec<String> = rows.map(cut).chain(below).collect();
        // Up to where it began, then everything below is taken away.
        let up = match *drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        };
        let mut stderr = io::stderr();
        // Nobody is left to tell that stderr is closed.
        let _ = writeln!(stderr, "{up}{}", lines.join("\n")).and_then(|()| stderr.flush());
        *drawn = lines.len();
    }

    /// Leaves what was drawn where it is: what follows stands below it.
    pub(crate) fn drawn(&self) {
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    }

    /// Shows something that belongs to the conversation, as it is.
    pub(crate) fn conversation(&self, text: &str) {
        self.conversation_painted(text, str::to_owned);
    }

    /// The same with the colors of each line.
    pub(crate) fn conversation_painted(&self, text: &str, paint: Paint) {
        if is_hushed() {
            return;
        }
        pass("");
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        // Nobody is left to tell that stderr is closed.
        let _ = writeln!(
            stderr,
            "{}",
            painted(&foreign::block(text), paint, self.stderr_width())
        );
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
        write!(stderr, "{}", foreign::block(question))
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
        if is_hushed() {
            return;
        }
        pass("");
        let style = Style::new().bold().fg_color(Some(color.into()));
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        let text = format!("{heading}: {}", foreign::block(text));
        let text = painted(&text, str::to_owned, self.stderr_width());
        let text = text.trim_start_matches(heading).trim_start_matches(':');
        // Nobody is left to tell that stderr is closed.
        let _ = writeln!(stderr, "{style}{heading}:{style:#}{text}");
    }
}

/// The text as it is shown: sentences fit the terminal, then lines get their colors.
fn painted(text: &str, paint: Paint, width: Option<u16>) -> String {
    let text = match width {
        Some(width) => wrapped(text, usize::from(width)),
        None => text.to_owned(),
    };
    let lines: Vec<String> = text.split('\n').map(paint).collect();
    lines.join("\n")
}

/// The width of the terminal that stdout is; `COLUMNS` takes precedence.
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
