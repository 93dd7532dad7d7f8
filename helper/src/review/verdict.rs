//! What a plan does to the roles, in one line, and how much there is to say about it.

use gigadb_engine::message::capitalized;

use super::{
    change::{Change, Kind, Stray, Variable},
    document::{Review, counted},
    escape::name,
    findings::{Counts, Finding},
};

impl Review {
    /// What the plan does to the roles, in one line.
    pub(crate) fn verdict(&self) -> String {
        let acting: Vec<String> = self
            .acting()
            .map(|(change, _)| self.sentence(change))
            .collect();
        if !acting.is_empty() {
            return capitalized(&acting.join("; "));
        }
        let stays = self.changes.iter().filter_map(|(change, _)| {
            let environment = name(&change.environment);
            if let Some(stray) = &change.holder.stray_to {
                return Some(format!(
                    "{environment} stays as it is, and {}",
                    led(stray, "leads")
                ));
            }
            let production = self.side(change.production_after()?);
            Some(format!(
                "{environment} stays with production {production}{}",
                self.outside(change)
            ))
        });
        let stays: Vec<String> = stays.collect();
        if stays.is_empty() {
            "Changes no role: the plan holds no role assignment".to_owned()
        } else {
            format!("Changes no role: {}", stays.join(", "))
        }
    }

    /// What is written and what was found, for the first line; nothing where nothing is written.
    pub(crate) fn weight(&self) -> Option<String> {
        let writing: Vec<&Change> = self
            .acting()
            .filter(|(change, findings)| Self::weighs(change, findings) || change.opaque)
            .map(|(change, _)| change)
            .collect();
        if writing.is_empty() {
            return None;
        }
        // Of what is not a trade of roles, the sentence itself says how much is written.
        let trades = |change: &&&Change| {
            let trade = matches!(change.kind, Kind::Swap | Kind::Failover | Kind::TradeBack);
            trade && !change.opaque
        };
        let trading: Vec<&&Change> = writing.iter().filter(trades).collect();
        let records = trading.iter().map(|change| change.moved().count()).sum();
        let variables = trading.iter().flat_map(|change| &change.variables);
        let written = if trading.is_empty() {
            String::new()
        } else {
            let records = counted(records, "record");
            format!("{records}, {}; ", variables_in_words(variables))
        };
        let found = self.counts().map_or_else(
            || "findings not known".to_owned(),
            |counts| {
                let waived = match counts.waived {
                    0 => String::new(),
                    waived => format!(", {waived} waived"),
                };
                format!(
                    "{}, {}{waived}",
                    counted(counts.errors, "error"),
                    counted(counts.warnings, "warning")
                )
            },
        );
        let unjudged = self.unjudged();
        let unjudged = match (self.counts(), unjudged.is_empty()) {
            (Some(_), false) => format!(", not known for {}", unjudged.join(", ")),
            _ => String::new(),
        };
        Some(format!("{written}{found}{unjudged}"))
    }

    /// How many findings there are; `None` where none are known of any change that writes.
    pub(crate) fn counts(&self) -> Option<Counts> {
        let known: Vec<&[Finding]> = self
            .acting()
            .filter(|(change, findings)| Self::weighs(change, findings))
            .filter_map(|(_, findings)| findings.known())
            .collect();
        if known.is_empty() {
            return None;
        }
        let mut counts = Counts::default();
        for finding in known.into_iter().flatten() {
            let count = match (finding.waived, finding.blocks()) {
                (true, _) => &mut counts.waived,
                (false, true) => &mut counts.errors,
                (false, false) => &mut counts.warnings,
            };
            *count += 1;
        }
        Some(counts)
    }

    fn unjudged(&self) -> Vec<String> {
        self.acting()
            .filter(|(change, findings)| change.writes() && findings.known().is_none())
            .map(|(change, _)| name(&change.environment))
            .collect()
    }

    /// That Terraform's state names another side than the records, where it does.
    fn outside(&self, change: &Change) -> String {
        let said = change.from.as_ref().filter(|_| change.traded_outside());
        said.map_or_else(String::new, |said| {
            format!(
                ", not {} as Terraform's state says: roles were traded outside Terraform; kept",
                self.side(&said.production)
            )
        })
    }

