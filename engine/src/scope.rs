//! Environment scopes of GitLab variables: which row jobs of an environment get.
//!
//! <https://docs.gitlab.com/ci/environments/#limit-the-environment-scope-of-a-cicd-variable>

use crate::{
    name::EnvironmentName,
    world::{CertificateRow, StoredCertificate},
};

/// The certificate that jobs of `environment` get: the row of exactly this scope, else of the
/// longest pattern that fits, else of `*`.
pub(crate) fn of_environment(
    rows: &[CertificateRow],
    environment: &EnvironmentName,
) -> StoredCertificate {
    let fitting = rows
        .iter()
        .filter(|row| fits(&row.scope, environment.as_str()));
    fitting
        .max_by_key(|row| (row.scope == environment.as_str(), row.scope.len()))
        .map_or(StoredCertificate::Missing, |row| row.certificate.clone())
}

/// Whether a scope fits a name; `*` stands for any text.
fn fits(scope: &str, name: &str) -> bool {
    match scope.split_once('*') {
        None => scope == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|cut| tail.get(cut..).is_some_and(|tail| fits(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_the_closest_scope_counts() {
        let row = |scope: &str| CertificateRow {
            scope: scope.to_owned(),
            certificate: StoredCertificate::Unreadable(scope.to_owned()),
        };
        let live = "live".parse().unwrap();
        for (scopes, chosen) in [
            (&["*", "live", "liv*", "li*"][..], Some("live")),
            (&["*", "li*", "liv*"], Some("liv*")),
            (&["*", "staging"], Some("*")),
            (&["*e"], Some("*e")),
            (&["staging", "live*x", "l*x*e"], None),
            (&[], None),
        ] {
            let rows: Vec<_> = scopes.iter().map(|scope| row(scope)).collect();
            let expected =
                chosen.map_or(StoredCertificate::Missing, |scope| row(scope).certificate);
            assert_eq!(of_environment(&rows, &live), expected, "{scopes:?}");
        }
    }
}
