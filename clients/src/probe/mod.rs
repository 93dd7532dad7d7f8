//! HTTPS probes: whether a side answers for a name before that name leads to it.
//!
//! A probe connects to an address, and shows the name in SNI and in `Host`. Redirects are not
//! followed, and no proxy is used: what is asked is that machine. What a result means is the
//! engine's to say.

mod connection;
mod endpoint;
mod ftp;
mod https;
mod ssh;
mod tls;

use std::net::SocketAddr;

use futures::StreamExt;
use gigadb_engine::{
    plan::Plan,
    readiness::{probes, stored_certificates},
    rules::{
        Finding,
        https_ready::{self, HttpsCheck, HttpsMode, Moment, Probe, ProbeResult},
    },
    topology::Topology,
};
use tokio_util::sync::CancellationToken;

use self::{
    connection::AT_A_TIME,
    https::ask_at,
    tls::{Trust, now},
};
pub use self::{endpoint::ask_endpoints, tls::ProbeError};
use crate::http::stoppable;

/// Everything that rule `https-ready` says of a plan: the probes that it calls for are made, and
/// the stored certificates judged. Empty without a probe to make, and under mode `off`.
pub async fn https_ready(
    topology: &Topology,
    plan: &Plan,
    check: &HttpsCheck,
    moment: Moment,
    cancel: &CancellationToken,
) -> Result<Vec<Finding>, ProbeError> {
    let probes = probes(topology, plan);
    if check.mode == HttpsMode::Off || probes.is_empty() {
        return Ok(Vec::new());
    }
    let results = probe(&probes, check, cancel).await?;
    let mut findings = https_ready::judge(&plan.intent, check, moment, &results);
    if moment == Moment::BeforeWriting {
        findings.extend(stored_certificates::check(topology, plan, check, now()));
    }
    Ok(findings)
}

/// Makes probes, at most `check.timeout` for each; results are in the order of the probes. When
/// `cancel` is triggered, what has not answered yet fails.
pub async fn probe(
    probes: &[Probe],
    check: &HttpsCheck,
    cancel: &CancellationToken,
) -> Result<Vec<(Probe, ProbeResult)>, ProbeError> {
    if probes.is_empty() {
        return Ok(Vec::new());
    }
    let trust = Trust::load(check.ca_file.as_deref())?;
    // Made before they are streamed, so that the whole stays `Send`.
    let asked: Vec<_> = probes
        .iter()
        .map(|probe| {
            let trust = &trust;
            async move {
                let asked = Box::pin(ask(probe, check, trust));
                let result = stoppable(asked, Some(cancel)).await;
                let result = match result {
                    Some(Ok(answered)) => answered,
                    Some(Err(why)) => ProbeResult::Failed(why),
                    None => {
                        ProbeResult::Failed("the run was stopped before it answered".to_owned())
                    }
                };
                tracing::trace!(
                    hostname = %probe.hostname,
                    address = %probe.address,
                    ?result,
                    "HTTPS probe"
                );
                (probe.clone(), result)
            }
        })
        .collect();
    Ok(futures::stream::iter(asked)
        .buffered(AT_A_TIME)
        .collect()
        .await)
}

/// One probe; an error is a clause that says why it was not answered.
async fn ask(probe: &Probe, check: &HttpsCheck, trust: &Trust) -> Result<ProbeResult, String> {
    let address = SocketAddr::from((probe.address, check.port));
    ask_at(probe.hostname.as_str(), address, check, trust).await
}
