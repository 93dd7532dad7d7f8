//! What happens to one transaction: sent, looked at, sent again, waited for, and the same back.

use super::{
    Announcement, Command, Pace, STOPPED, TransactionId,
    look::{After, Look, Seen, Verdict},
    machine::Executor,
    track::{Activity, State, Undo},
};
use crate::intent::Mode;

/// Sendings of the same values, at most.
const SENDINGS: u8 = 4;
/// The same of a variable in a failover, which must not hold it up.
const SENDINGS_BESIDE: u8 = 2;
/// Failed readings of one look, at most.
const FAILED_READINGS: u8 = 4;
/// The same in a failover, for the batch that decides.
const FAILED_READINGS_OF_THE_DECISIVE: u8 = 2;

const BY_OTHERS: &str = "changed by somebody else since";

impl Executor {
    pub(super) fn announced(&mut self, what: &Announcement) -> Vec<Command> {
        match what {
            Announcement::Send(ids) => ids.iter().flat_map(|id| self.may_send(*id)).collect(),
            Announcement::Undo(id, _) => {
                let Some(track) = self.tracks.get_mut(id.0) else {
                    return Vec::new();
                };
                let State::Backward(undo, activity @ Activity::Announced) = &mut track.state else {
                    return Vec::new();
                };
                *activity = Activity::InFlight;
                track.sendings += 1;
                track.undo_sent = true;
                vec![Command::Undo(*id, undo.steps.clone())]
            }
        }
    }

    fn may_send(&mut self, id: TransactionId) -> Vec<Command> {
        if self.stop_asked {
            return self.withdraw(id, STOPPED.to_owned());
        }
        let Some(track) = self.tracks.get_mut(id.0) else {
            return Vec::new();
        };
        let State::Forward(activity @ Activity::Announced) = &mut track.state else {
            return Vec::new();
        };
        *activity = Activity::InFlight;
        track.sendings += 1;
        vec![Command::Write(id)]
    }

    /// A switchover does not go on without its journal; a failover, or an undo, does.
    pub(super) fn announce_failed(&mut self, what: &Announcement, why: &str) -> Vec<Command> {
        match what {
            Announcement::Send(ids) if self.mode == Mode::Switchover => {
                let why = format!("the journal could not be written: {why}");
                let withdrawn = ids.iter().flat_map(|id| self.withdraw(*id, why.clone()));
                withdrawn.collect()
            }
            _ => self.announced(what),
        }
    }

    /// It is not sent, or not again.
    fn withdraw(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        let announced = self
            .tracks
            .get_mut(id.0)
            .filter(|track| matches!(track.state, State::Forward(Activity::Announced)));
        match announced {
            None => Vec::new(),
            Some(track) if track.sendings == 0 => {
                track.state = State::Pending;
                self.fail(why);
                Vec::new()
            }
            Some(_) => self.wait(id, why),
        }
    }

