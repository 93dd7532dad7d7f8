//! Whose certificates are trusted.

use std::path::{Path, PathBuf};

/// Whose certificates are trusted, as the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    /// `SSL_CERT_FILE`: instead of the system's.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`: instead of the system's, beside `SSL_CERT_FILE`.
    pub folder: Option<PathBuf>,
    /// `AWS_CA_BUNDLE`: for EC2 and STS, instead of all others.
    pub aws_bundle: Option<PathBuf>,
}

impl Roots {
    pub(super) fn find(env: &dyn Fn(&str) -> Option<String>, home: Option<&Path>) -> Self {
        let path = |name: &str| {
            let text = env(name).filter(|text| !text.trim().is_empty())?;
            Some(PathBuf::from(text.trim()))
        };
        Self {
            file: path("SSL_CERT_FILE"),
            folder: path("SSL_CERT_DIR"),
            aws_bundle: path("AWS_CA_BUNDLE").map(|path| super::expanded(&path, home)),
        }
    }

    /// Where the roots of all but AWS come from, in words.
    pub fn in_words(&self) -> String {
        let named = [
            ("SSL_CERT_FILE", &self.file),
            ("SSL_CERT_DIR", &self.folder),
        ];
        let named: Vec<String> = named
            .iter()
            .filter_map(|(variable, path)| {
                Some(format!("`{}` (`{variable}`)", path.as_ref()?.display()))
            })
            .collect();
        if named.is_empty() {
            "the system's".to_owned()
        } else {
            named.join(" and ")
        }
    }
}
