//! "Did you mean": the nearest of the known words.

/// The candidate nearest to `text`, where one is near enough to be a slip of the pen.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = text.chars().count();
    let allowed = (length / 3).max(1);
    let text = text.to_lowercase();
    candidates
        .into_iter()
        // What is longer or shorter by more than is allowed is farther away than that.
        .filter(|c| c.chars().count().abs_diff(length) <= allowed)
        .map(|c| (strsim::damerau_levenshtein(&text, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognized_and_a_stranger_is_not() {
        let known = ["gigadb-website", "alt-gigadb-website"];
        assert_eq!(nearest("gigadb-websit", known), Some("gigadb-website"));
        assert_eq!(
            nearest("alt-gigadb-webiste", known),
            Some("alt-gigadb-website")
        );
        assert_eq!(nearest("sydney", known), None);
        assert_eq!(nearest("x", ["y", "zz"]), Some("y"));
    }
}
