//! Texts that must never leave the provider.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What takes the place of a secret.
const REDACTED: &str = "[redacted]";

/// Secrets shorter than this are left alone: redacting them would make messages unreadable and hide nothing.
const SHORTEST: usize = 4;

/// Texts that diagnostics, private data and log lines must not contain.
///
/// The server fills it with every string under a `sensitive` attribute of provider, resource and data source
/// configuration; a provider adds what it takes from elsewhere, such as the environment.
/// Clones share one list.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<BTreeSet<Secret>>>);

/// Longest first, so that a secret that contains another is replaced as a whole.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Secret {
    order: std::cmp::Reverse<usize>,
    text: String,
}

impl Secrets {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret; texts shorter than four bytes are ignored.
    pub fn register(&self, secret: &str) {
        let trimmed = secret.trim();
        let escaped = serde_json::Value::from(secret).to_string();
        let escaped = &escaped[1..escaped.len() - 1];
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for text in [secret, trimmed, escaped] {
            if text.len() >= SHORTEST {
                known.insert(Secret {
                    order: std::cmp::Reverse(text.len()),
                    text: text.to_owned(),
                });
            }
        }
    }

    /// Returns the text with every registered secret replaced by `[redacted]`.
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(&secret.text) {
                text.replace(&secret.text, REDACTED)
            } else {
                text
            }
        })
    }

    /// Returns the bytes with every registered secret replaced by `[redacted]`.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(bytes.to_vec(), |bytes, secret| {
            replace(bytes, secret.text.as_bytes())
        })
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn replace(bytes: Vec<u8>, secret: &[u8]) -> Vec<u8> {
    let mut rest = bytes.as_slice();
    let mut replaced = Vec::new();
    while let Some(start) = find(rest, secret) {
        replaced.extend_from_slice(&rest[..start]);
        replaced.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[start + secret.len()..];
    }
    if replaced.is_empty() {
        return bytes;
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// Says how many there are and nothing about them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Secrets({} [redacted])", known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_as_a_whole_and_in_json_spelling() {
        let secrets = Secrets::new();
        secrets.register("token");
        secrets.register("token-with-more");
        secrets.register("quo\"ted\n");
        secrets.register("abc");
        assert_eq!(
            secrets.redact("a token, token-with-more, abc"),
            "a [redacted], [redacted], abc"
        );
        assert_eq!(
            secrets.redact(r#"{"a":"quo\"ted\n"}"#),
            r#"{"a":"[redacted]"}"#
        );
        assert_eq!(
            secrets.redact_bytes(b"\xfftoken\xfe"),
            b"\xff[redacted]\xfe"
        );
        assert!(!format!("{secrets:?}").contains("token"));
    }
}
