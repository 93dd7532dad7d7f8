//! Filters: an object must pass each one, by any of its values; names and values mind the case.

use std::collections::{BTreeMap, BTreeSet};

use super::Failure;

/// One filter of a request.
pub(super) struct Filter {
    name: String,
    values: Vec<String>,
}

/// Reads `Filter.N.Name` and `Filter.N.Value.M`; a name that is not known is refused.
pub(super) fn read(form: &[(String, String)], known: &[&str]) -> Result<Vec<Filter>, Failure> {
    let mut by_number: BTreeMap<u32, Filter> = BTreeMap::new();
    for (key, value) in form {
        let Some(rest) = key.strip_prefix("Filter.") else {
            continue;
        };
        let (number, part) = rest.split_once('.').unwrap_or((rest, ""));
        let Ok(number) = number.parse() else { continue };
        let filter = by_number.entry(number).or_insert_with(|| Filter {
            name: String::new(),
            values: Vec::new(),
        });
        if part == "Name" {
            filter.name.clone_from(value);
        } else if part.starts_with("Value.") {
            filter.values.push(value.clone());
        }
    }
    let filters: Vec<Filter> = by_number.into_values().collect();
    for filter in &filters {
        let name = filter.name.as_str();
        if !name.starts_with("tag:") && name != "tag-key" && !known.contains(&name) {
            let message = format!("The filter '{name}' is invalid");
            return Err(Failure::new(400, "InvalidParameterValue", message));
        }
    }
    Ok(filters)
}

/// Returns the values of a numbered list such as `PublicIp.1`.
pub(super) fn list<'a>(form: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let numbered = |key: &str| {
        key.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    form.iter()
        .filter(|(key, _)| numbered(key))
        .map(|(_, value)| value.as_str())
        .collect()
}

/// Returns whether an object with these tags and attributes passes every filter.
pub(super) fn passes(
    filters: &[Filter],
    tags: &BTreeMap<String, String>,
    attribute: impl Fn(&str) -> BTreeSet<String>,
) -> bool {
    filters.iter().all(|filter| {
        let found: BTreeSet<String> = if let Some(key) = filter.name.strip_prefix("tag:") {
            tags.get(key).cloned().into_iter().collect()
        } else if filter.name == "tag-key" {
            tags.keys().cloned().collect()
        } else {
            attribute(&filter.name)
        };
        filter
            .values
            .iter()
            .any(|pattern| found.iter().any(|value| matches(pattern, value)))
    })
}

/// Matches `*` with any run, `?` with one character; `\` takes the next one literally.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            let mut tails = text.char_indices().map(|(index, _)| &text[index..]);
            matches(rest, "") && text.is_empty()
                || tails.any(|tail| matches(rest, tail))
                || matches(rest, "")
        }
        Some('?') => {
            let mut text = text.chars();
            text.next().is_some() && matches(rest.as_str(), text.as_str())
        }
        Some(first) => {
            let literal = if first == '\\' {
                rest.next().unwrap_or('\\')
            } else {
                first
            };
            text.strip_prefix(literal)
                .is_some_and(|text| matches(rest.as_str(), text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_ec2_says() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "Web", false),
            ("*eip", "web-eip", true),
            ("eip*", "eip", true),
            ("*", "", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }
}
