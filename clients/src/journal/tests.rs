use std::{fs, time::Duration};

use gigadb_engine::{
    changes::{Boundary, Step, Target, Transaction},
    executor::{End, TransactionStatus},
    intent::{Arrangement, Mode, OnFailure, Trade},
    rules::Rule,
};
use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

/// A journal of format version 1, to be read for ever.
const VERSION_1: &str = include_str!("version-1.jsonl");
/// The same of version 2.
const VERSION_2: &str = include_str!("version-2.jsonl");
/// The same of version 3.
const VERSION_3: &str = include_str!("version-3.jsonl");
/// The same of version 4.
const VERSION_4: &str = include_str!("version-4.jsonl");

fn changes() -> ChangeSet {
    let step = Step {
        target: Target::Variable {
            infrastructure: "gigadb-website".parse().unwrap(),
            project: "gigascience/upstream/gigadb-website".into(),
            key: "HOME_URL".parse().unwrap(),
            scope: "live".parse().unwrap(),
            create: false,
        },
        from: Some("https://gigadb.org".into()),
        to: "http://alt-live.gigadb.host".into(),
        undo: "https://gigadb.org".into(),
        reason: "`gigadb-website` is the hot standby of `live`.".into(),
    };
    let transaction = Transaction {
        boundary: Boundary::Variable,
        steps: vec![step],
    };
    ChangeSet {
        stages: vec![vec![transaction]],
        blocked: Vec::new(),
    }
}

fn intent() -> Intent {
    Intent {
        environment: "live".parse().unwrap(),
        arrangement: Arrangement {
            production: "alt-gigadb-website".parse().unwrap(),
            hot_standby: "gigadb-website".parse().unwrap(),
        },
        mode: Mode::Switchover,
        prepare: None,
        on_failure: OnFailure::Revert,
        overrides: [Rule::Permutation].into(),
        trade: Trade::from(true),
    }
}

fn started() -> Timestamp {
    "2026-11-22T09:30:00.123456Z".parse().unwrap()
}

fn begin_in(folder: &Path) -> Result<(RunId, FileJournal), JournalError> {
    let intent = intent();
    let id = RunId::new(&intent.environment, started());
    let lease = LeaseRecord {
        gitlab_project: "gigascience/upstream/gigadb-website".into(),
        name: "gigadb-roles-live".into(),
        id: "the-lease".into(),
    };
    let journal = FileJournal::begin(
        folder,
        &Beginning {
            id: &id,
            program: "gigadb-roles 0.1.0",
            by: "ada@bastion",
            follows: None,
            intent: &intent,
            changes: &changes(),
            topology: &TopologyDigest("d".into()),
            reason: Some("release 4.2"),
            lease: Some(&lease),
            started: started(),
        },
    )?;
    Ok((id, journal))
}

fn begin(folder: &Path) -> (RunId, FileJournal) {
    begin_in(folder).unwrap()
}

fn report(status: TransactionStatus, open_until: Option<u64>) -> Report {
    Report {
        transaction: TransactionId(0),
        status,
        open_until,
        undo_sent: false,
    }
}

