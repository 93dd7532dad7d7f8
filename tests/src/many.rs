//! Many cases of one promise, side by side.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Runs every case, `workers` at a time, and returns what they returned, in order; panics in the end
/// with all cases that panicked.
#[track_caller]
pub fn side_by_side<C: Display + Sync, R: Send>(
    cases: &[C],
    workers: usize,
    run: impl Fn(&C) -> R + Sync,
) -> Vec<R> {
    side_by_side_on(cases, workers, || (), |(), case| run(case))
}

/// The same on stages: each worker sets one up, and another after a case that panicked.
#[track_caller]
pub fn side_by_side_on<S, C: Display + Sync, R: Send>(
    cases: &[C],
    workers: usize,
    set_up: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, &C) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut stage = set_up();
                while let Some((index, case)) = nth(cases, next.fetch_add(1, Ordering::Relaxed)) {
                    let result = catch_unwind(AssertUnwindSafe(|| run(&mut stage, case)));
                    if result.is_err() {
                        stage = set_up();
                    }
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    let mut failures = Vec::new();
    let mut returned = Vec::new();
    for (index, result) in results {
        match result {
            Ok(result) => returned.push(result),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
                failures.push(format!("{}: {}", cases[index], text.unwrap_or_default()));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases failed:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
    returned
}

fn nth<C>(cases: &[C], index: usize) -> Option<(usize, &C)> {
    cases.get(index).map(|case| (index, case))
}
