//! What a swap relies on beside names: the sides' certificates, and the lease.

use super::Check;
use crate::session::Session;

const CERTIFICATE: &str = "certificate";
const LEASE: &str = "lease";

/// The certificates that the sides keep in GitLab.
pub(super) fn certificates(session: &Session) -> Vec<Check> {
    let topology = &session.topology;
    topology
        .infrastructures
        .keys()
        .map(|name| match &topology.certificate_variable {
            None => Check::not_checked(
                (CERTIFICATE, name.as_str()),
                "The topology does not say which variable holds the certificate",
                "Name it as `certificate_variable`, such as `tls_fullchain_pem`, or look at the \
                 certificate yourself before a swap.",
            ),
            Some(variable) => Check::not_checked(
                (CERTIFICATE, name.as_str()),
                format!("The certificate in `{variable}` is not read"),
                "Look at the certificate yourself before a swap.",
            ),
        })
        .collect()
}

/// Whether somebody holds the lease.
pub(super) fn lease(session: &Session) -> Vec<Check> {
    let topology = &session.topology;
    let check = match &topology.lock {
        None => Check::warning(
            (LEASE, "none"),
            "The topology has no `lock`: nothing keeps two operators from swapping at once but \
             the rule `unchanged-since-plan`",
            "Add `lock: { gitlab_project: …, name: \"gigadb-roles-{environment}\" }` to the \
             topology.",
        ),
        Some(lock) => Check::not_checked(
            (LEASE, lock.name.as_str()),
            "Who holds it is not asked",
            "Look at the Terraform states of the project in GitLab.",
        ),
    };
    vec![check]
}