fn outcome() -> Outcome {
    Outcome {
        end: End::Completed,
        reports: vec![Report {
            transaction: TransactionId(0),
            status: TransactionStatus::Applied,
            open_until: Some(1_795_343_520),
            undo_sent: false,
        }],
        cause: None,
        remedy: None,
    }
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state/gigadb/journal");
    let (id, mut journal) = begin(&folder);
    assert!(id.as_str().starts_with("20261122T093000123Z-live-"), "{id}");
    let first = TransactionId(0);
    let refused = TransactionStatus::NotApplied("refused".into());
    journal.announce(&Announcement::Send(vec![first])).unwrap();
    journal.created(first, 0, &"0123".parse().unwrap());
    journal.note(&report(refused.clone(), None));
    assert!(read(&folder, &id).unwrap().may_be_under_way());
    journal.finish(&outcome());
    assert_eq!(journal.failed(), None);

    let run = read(&folder, &id).unwrap();
    assert_eq!(run.header.intent(), intent());
    assert_eq!(run.changes(), changes());
    assert_eq!(run.header.reason.as_deref(), Some("release 4.2"));
    assert_eq!(run.header.by.as_deref(), Some("ada@bastion"));
    assert_eq!(run.header.started, format::milliseconds(started()));
    assert_eq!(run.header.process, Process::this());
    assert_eq!(run.header.lease.as_ref().unwrap().id, "the-lease");
    assert_eq!(run.announced(), [first].into());
    assert_eq!(run.statuses(), [(first, &refused)].into());
    assert_eq!(run.created()[&(first, 0)].as_str(), "0123");
    assert_eq!(run.outcome(), Some(&outcome()));
    assert!(!run.cut_off && !run.may_be_under_way());
    assert_eq!(ids(&folder).unwrap(), [id]);
}

#[test]
fn later_runs_come_first() {
    let home = tempfile::tempdir().unwrap();
    let environment = "live".parse().unwrap();
    let at = |text: &str| RunId::new(&environment, text.parse().unwrap());
    let ordered = [
        at("2026-11-22T09:30:00.124Z"),
        at("2026-11-22T09:30:00.123Z"),
        at("2025-12-31T23:59:59Z"),
    ];
    for id in [&ordered[1], &ordered[0], &ordered[2]] {
        fs::write(home.path().join(id.file_name()), "").unwrap();
    }
    fs::write(home.path().join("notes.txt"), "").unwrap();
    assert_eq!(ids(home.path()).unwrap(), ordered);
    assert!(ids(&home.path().join("absent")).unwrap().is_empty());
}

#[test]
fn every_version_is_read_for_ever() {
    let written = |run: &Run| {
        let mut written = serde_json::to_string(&run.header).unwrap();
        for entry in &run.entries {
            written.push('\n');
            written.push_str(&serde_json::to_string(entry).unwrap());
        }
        written
    };
    // Version 1 had less to tell, and told it in the same words.
    let run = Run::parse(VERSION_1.as_bytes()).unwrap();
    assert_eq!(run.entries.len(), 7);
    assert_eq!(written(&run), VERSION_1.trim_end());
    let run = Run::parse(VERSION_2.as_bytes()).unwrap();
    assert_eq!(run.entries.len(), 8);
    assert_eq!(written(&run), VERSION_2.trim_end());
    let run = Run::parse(VERSION_3.as_bytes()).unwrap();
    assert_eq!(run.entries.len(), 8);
    assert!(run.left().is_empty());
    assert_eq!(written(&run), VERSION_3.trim_end());
    // The last one is what is written: a change to the format changes its version.
    let run = Run::parse(VERSION_4.as_bytes()).unwrap();
    assert_eq!(run.header.format_version, FORMAT_VERSION);
    assert_eq!(run.entries.len(), 9);
    assert!(!run.left().owed.is_empty() && !run.left().not_shown.is_empty());
    assert_eq!(written(&run), VERSION_4.trim_end());
}

