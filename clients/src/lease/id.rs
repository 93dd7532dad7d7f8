//! The id of a lease: all that GitLab keeps of its holder, besides the token's user and the time.

use gigadb_engine::rules::one_swap_at_a_time::HoldingProcess;

use crate::{
    journal::RunId,
    process::{Liveness, Process},
};

/// Marks the ids that are made here, with the version of their form.
const MARK: &str = "gigadb-1";
/// The most that GitLab takes, in bytes.
const LONGEST: usize = 255;

/// What an id tells: `gigadb-1:RUN:HOST:PID:START:REASON`, of characters that no shell takes amiss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeaseId {
    pub(super) process: Process,
    pub(super) run: RunId,
    /// Shortened, and with `-` for whatever is not a letter, a digit, `.`, `_` or `-`.
    pub(super) reason: Option<String>,
}

impl LeaseId {
    pub(super) fn new(run: &RunId, reason: Option<&str>) -> Self {
        Self {
            process: Process::this(),
            run: run.clone(),
            reason: reason.map(plain).filter(|reason| !reason.is_empty()),
        }
    }

    /// The id as text, of at most [`LONGEST`] bytes: what does not fit of the reason is left out.
    pub(super) fn text(&self) -> String {
        let Process { host, pid, start } = &self.process;
        let start = start.as_deref().unwrap_or_default();
        let mut text = format!("{MARK}:{}:{}:{pid}:{start}:", self.run, plain(host));
        for c in self.reason.as_deref().unwrap_or_default().chars() {
            if text.len() + c.len_utf8() > LONGEST {
                break;
            }
            text.push(c);
        }
        text
    }

    /// Reads an id; `None` for one that was not made here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (mark, run, host, pid, start, reason) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        );
        if mark != MARK || parts.next().is_some() {
            return None;
        }
        let full = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self {
            process: Process {
                host: host.to_owned(),
                pid: pid.parse().ok()?,
                start: full(start),
            },
            run: run.parse().ok()?,
            reason: full(reason),
        })
    }

    /// Whether the holder is surely gone, and was a process of this machine.
    pub(super) fn is_left_behind(&self) -> bool {
        self.as_here().liveness() == Liveness::Gone
    }

    /// Whether the holder is another process of this program under the same parent.
    pub(super) fn is_of_a_sibling(&self) -> bool {
        self.as_here().is_sibling()
    }

    fn as_here(&self) -> Process {
        let this = Process::this();
        Process {
            // An id holds a host's name in its plain form alone.
            host: if self.process.host == plain(&this.host) {
                this.host
            } else {
                self.process.host.clone()
            },
            ..self.process.clone()
        }
    }

    pub(super) fn holding(self) -> HoldingProcess {
        HoldingProcess {
            host: self.process.host,
            pid: self.process.pid,
            run: self.run.to_string(),
            reason: self.reason,
        }
    }
}

fn plain(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            c if fits(c) => plain.push(c),
            _ if plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    plain.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> RunId {
        "20261122T093000123Z-live-0a1b".parse().unwrap()
    }

    #[test]
    fn an_id_tells_who_holds_the_lease() {
        let mut id = LeaseId::new(&run(), Some("release 4.2: \"go\""));
        id.process = Process {
            host: "ops-1.example.org".to_owned(),
            pid: 4711,
            start: Some("3f2a9c1e-4026531836-88231".to_owned()),
        };
        assert_eq!(
            id.text(),
            "gigadb-1:20261122T093000123Z-live-0a1b:ops-1.example.org:4711:3f2a9c1e-4026531836-88231:release-4.2-go"
        );
        assert_eq!(LeaseId::parse(&id.text()), Some(id));
    }

    #[test]
    fn ids_of_others_are_not_ours() {
        for text in [
            "",
            "0f7a4c1e-1111-2222-3333-444455556666",
            "gigadb-2:20261122T093000123Z-live-0a1b:h:1::",
            "gigadb-1:20261122T093000123Z-live-0a1b:h:one::",
            "gigadb-1:../x:h:1::",
            "gigadb-1:20261122T093000123Z-live-0a1b:h:1:",
            "gigadb-1:20261122T093000123Z-live-0a1b:h:1:::",
        ] {
            assert_eq!(LeaseId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn this_process_has_not_left_it_behind() {
        let id = LeaseId::new(&run(), None);
        assert!(!LeaseId::parse(&id.text()).unwrap().is_left_behind());
    }

    proptest! {
        #[test]
        fn any_reason_fits_and_harms_no_shell(reason in any::<String>()) {
            let text = LeaseId::new(&run(), Some(&reason)).text();
            prop_assert!(text.len() <= LONGEST);
            let fits = |c: char| c.is_alphanumeric() || ":._-".contains(c);
            prop_assert!(text.chars().all(fits), "{}", text);
            prop_assert!(LeaseId::parse(&text).is_some(), "{}", text);
        }

        #[test]
        fn no_text_breaks_reading(text in "(gigadb-1)?[:a-zA-Z0-9./-]{0,80}") {
            if let Some(id) = LeaseId::parse(&text) {
                let _ = id.is_left_behind();
            }
        }
    }
}
