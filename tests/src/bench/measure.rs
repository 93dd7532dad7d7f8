//! Times, medians, and the table's rows.

use std::{fs, time::Duration};

use gigadb_tests::programs;

/// A row of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) target: String,
}

impl Row {
    pub(crate) fn new(what: &str, measured: String, target: &str) -> Self {
        Self {
            what: what.to_owned(),
            measured,
            target: target.to_owned(),
        }
    }
}

/// The medians of two works, run in turn after one run of each that does not count.
pub(crate) fn timed_in_turn(
    runs: usize,
    first: impl Fn() -> Duration,
    second: impl Fn() -> Duration,
) -> (Duration, Duration) {
    let _ = (first(), second());
    let times: Vec<_> = (0..runs).map(|_| (first(), second())).collect();
    (
        median(times.iter().map(|t| t.0)),
        median(times.iter().map(|t| t.1)),
    )
}

/// The middle one of the times.
pub(crate) fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A time as text: one decimal below 100 ms, else whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 100.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

/// The machine and the versions, as one sentence.
pub(crate) fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemTotal"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or_else(String::new, |kib| format!(", {} GiB", kib / 1024 / 1024));
    let first_line = |program: std::path::PathBuf, argument: &str| {
        let output = std::process::Command::new(program)
            .arg(argument)
            .output()
            .ok()?;
        Some(
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .next()?
                .trim()
                .to_owned(),
        )
    };
    let versions: Vec<String> = [
        first_line(programs::terraform(), "version"),
        first_line(programs::python_tool("ansible-inventory"), "--version"),
        first_line("rustc".into(), "--version"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let system = std::env::consts::OS;
    format!(
        "Measured on {system}, {cpus} cores{memory}: {}.",
        versions.join(", ")
    )
}