#[test]
fn a_journal_that_ends_anywhere_says_until_when_something_is_open() {
    let run = Run::parse(VERSION_2.as_bytes()).unwrap();
    let open_after = |lines: usize| {
        let run = Run {
            entries: run.entries[..lines].to_vec(),
            ..run.clone()
        };
        let open = run.still_open(Duration::from_mins(2));
        let text = |until: Option<u64>| {
            let at = until.map(|until| Timestamp::from_second(until.try_into().unwrap()).unwrap());
            at.map_or_else(|| "-".to_owned(), |at| at.strftime("%T").to_string())
        };
        format!(
            "{lines}: forward {}, back {}",
            text(open.forward),
            text(open.back)
        )
    };
    let all: Vec<String> = (0..=run.entries.len()).map(open_after).collect();
    assert_snapshot!(all.join("\n"), @r"
    0: forward -, back -
    1: forward 09:32:01, back -
    2: forward -, back -
    3: forward 09:32:01, back -
    4: forward 09:32:01, back -
    5: forward 09:32:05, back -
    6: forward 09:32:05, back -
    7: forward 09:32:05, back 09:34:07
    8: forward 09:32:05, back 09:31:45
    ");
}

#[test]
fn what_may_still_take_effect_is_known_by_any_clock() {
    let mut run = Run::parse(VERSION_2.as_bytes()).unwrap();
    // Both transactions were announced, and nothing was noted of them.
    run.entries.truncate(1);
    let open_for = Duration::from_mins(2);
    let until = run.still_open(open_for).forward.unwrap();
    let late = |now: u64| -> Vec<(String, String, u64)> {
        let late = run.late(open_for, now).into_iter();
        late.map(|late| (late.target.to_string(), late.value, late.until))
            .collect()
    };
    let written = late(until - 1);
    assert!(!written.is_empty());
    for (target, value, closes) in &written {
        assert_eq!(*closes, until);
        let step = run.transactions().flat_map(|t| &t.steps);
        let step = step.into_iter().find(|s| s.target.to_string() == *target);
        assert_eq!(*value, step.unwrap().to);
    }
    assert_eq!(late(until), []);
    // A clock that was set back by a day: no longer than a request may take from now.
    let day = 24 * 3600;
    let closes: Vec<u64> = late(until - day).into_iter().map(|late| late.2).collect();
    assert_eq!(closes, vec![until - day + 121; written.len()]);
    // What is being put back is the value of before.
    let mut run = Run::parse(VERSION_2.as_bytes()).unwrap();
    let undone = run
        .entries
        .iter()
        .rposition(|entry| matches!(entry.event, JournalEvent::Announced(Announcement::Undo(..))));
    run.entries.truncate(undone.unwrap() + 1);
    let back = run.still_open(open_for).back.unwrap();
    let values: Vec<String> = run
        .late(open_for, back - 1)
        .into_iter()
        .map(|late| late.value)
        .collect();
    let undo = run.transactions().flat_map(|t| &t.steps);
    let undo: Vec<String> = undo.map(|step| step.undo.clone()).collect();
    assert!(!values.is_empty());
    assert!(
        values.iter().all(|value| undo.contains(value)),
        "{values:?}"
    );
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("journal");
    let (_, journal) = begin(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(journal.path())), (0o700, 0o600));
}

#[test]
fn a_run_that_was_killed_at_any_byte_leaves_a_readable_journal() {
    let home = tempfile::tempdir().unwrap();
    let (_, mut journal) = begin(home.path());
    let header = fs::read(journal.path()).unwrap().len();
    let first = TransactionId(0);
    journal.announce(&Announcement::Send(vec![first])).unwrap();
    let open = TransactionStatus::Open("größer".into());
    journal.note(&report(open, Some(1_795_343_520)));
    journal.finish(&outcome());
    let whole = fs::read(journal.path()).unwrap();
    for length in 0..whole.len() {
        let run = Run::parse(&whole[..length]);
        if length < header {
            let why = run.unwrap_err();
            assert!(why.starts_with("its first line is cut off") || length == 0);
            continue;
        }
        let run = run.unwrap();
        let complete = whole[..length].ends_with(b"\n");
        assert_eq!(run.cut_off, !complete, "{length}");
        let lines = whole[..length].split(|b| *b == b'\n').count() - 1;
        assert!(run.entries.len() + 1 >= lines, "{length}");
    }
    // A file system may leave zeros where the last line was to be.
    let zeros = [&whole[..header], &[0; 64]].concat();
    assert!(Run::parse(&zeros).unwrap().cut_off);
}

