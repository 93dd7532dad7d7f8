//! The process environment and the clock: the only module that reads them.

use std::{
    env, io,
    time::{SystemTime, UNIX_EPOCH},
};

use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The value of an environment variable; empty and blank ones count as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// Whether one of Ansible's programs started this one, as far as the system tells: it then shows
/// what stands on standard error as errors of its own.
pub(crate) fn is_run_by_ansible() -> bool {
    of_ansible().is_some()
}

/// The words of the command line of Ansible, where one of its programs started this one.
pub(crate) fn of_ansible() -> Option<Vec<String>> {
    let parent = std::os::unix::process::parent_id();
    let command = std::fs::read(format!("/proc/{parent}/cmdline")).ok()?;
    let words = command.split(|byte| *byte == 0);
    let words: Vec<String> = words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let is_program = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or_default();
        name.starts_with("ansible")
    };
    words.iter().take(3).any(is_program).then_some(words)
}

/// The arguments of this program, without its name.
pub(crate) fn arguments() -> Vec<String> {
    let arguments = env::args_os().skip(1);
    arguments
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Writes logs to stderr as `GIGADB_LOG` asks for them, else none.
pub(crate) fn log_to_stderr() {
    let Some(filter) = variable("GIGADB_LOG") else {
        return;
    };
    let keyless = filter_fn(|metadata| !gigadb_clients::tells_keys(metadata));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_filter(EnvFilter::new(filter).and(keyless));
    // Only a subscriber that is already there could make this fail.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
