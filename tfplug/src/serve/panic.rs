//! What a panic writes to stderr.

use std::backtrace::Backtrace;

use super::write_line;
use crate::Secrets;
use crate::service::panic_text;

/// Installs a hook whose first line core recognizes, so that it shows the rest to the user if the process dies.
pub(super) fn install_hook(secrets: &Secrets) {
    let secrets = secrets.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let text = panic_text(panic.payload());
        let report = format!("panic: {text} at {place}\n\n{}", Backtrace::force_capture());
        // There is no other place to say it.
        let _ = write_line(std::io::stderr(), &secrets.redact(&report));
    }));
}
