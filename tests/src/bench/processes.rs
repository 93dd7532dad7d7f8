//! What the processes of a program use while something runs.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The largest resident set of any process of that program while `work` runs, sampled every
/// millisecond from the kernel's own high-water mark. Another build of it does not count.
pub(crate) fn peak_memory_of(program: &Path, work: impl FnOnce()) -> String {
    let program = program
        .canonicalize()
        .unwrap_or_else(|_| program.to_owned());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let watcher = std::thread::spawn(move || {
        let mut peak = 0;
        while !stopped.load(Ordering::Relaxed) {
            peak = peak.max(largest(&program).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(1));
        }
        peak
    });
    work();
    stop.store(true, Ordering::Relaxed);
    match watcher.join() {
        Ok(kib) if kib > 0 => format!("{:.1} MiB", f64::from(kib) / 1024.0),
        _ => "not seen".to_owned(),
    }
}

fn largest(program: &Path) -> Option<u32> {
    fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            if fs::read_link(folder.join("exe")).ok()? != program {
                return None;
            }
            let status = fs::read_to_string(folder.join("status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        })
        .max()
}
