//! What a swap relies on beside names: the sides' certificates, and the lease.

use futures::future::join_all;
use gigadb_clients::journal::RunId;
use gigadb_engine::{
    name::EnvironmentName,
    rules::one_swap_at_a_time::{Holder, LeasePlace},
    world::Failure,
};
use jiff::Timestamp;

use super::{Check, aws::capitalized};
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

/// Whether somebody holds the lease of an environment.
///
/// GitLab has no call that only looks: the lease is asked for, and given back at once.
pub(super) async fn leases(session: &Session) -> Vec<Check> {
    let topology = &session.topology;
    let Some(lock) = &topology.lock else {
        return vec![Check::warning(
            (LEASE, "none"),
            "The topology has no `lock`: nothing keeps two operators from swapping at once but \
             the rule `unchanged-since-plan`",
            "Add `lock: { gitlab_project: …, name: \"gigadb-roles-{environment}\" }` to the \
             topology.",
        )];
    };
    let asked = topology.environments.keys().map(|environment| async move {
        let place = LeasePlace {
            project: lock.gitlab_project.clone(),
            name: lock.name.fill(environment, None),
        };
        let run = RunId::new(environment, Timestamp::now());
        let holder = session.apis.lease_holder(&place, &run).await;
        lease(environment, &place, holder)
    });
    join_all(asked).await
}

fn lease(
    environment: &EnvironmentName,
    place: &LeasePlace,
    holder: Result<Option<Holder>, Failure>,
) -> Check {
    let about = (LEASE, environment.as_str());
    match holder {
        Ok(None) => Check::ok(LEASE, environment, "free"),
        Ok(Some(holder)) => Check::failed(
            about,
            format!("It is held {holder}; a swap would be refused"),
            format!(
                "Wait until that run is over; if it is and the lease is left, run \
                     `gigadb-roles unlock {}`.",
                holder.id
            ),
        ),
        Err(failure) => Check::failed(
            about,
            capitalized(&failure.message),
            format!("Make the token's user Maintainer of `{}`.", place.project),
        ),
    }
}
