//! Texts that must never be shown.

use std::fmt;

/// Tells whether a log line may name an AWS access key: the SDK's own lines below a warning do.
/// Whoever writes logs leaves them out.
pub fn tells_keys(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target().starts_with("aws_") && *metadata.level() > tracing::Level::WARN
}

/// A token. Its `Debug` is `[redacted]`, it has no `Display`, and it is not serializable.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one header that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of this secret replaced by `[redacted]`.
    pub fn redact(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.0, "[redacted]")
        }
    }
}

/// `text` without `secrets`.
pub(crate) fn redacted(secrets: &[Secret], text: &str) -> String {
    let whole = text.to_owned();
    secrets
        .iter()
        .fold(whole, |text, secret| secret.redact(&text))
}

/// How many bytes at the end of `text` may be the beginning of one of `secrets`.
pub(crate) fn begun(secrets: &[Secret], text: &[u8]) -> usize {
    let of = |secret: &Secret| {
        let bytes = secret.0.as_bytes();
        let longest = bytes.len().saturating_sub(1).min(text.len());
        let lengths = (1..=longest).rev();
        let mut lengths = lengths.filter(|length| text.ends_with(&bytes[..*length]));
        lengths.next().unwrap_or_default()
    };
    secrets.iter().map(of).max().unwrap_or_default()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("cf-planted-token");
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "[redacted] Some([redacted])"
        );
        assert_eq!(
            secret.redact("bad token cf-planted-token!"),
            "bad token [redacted]!"
        );
    }
}
