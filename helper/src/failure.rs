//! What ends a run: a message in four parts, and the exit code.

use gigadb_engine::{carry::Ending, message::Message};
use serde::Serialize;

use crate::exit::Exit;

/// Why a command ended without success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What failed, on which object, what was changed, what to do.
    pub(crate) message: Message,
    /// What it leaves behind, where something may have been written.
    pub(crate) left: Box<Left>,
    /// Whether the answer that was printed tells of it already.
    pub(crate) answered: bool,
}

/// How it ended for one object of the change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ended {
    pub(crate) object: String,
    #[serde(rename = "ended")]
    pub(crate) fate: &'static str,
    pub(crate) why: Option<String>,
}

impl Ended {
    /// Every object of a run, in the order of writing.
    pub(crate) fn all(ending: &Ending) -> Vec<Self> {
        let objects = ending.objects.iter().map(|one| Self {
            object: one.object.key(),
            fate: one.fate.word(),
            why: one.fate.reason(),
        });
        objects.collect()
    }
}

/// What a run that failed leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Left {
    /// The run whose journal tells what was done.
    pub(crate) run: Option<String>,
    /// How it ended, object by object.
    pub(crate) objects: Vec<Ended>,
}

impl Failure {
    /// Something failed before any write.
    pub(crate) fn refused(
        what: impl Into<String>,
        object: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        let mut what = what.into();
        // The engine's "did you mean …?" ends a sentence by itself.
        if what.ends_with("?.") {
            what.pop();
        }
        Self {
            exit: Exit::Failed,
            message: Message::nothing_changed(what, object, next),
            left: Box::default(),
            answered: false,
        }
    }

    /// Something ended otherwise than it should have.
    pub(crate) fn with(exit: Exit, message: Message) -> Self {
        Self {
            exit,
            message,
            left: Box::default(),
            answered: false,
        }
    }

    /// The same, with what it leaves behind.
    pub(crate) fn leaving(self, left: Left) -> Self {
        Self {
            left: Box::new(left),
            ..self
        }
    }

    /// The same, behind an answer that tells of it: programs need no other document.
    pub(crate) fn answered(self) -> Self {
        Self {
            answered: true,
            ..self
        }
    }

    /// An argument, or a variable in its place, cannot be used.
    pub(crate) fn usage(
        what: impl Into<String>,
        object: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::refused(what, object, next)
        }
    }

    /// Ctrl-C while nothing had been written.
    pub(crate) fn interrupted() -> Self {
        Self {
            exit: Exit::Interrupted,
            ..Self::refused(
                "Interrupted.",
                "this run",
                "Run the command again when you are ready.",
            )
        }
    }
}
