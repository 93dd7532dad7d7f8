//! What ends a run: a message in four parts, and the exit code.

use gigadb_engine::message::Message;

use crate::exit::Exit;

/// Why a command ended without success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What failed, on which object, what was changed, what to do.
    pub(crate) message: Message,
    /// The run whose journal tells what was done, where something was.
    pub(crate) run: Option<Box<str>>,
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
            run: None,
        }
    }

    /// Something ended otherwise than it should have.
    pub(crate) fn with(exit: Exit, message: Message) -> Self {
        Self {
            exit,
            message,
            run: None,
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
