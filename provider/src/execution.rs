//! The account of what was written, and of how that ended.

use std::collections::BTreeMap;

use gigadb_engine::{
    changes::{ChangeSet, Transaction},
    executor::{End, Outcome, TransactionStatus},
    object::Object,
    observation::Observation,
    verify::Difference,
    view::View,
    world::Failure,
};

/// Begins a further line of a part of a message.
const PART: &str = "\n           ";
/// Begins an item of a part. Terraform leaves lines that begin with a blank as they are.
const ITEM: &str = "\n             ";

/// What was and what was not changed, as sentences.
pub(crate) fn account(changes: &ChangeSet, outcome: &Outcome) -> String {
    let all = outcome.reports.len();
    if outcome.end == End::NothingChanged || all == 0 {
        return "Nothing was changed.".to_owned();
    }
    type Test = fn(&TransactionStatus) -> bool;
    let groups: [(&str, Test); 6] = [
        ("In force", |s| *s == TransactionStatus::Applied),
        ("Put back", |s| *s == TransactionStatus::Undone),
        ("Not put back", |s| {
            matches!(s, TransactionStatus::NotUndone(_))
        }),
        ("Perhaps in force", |s| {
            matches!(
                s,
                TransactionStatus::Unknown(_) | TransactionStatus::Open(_)
            )
        }),
        ("Refused or without effect", |s| {
            matches!(s, TransactionStatus::NotApplied(_))
        }),
        ("Never sent", |s| *s == TransactionStatus::NotSent),
    ];
    let lines: Vec<String> = groups
        .into_iter()
        .filter_map(|(title, test)| {
            let list: Vec<String> = outcome
                .reports
                .iter()
                .filter(|report| test(&report.status))
                .filter_map(|report| {
                    let transaction = changes.transactions().nth(report.transaction.0)?;
                    Some(told(transaction, &report.status))
                })
                .collect();
            let heading = format!("{title} ({} of {all}):", list.len());
            (!list.is_empty()).then(|| format!("{heading}{ITEM}{}", list.join(ITEM)))
        })
        .collect();
    lines.join(PART)
}

fn told(transaction: &Transaction, status: &TransactionStatus) -> String {
    let what = transaction.describe();
    match status {
        TransactionStatus::NotApplied(why)
        | TransactionStatus::Unknown(why)
        | TransactionStatus::Open(why)
        | TransactionStatus::NotUndone(why) => format!("{what} ({why})"),
        TransactionStatus::Applied | TransactionStatus::Undone | TransactionStatus::NotSent => what,
    }
}

/// Every variable that could not be read back, as a difference names it, and why.
pub(crate) fn unread<'a>(after: &'a Observation, planned: &View) -> BTreeMap<Object, &'a Failure> {
    let variables = planned.variables.keys();
    variables
        .filter_map(|(side, key)| {
            let why = after.variables.get(side)?.failure()?;
            Some((Object::Variable(side.clone(), key.clone()), why))
        })
        .collect()
}

/// Everything that is not, or not known to be, as planned, each on a line of its own.
pub(crate) fn differences(
    differences: &[Difference],
    unread: &BTreeMap<Object, &Failure>,
) -> String {
    let text = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
    };
    let list: Vec<String> = differences
        .iter()
        .map(|difference| {
            let Difference {
                object, desired, ..
            } = difference;
            let present = if unread.contains_key(object) {
                "could not be read back".to_owned()
            } else {
                format!("there is {}", text(&difference.present))
            };
            format!("{ITEM}{object}: planned {}, {present}", text(desired))
        })
        .collect();
    list.concat()
}