    fn sentence(&self, change: &Change) -> String {
        let environment = name(&change.environment);
        let side = |side: Option<&str>| side.map_or_else(|| "?".to_owned(), |one| self.side(one));
        let holder = &change.holder;
        let neither = |stray: &Stray| {
            let address = stray
                .address
                .as_deref()
                .map(|address| format!(" ({})", name(address)));
            format!("neither side{}", address.unwrap_or_default())
        };
        let from = holder
            .stray_from
            .as_ref()
            .map_or_else(|| side(change.production_before()), neither);
        let to = holder
            .stray_to
            .as_ref()
            .map_or_else(|| side(change.production_after()), neither);
        // At the end of a clause, and within one.
        let (imported, within) = if change.imported {
            (", imported", ", imported,")
        } else {
            ("", "")
        };
        let stays = match (&holder.stray_from, &holder.stray_to) {
            (_, Some(stray)) => led(stray, "leads"),
            (Some(stray), None) => format!("production is {to}; {} before", led(stray, "led")),
            (None, None) => format!("production stays {to}{}", self.outside(change)),
        };
        match change.kind {
            Kind::Swap => format!("swaps {environment}{imported}: production {from} to {to}"),
            Kind::Failover => {
                format!("fails over {environment}{imported}: production {from} to {to}")
            }
            Kind::TradeBack => format!(
                "trades {environment}{within} back: production {from} to {to}, after roles were traded outside Terraform"
            ),
            Kind::TakeNote => {
                let said = side(change.from.as_ref().map(|roles| roles.production.as_str()));
                let why = if change.traded_outside() {
                    ", as roles were traded outside Terraform"
                } else {
                    ""
                };
                format!(
                    "takes note that production of {environment}{within} is {to}, no longer {said}{why}: {}",
                    written(change)
                )
            }
            Kind::HotStandby => {
                let standby = |roles: &Option<super::change::Roles>| {
                    side(roles.as_ref().map(|roles| roles.hot_standby.as_str()))
                };
                format!(
                    "makes {} the hot standby of {environment}{imported}, no longer {}: {}, {stays}",
                    standby(&change.after),
                    standby(&change.from),
                    written(change)
                )
            }
            Kind::Rename => {
                let names = change.renamed.iter();
                let names = names.map(|(from, to)| format!("{} to {}", name(from), self.side(to)));
                format!(
                    "renames {} in {environment}{imported}: writes nothing, {stays}",
                    names.collect::<Vec<_>>().join(" and ")
                )
            }
            Kind::Prepare => format!(
                "prepares {environment}{within} on {}: {}, {stays}",
                side(change.prepare.as_deref()),
                written(change)
            ),
            Kind::Align => format!(
                "aligns {environment}{within} with its topology: {}, {stays}",
                written(change)
            ),
            Kind::Settings => {
                format!(
                    "changes settings of {environment}{imported}: no record, no variable, {stays}"
                )
            }
            Kind::Adopt if change.adopts() && self.may_add => format!(
                "adopts {environment} and changes nothing that is there, but may add what is missing: {stays}"
            ),
            Kind::Adopt => format!("adopts {environment}{within} as it is: {stays}"),
            Kind::Forget => format!(
                "forgets {environment}: its records and variables stay as they are, {}",
                holder.stray_from.as_ref().map_or_else(
                    || format!("production stays {from}"),
                    |stray| led(stray, "leads")
                )
            ),
            Kind::Replace => match &change.replaces {
                Some(former) => format!(
                    "forgets {} and adopts {environment} as it is: {stays}",
                    name(former)
                ),
                None => format!("forgets {environment} and adopts it again: {stays}"),
            },
            Kind::Refresh => format!(
                "takes up in Terraform's state what is there in {environment}: {} and {} differ, none is written, production is {to}{}",
                counted(change.moved().count(), "record"),
                counted(change.variables.len(), "variable"),
                self.outside(change).trim_end_matches("; kept"),
            ),
            Kind::Keep | Kind::None => format!("leaves {environment} alone"),
        }
    }
}

/// Where an apex leads that leads to neither side.
fn led(stray: &Stray, verb: &str) -> String {
    let apex = name(&stray.apex);
    match &stray.address {
        Some(address) => format!("{apex} {verb} to neither side ({})", name(address)),
        None if verb == "led" => format!("{apex} had no single address"),
        None => format!("{apex} has no single address"),
    }
}

fn written(change: &Change) -> String {
    if change.opaque {
        return "what it writes is hidden in the plan".to_owned();
    }
    if !change.writes() {
        return "writes nothing".to_owned();
    }
    format!(
        "writes {} and {}",
        counted(change.moved().count(), "record"),
        variables_in_words(&change.variables)
    )
}

/// How many variables are written: at most, where the plan does not tell what a side that is new
/// to it holds.
fn variables_in_words<'a>(variables: impl IntoIterator<Item = &'a Variable>) -> String {
    let known: Vec<bool> = variables.into_iter().map(|one| one.from_known).collect();
    let count = counted(known.len(), "variable");
    if known.contains(&false) {
        format!("up to {count}")
    } else {
        count
    }
}
