//! A GitLab project as scripts and playbooks spell it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in one segment of a URL's path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The project's address in GitLab's API, whose base URL `base` has no trailing slash.
pub(crate) fn url(base: &str, path: &str) -> String {
    format!("{base}/projects/{}", utf8_percent_encode(path, SEGMENT))
}

/// The project as the names of database dumps spell it: with dashes for slashes.
pub(crate) fn dashed(path: &str) -> String {
    path.replace('/', "-")
}

/// The last part of the project's path: the name of its repository.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
