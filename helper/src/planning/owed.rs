//! What is left to be done, by its cause: a reason that eight items share is said once.

use std::fmt::Write as _;

use gigadb_engine::foreign::Foreign;

/// One item: the object, what it should be where that is known, and why it is left.
pub(crate) type Item<'a> = (String, Option<&'a str>, &'a str);

/// One text a cause, in the order of the items. Where a cause has several items, each of them has a
/// line of its own below it.
pub(crate) fn by_cause<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Vec<String> {
    let mut causes: Vec<(&str, Vec<String>)> = Vec::new();
    for (object, wanted, reason) in items {
        let wanted = wanted.unwrap_or("set, to what is not known yet");
        let item = format!("{object} should be {}", Foreign(wanted));
        match causes.iter_mut().find(|(cause, _)| *cause == reason) {
            Some((_, items)) => items.push(item),
            None => causes.push((reason, vec![item])),
        }
    }
    let told = causes.into_iter().map(|(cause, items)| {
        let cause = Foreign(cause);
        match items.as_slice() {
            [one] => format!("{one}: {cause}"),
            several => {
                let mut text = format!("{} items: {cause}", several.len());
                for item in several {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\n    {item}");
                }
                text
            }
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::by_cause;

    #[test]
    fn a_cause_is_said_once() {
        let items = [
            ("a".to_owned(), Some("1"), "GitLab did not answer"),
            ("b".to_owned(), None, "it has\ntwo records"),
            ("c".to_owned(), Some("3"), "GitLab did not answer"),
        ];
        assert_eq!(
            by_cause(items),
            [
                "2 items: GitLab did not answer\n    a should be 1\n    c should be 3",
                "b should be set, to what is not known yet: it has⏎two records",
            ]
        );
    }
}