#[test]
fn what_is_no_journal_is_refused_with_the_place() {
    let home = tempfile::tempdir().unwrap();
    let (id, journal) = begin(home.path());
    let whole = fs::read_to_string(journal.path()).unwrap();
    let refused = |content: &str| {
        fs::write(journal.path(), content).unwrap();
        let error = read(home.path(), &id).unwrap_err().to_string();
        let file = journal.path().display().to_string();
        assert!(error.contains(&file), "{error}");
        error.replace(&file, "FILE")
    };
    assert_snapshot!([
        refused(""),
        refused("hello\n"),
        refused("{\"format_version\":5}\n"),
        refused("{\"format_version\":1}\n"),
        refused(&format!("{whole}garbage\n{whole}")),
    ].join("\n"), @r"
    `FILE` is not a journal that this version reads: it is empty
    `FILE` is not a journal that this version reads: line 1, column 1: expected value
    `FILE` is not a journal that this version reads: it has format version 5, and this version knows 4 at most; use the version that wrote it, or a newer one
    `FILE` is not a journal that this version reads: line 1, column 20: missing field `id`
    `FILE` is not a journal that this version reads: line 2, column 1: expected value
    ");
    for id in ["", "../x", "a/b", ".hidden", "a.jsonl", "é"] {
        let error = id.parse::<RunId>().unwrap_err().to_string();
        assert!(error.contains("is not the id of a run"), "{error}");
    }
    let absent = "20261122T093000123Z-live-0a1b".parse().unwrap();
    let error = read(home.path(), &absent).unwrap_err().to_string();
    assert!(error.starts_with("could not read"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_stops_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = begin_in(&file.join("journal")).unwrap_err().to_string();
    assert!(error.starts_with("could not create"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_remembered() {
    let home = tempfile::tempdir().unwrap();
    let (_, mut journal) = begin(home.path());
    journal.file = File::options().write(true).open("/dev/full").unwrap();
    let first = TransactionId(0);
    let why = journal
        .announce(&Announcement::Send(vec![first]))
        .unwrap_err();
    assert!(why.contains("No space left on device"), "{why}");
    journal.note(&report(TransactionStatus::Applied, None));
    assert_eq!(journal.failed(), Some(why.as_str()));
}

#[test]
fn the_folder_follows_the_environment() {
    let folder_for = |set: &[(&str, &str)]| {
        let find = |name: &str| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        folder(&find).map(|path| path.display().to_string())
    };
    let home = ("HOME", "/h");
    assert_eq!(
        folder_for(&[home]).as_deref(),
        Some("/h/.local/state/gigadb/journal")
    );
    assert_eq!(
        folder_for(&[home, ("XDG_STATE_HOME", "/s")]).as_deref(),
        Some("/s/gigadb/journal")
    );
    assert_eq!(
        folder_for(&[home, ("GIGADB_JOURNAL_DIR", "/j")]).as_deref(),
        Some("/j")
    );
    assert_eq!(folder_for(&[("HOME", "")]), None);
}

proptest! {
    /// Any bytes are either a journal or refused.
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Run::parse(&bytes);
    }

    /// A damaged journal is either read or refused, and never in silence where a line in the
    /// middle makes no sense.
    #[test]
    fn no_damage_breaks_the_reader(
        place in any::<prop::sample::Index>(),
        length in 0_usize..40,
        with in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = VERSION_1.as_bytes().to_vec();
        let from = place.index(bytes.len());
        let to = bytes.len().min(from + length);
        bytes.splice(from..to, with);
        let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).count();
        if let Ok(run) = Run::parse(&bytes) {
            prop_assert!(run.entries.len() + 1 + usize::from(run.cut_off) >= lines);
        }
    }

    /// What was written is read back as it was, whatever the operator's words.
    #[test]
    fn any_reason_is_kept(reason in any::<String>()) {
        let mut header = Run::parse(VERSION_1.as_bytes()).unwrap().header;
        header.reason = Some(reason);
        let mut line = serde_json::to_vec(&header).unwrap();
        line.push(b'\n');
        prop_assert_eq!(Run::parse(&line).unwrap().header, header);
    }
}
