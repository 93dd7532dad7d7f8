//! The account of what was written, and of how that ended.

use gigadb_engine::{
    changes::{ChangeSet, Transaction},
    executor::{End, Outcome, TransactionStatus},
    verify::Difference,
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
            matches!(s, TransactionStatus::Unknown(_))
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
        | TransactionStatus::NotUndone(why) => format!("{what} ({why})"),
        TransactionStatus::Applied | TransactionStatus::Undone | TransactionStatus::NotSent => what,
    }
}

/// Everything that is not as planned, each on a line of its own.
pub(crate) fn differences(differences: &[Difference]) -> String {
    let text = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
    };
    let list: Vec<String> = differences
        .iter()
        .map(|difference| {
            format!(
                "{ITEM}{}: planned {}, there is {}",
                difference.object,
                text(&difference.desired),
                text(&difference.present)
            )
        })
        .collect();
    list.concat()
}
