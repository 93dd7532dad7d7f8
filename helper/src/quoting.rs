//! Words as a POSIX shell reads them.

/// One word.
pub(crate) fn word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,~".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A command that a person can copy into a shell.
pub(crate) fn command(argv: &[String]) -> String {
    argv.iter()
        .map(|one| word(one))
        .collect::<Vec<_>>()
        .join(" ")
}