    pub(super) fn answered(&mut self, id: TransactionId) -> Vec<Command> {
        match self.tracks.get(id.0).map(|track| &track.state) {
            Some(State::Forward(Activity::InFlight)) => self.settle(id, State::Applied),
            Some(State::Backward(undo, Activity::InFlight)) => {
                let state = undone(undo);
                self.settle(id, state)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn refused(&mut self, id: TransactionId, why: String, until: u64) -> Vec<Command> {
        if !self.is_in_flight(id) {
            return Vec::new();
        }
        self.tracks[id.0].refused = true;
        self.tracks[id.0].opened(until);
        self.look(id, After::Refused, why)
    }

    pub(super) fn no_answer(&mut self, id: TransactionId, why: String, until: u64) -> Vec<Command> {
        if !self.is_in_flight(id) {
            return Vec::new();
        }
        self.tracks[id.0].silent += 1;
        self.tracks[id.0].opened(until);
        self.look(id, After::NoAnswer, why)
    }

    pub(super) fn not_sent(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        if !self.is_in_flight(id) {
            return Vec::new();
        }
        let track = &self.tracks[id.0];
        if track.open_until.is_some() {
            // An earlier sending is open.
            return self.look(id, After::NoAnswer, why);
        }
        let state = match &track.state {
            State::Backward(..) => State::NotUndone(why),
            _ => State::NotApplied(why),
        };
        self.settle(id, state)
    }

    fn is_in_flight(&mut self, id: TransactionId) -> bool {
        let activity = self.tracks.get_mut(id.0).and_then(|track| track.activity());
        activity.is_some_and(|activity| *activity == Activity::InFlight)
    }

    fn set(&mut self, id: TransactionId, next: Activity) {
        if let Some(activity) = self.tracks[id.0].activity() {
            *activity = next;
        }
    }

    fn look(&mut self, id: TransactionId, after: After, why: String) -> Vec<Command> {
        let look = Look::new(after, why, self.patience(id));
        self.set(id, Activity::Looking(look));
        vec![Command::ReadBack(id)]
    }

    /// How many readings of one look may fail.
    pub(super) fn patience(&self, id: TransactionId) -> u8 {
        match self.mode {
            Mode::Switchover => FAILED_READINGS,
            Mode::Failover if self.is_decisive(id) => FAILED_READINGS_OF_THE_DECISIVE,
            Mode::Failover => 1,
        }
    }

    fn sendings(&self, id: TransactionId) -> u8 {
        match self.mode {
            Mode::Failover if !self.is_batch(id) => SENDINGS_BESIDE,
            _ => SENDINGS,
        }
    }

    pub(super) fn paused(&mut self, id: TransactionId) -> Vec<Command> {
        let Some(track) = self.tracks.get_mut(id.0) else {
            return Vec::new();
        };
        match &mut track.state {
            State::BeforeUndo(look)
            | State::Forward(Activity::Looking(look))
            | State::Backward(_, Activity::Looking(look))
                if look.resting =>
            {
                look.resting = false;
                vec![Command::ReadBack(id)]
            }
            State::Forward(activity @ Activity::Pacing(_)) => {
                *activity = Activity::Announced;
                vec![Command::Announce(Announcement::Send(vec![id]))]
            }
            State::Backward(undo, activity @ Activity::Pacing(_)) => {
                *activity = Activity::Announced;
                vec![Command::Announce(Announcement::Undo(
                    id,
                    undo.steps.clone(),
                ))]
            }
            _ => Vec::new(),
        }
    }

    /// Waits end; what is in flight, or being read, does not.
    pub(super) fn stop(&mut self) -> Vec<Command> {
        self.stop_asked = true;
        let mut notes = Vec::new();
        for id in (0..self.tracks.len()).map(TransactionId) {
            let why = match &self.tracks[id.0].state {
                State::Forward(Activity::Pacing(why) | Activity::Waiting(why))
                | State::Backward(_, Activity::Waiting(why)) => why.clone(),
                _ => continue,
            };
            notes.extend(self.settle(id, State::Open(why)));
        }
        notes
    }

    /// Nothing of it can take effect any more: what it did is read for the last time.
    pub(super) fn closed(&mut self, id: TransactionId) -> Vec<Command> {
        let Some(track) = self.tracks.get_mut(id.0) else {
            return Vec::new();
        };
        let why = match &track.state {
            State::Forward(Activity::Waiting(why)) | State::Backward(_, Activity::Waiting(why)) => {
                why.clone()
            }
            State::Pending => {
                let why = "an earlier run sent it".to_owned();
                track.state = State::Forward(Activity::Announced);
                why
            }
            State::Applied => {
                track.closed();
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        track.closed();
        self.look(id, After::Closed, why)
    }

    pub(super) fn read_back(
        &mut self,
        id: TransactionId,
        values: Result<Vec<Option<String>>, String>,
    ) -> Vec<Command> {
        let Some(track) = self.tracks.get(id.0) else {
            return Vec::new();
        };
        match track.state.clone() {
            State::BeforeUndo(look) if !look.resting => self.before_undo(id, look, values),
            State::Forward(Activity::Looking(mut look)) if !look.resting => {
                let seen = self.seen_forward(id, &values);
                match look.take(seen, true) {
                    None => self.rest(id, look),
                    Some(verdict) => self.looked(id, &look, verdict, values.err().as_deref()),
                }
            }
            State::Backward(undo, Activity::Looking(mut look)) if !look.resting => {
                let seen = self.seen_backward(id, &undo, &values);
                match look.take(seen, false) {
                    None => self.rest(id, look),
                    Some(verdict) => {
                        let unread = values.err();
                        self.looked_back(id, &undo, &look, verdict, unread.as_deref())
                    }
                }
            }
            _ => Vec::new(),
        }
    }

    fn rest(&mut self, id: TransactionId, mut look: Look) -> Vec<Command> {
        look.resting = true;
        let pace = Pace::Reading(look.reads());
        match &mut self.tracks[id.0].state {
            State::BeforeUndo(before) => *before = look,
            _ => self.set(id, Activity::Looking(look)),
        }
        vec![Command::Pause(id, pace)]
    }

    fn seen_forward(
        &self,
        id: TransactionId,
        values: &Result<Vec<Option<String>>, String>,
    ) -> Seen {
        let Ok(values) = values else {
            return Seen::Unread;
        };
        let present = |index: usize| values.get(index).and_then(Option::as_ref);
        let mut steps = self.steps(id).iter().enumerate();
        if steps.clone().all(|(i, step)| present(i) == Some(&step.to)) {
            Seen::Goal
        } else if steps
            .clone()
            .all(|(i, step)| present(i) == step.from.as_ref())
        {
            Seen::Start
        } else if steps.all(|(i, step)| present(i) != Some(&step.to)) {
            Seen::Nothing
        } else {
            Seen::Other
        }
    }

    fn seen_backward(
        &self,
        id: TransactionId,
        undo: &Undo,
        values: &Result<Vec<Option<String>>, String>,
    ) -> Seen {
        let Ok(values) = values else {
            return Seen::Unread;
        };
        let all = |holds: &dyn Fn(&crate::changes::Step, Option<&String>) -> bool| {
            undo.steps.iter().all(|index| {
                let present = values.get(*index).and_then(Option::as_ref);
                let step = self.steps(id).get(*index);
                step.is_some_and(|step| holds(step, present))
            })
        };
        if all(&|step, present| present == Some(&step.undo)) {
            Seen::Goal
        } else if all(&|step, present| present == Some(&step.to) || present == step.from.as_ref()) {
            // An old reading may still show what was there before this run.
            Seen::Start
        } else {
            Seen::Other
        }
    }

    /// What a look at a transaction that was sent came to.
    fn looked(
        &mut self,
        id: TransactionId,
        look: &Look,
        verdict: Verdict,
        unread: Option<&str>,
    ) -> Vec<Command> {
        let sendings = self.sendings(id);
        let track = &mut self.tracks[id.0];
        let why = &look.why;
        let state = match (verdict, look.after) {
            (Verdict::Goal, _) => {
                track.arrived();
                State::Applied
            }
            (Verdict::Start, After::Refused) if track.silent == 0 => {
                track.closed();
                State::NotApplied(why.clone())
            }
            // A request is carried out whole or not at all.
            (Verdict::Nothing, After::Refused) if track.silent == 0 => {
                track.closed();
                State::NotApplied(format!(
                    "{why}; read back: nothing of it is in force, and somebody else changed what it was for"
                ))
            }
            (Verdict::Other, After::Refused) if track.silent == 0 => {
                track.closed();
                State::Unknown(format!(
                    "{why}; read back: neither as before nor as written"
                ))
            }
            (Verdict::Start, After::Closed) => {
                let why = why.strip_suffix(DOES_NOT_SHOW).unwrap_or(why);
                let why = why.trim_end_matches("; ");
                State::NotApplied(format!("{why}; read back: it was not carried out"))
            }
            (_, After::Closed) => State::Unknown(clause(why, verdict, unread)),
            (Verdict::Start | Verdict::Unclear, After::NoAnswer)
                if track.sendings < sendings && !self.stop_asked =>
            {
                return self.pace(id, why.clone());
            }
            _ => return self.wait(id, clause(why, verdict, unread)),
        };
        self.settle(id, state)
    }

    /// What a look at a transaction that was being undone came to.
    fn looked_back(
        &mut self,
        id: TransactionId,
        undo: &Undo,
        look: &Look,
        verdict: Verdict,
        unread: Option<&str>,
    ) -> Vec<Command> {
        let sendings = self.sendings(id);
        let track = &mut self.tracks[id.0];
        let why = &look.why;
        let state = match (verdict, look.after) {
            (Verdict::Goal, _) => {
                track.arrived();
                undone(undo)
            }
            (Verdict::Start, After::Refused) if track.silent == 0 => {
                track.closed();
                State::NotUndone(why.clone())
            }
            (Verdict::Other, After::Refused) if track.silent == 0 => {
                track.closed();
                State::NotUndone(format!("{why}; {BY_OTHERS}"))
            }
            (Verdict::Start, After::Closed) => State::NotUndone(format!(
                "the undo got no answer ({why}) and is not in force"
            )),
            (Verdict::Nothing | Verdict::Other, After::Closed) => {
                State::NotUndone(BY_OTHERS.to_owned())
            }
            (_, After::Closed) => State::NotUndone(format!(
                "the undo got no answer: {}",
                clause(why, verdict, unread)
            )),
            (Verdict::Start | Verdict::Unclear, After::NoAnswer) if track.sendings < sendings => {
                return self.pace(id, why.clone());
            }
            _ => return self.wait(id, clause(why, verdict, unread)),
        };
        self.settle(id, state)
    }

    /// The same values are sent again after a pause.
    fn pace(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        let pace = Pace::Sending(self.tracks[id.0].sendings);
        self.set(id, Activity::Pacing(why));
        vec![Command::Pause(id, pace)]
    }

    /// Only time tells: a switchover waits, unless it is to stop.
    fn wait(&mut self, id: TransactionId, why: String) -> Vec<Command> {
        if self.mode == Mode::Failover || self.stop_asked {
            return self.settle(id, State::Open(why));
        }
        self.set(id, Activity::Waiting(why));
        vec![
            Command::Note(self.report(id)),
            Command::WaitUntilClosed(vec![id]),
        ]
    }

    /// Undoes every step but those that somebody else changed. One that shows the value from
    /// before the run is undone as well: the reading may be an old one, and writing the same value
    /// changes nothing.
    fn before_undo(
        &mut self,
        id: TransactionId,
        mut look: Look,
        values: Result<Vec<Option<String>>, String>,
    ) -> Vec<Command> {
        let values = match values {
            Ok(values) => values,
            Err(why) => {
                return match look.take(Seen::Unread, true) {
                    None => self.rest(id, look),
                    // What was never seen in force is not said to stand.
                    Some(_) if !look.why.is_empty() => self.settle(id, State::Unknown(look.why)),
                    Some(_) => {
                        self.settle(id, State::NotUndone(format!("it could not be read: {why}")))
                    }
                };
            }
        };
        let mut steps = Vec::new();
        let mut left = Vec::new();
        let mut absent = false;
        for (index, step) in self.steps(id).iter().enumerate() {
            let present = values.get(index).and_then(Option::as_ref);
            if present.is_none() && step.from.is_none() {
                // What was created does not show yet, or is gone.
                absent = true;
            } else if [Some(&step.to), Some(&step.undo), step.from.as_ref()].contains(&present) {
                steps.push(index);
            } else {
                left.push(step.target.to_string());
            }
        }
        if absent && look.take(Seen::Start, true).is_none() {
            return self.rest(id, look);
        }
        let left = (!left.is_empty()).then(|| format!("{BY_OTHERS}: {}", left.join(", ")));
        let undo = Undo { steps, left };
        if undo.steps.is_empty() {
            let state = undone(&undo);
            return self.settle(id, state);
        }
        let announcement = Announcement::Undo(id, undo.steps.clone());
        self.tracks[id.0].state = State::Backward(undo, Activity::Announced);
        vec![Command::Announce(announcement)]
    }
}

/// The state once these steps are undone.
fn undone(undo: &Undo) -> State {
    match &undo.left {
        None => State::Undone,
        Some(left) => State::NotUndone(left.clone()),
    }
}

/// What a look came to that shows what was there before.
const DOES_NOT_SHOW: &str = "read back: it does not show";

/// Why it is not known what a request did. What an earlier look came to is not said twice.
fn clause(why: &str, verdict: Verdict, unread: Option<&str>) -> String {
    let came_to = match (verdict, unread) {
        (Verdict::Unread, Some(unread)) => format!("reading back failed: {unread}"),
        (Verdict::Nothing | Verdict::Other, _) => {
            "read back: neither as before nor as written".to_owned()
        }
        (Verdict::Unclear, _) => "what was read back contradicts itself".to_owned(),
        (Verdict::Start, _) => DOES_NOT_SHOW.to_owned(),
        (Verdict::Goal | Verdict::Unread, _) => return why.to_owned(),
    };
    if why.ends_with(&came_to) {
        why.to_owned()
    } else {
        format!("{why}; {came_to}")
    }
}
