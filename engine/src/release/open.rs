//! What a release leaves open where it ends now, and whether it has ended.

use super::{
    facts::Facts,
    record::{EndedAs, Record, State},
    step::{Kind, Step},
};
use crate::foreign::Foreign;

/// One sentence for each thing that is open.
pub fn open(record: &Record, facts: &Facts) -> Vec<String> {
    let mut open = Vec::new();
    let done = |kind: Kind| {
        let entry = record.steps.get(&Step::from(kind));
        entry.is_some_and(|entry| entry.state != State::LeftOut)
    };
    for (step, entry) in &record.steps {
        match entry.state {
            State::Begun => open.push(format!(
                "Step `{step}` was begun by `{}` at {}, and how it ended is not known.",
                entry.mark.by, entry.mark.at
            )),
            State::Failed => open.push(format!("Step `{step}` failed at {}.", entry.mark.at)),
            _ => {}
        }
    }
    let as_meant = record.left().is_empty();
    match &facts.roles {
        Ok(roles) if as_meant && *roles == record.expected() && facts.consistent => {}
        Err(why) => open.push(format!("It is not clear who has which role: {why}.")),
        Ok(roles) if roles.production != record.production => open.push(format!(
            "`{}` is production; before this release it was `{}`.",
            roles.production, record.production
        )),
        Ok(_) if facts.prepared && !facts.consistent => open.push(format!(
            "`{standby}` carries production's variables and is hot standby. Set them back: take \
             `prepare` out of Terraform's configuration and apply it, or run `gigadb-roles plan -e \
             {environment} --production {production} --hot-standby {standby} --out FILE` and `gigadb-roles apply FILE`.",
            standby = record.hot_standby,
            environment = record.environment,
            production = record.production,
        )),
        Ok(_) if !facts.consistent => {
            open.push("Some record or variable is not as the topology says.".to_owned());
        }
        Ok(_) => {}
    }
    for side in [&record.production, &record.hot_standby] {
        match facts.side(side) {
            None => open.push(format!(
                "What runs on `{side}` is not known: {}.",
                facts.unread(side).unwrap_or_default()
            )),
            Some(read) => open.extend(
                read.active
                    .iter()
                    .map(|one| format!("A deployment runs or waits on `{side}`: {}.", one.what)),
            ),
        }
    }
    let carried = [&record.production, &record.hot_standby]
        .map(|side| facts.side(side).and_then(|read| read.deployed.as_deref()));
    if let [Some(one), Some(other)] = carried
        && one != other
    {
        open.push(format!(
            "`{}` carries `{one}`, `{}` carries `{other}`.",
            record.production, record.hot_standby
        ));
    }
    if done(Kind::PauseSync) && !record.is_past(Kind::SyncOn) {
        open.push(
            "This release paused the synchronization of data, and none of its steps turned it on \
             again: decide whose data counts, then see that it runs."
                .to_owned(),
        );
    }
    let as_turned_on = matches!(&facts.roles, Ok(roles) if roles.production == record.hot_standby);
    if !as_turned_on {
        open.extend(turned_on(record));
    }
    if done(Kind::Embargo) && !record.is_past(Kind::LiftEmbargo) {
        open.push("The embargo on changes to production stands.".to_owned());
    }
    if !record.steps.is_empty() && !record.is_past(Kind::Table) {
        open.push("The team's table may not say what is so.".to_owned());
    }
    open
}

/// What steps of this release turned on for the traded roles, and what that means where they are
/// given back; a sentence each.
pub fn turned_on(record: &Record) -> Vec<String> {
    let begun = |kind: Kind| {
        let entry = record.steps.get(&Step::from(kind));
        entry.is_some_and(|entry| entry.state != State::LeftOut)
    };
    let (first, then) = (&record.production, &record.hot_standby);
    let mut on = Vec::new();
    if begun(Kind::SyncOn) {
        on.push(format!(
            "`sync-on` was taken while `{then}` was production: `{first}` follows it, and its next \
             `databaseReset` replaces its database. Where `{first}` is production again, that loses \
             what it took in: pause the synchronization on both sides before, and turn it on by the \
             roles that hold then."
        ));
    }
    if begun(Kind::BackupOn) {
        on.push(format!(
            "`backup-on` was taken while `{then}` was production: the nightly backups are \
             `{then}`'s. Where `{first}` is production again, turn them on there."
        ));
    }
    on
}

impl Record {
    /// Why the release of this record does not go on, where `now` is what is kept in its place: a
    /// clause.
    pub fn over(&self, now: &Self) -> Option<String> {
        let which = |of: &Self| (of.started.clone(), of.release.clone(), of.process);
        if which(now) != which(self) {
            return Some(format!(
                "release `{}` was begun by `{}` at {} in its place",
                Foreign(&now.release),
                Foreign(&now.started.by),
                Foreign(&now.started.at)
            ));
        }
        let end = now.ended.as_ref()?;
        let how = match end.how {
            EndedAs::Finished => "finished",
            EndedAs::Abandoned => "abandoned",
        };
        Some(format!(
            "release `{}` was {how} by `{}` at {}",
            Foreign(&now.release),
            Foreign(&end.mark.by),
            Foreign(&end.mark.at)
        ))
    }
}
