//! HTTPS probes: whether a side answers for a name before that name leads to it.
//!
//! A probe connects to an address, and shows the name in SNI and in `Host`. Redirects are not
//! followed, and no proxy is used: what is asked is that machine. What a result means is the
//! engine's to say.

mod endpoint;
mod ftp;
mod ssh;
mod tls;

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

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
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    header::{HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::tls::Trust;
pub use self::{endpoint::ask_endpoints, tls::ProbeError};
use crate::{
    certificate::Facts,
    http::{seconds, stoppable},
};

/// Probes that are made at a time.
const AT_A_TIME: usize = 32;
/// How much of an answer is searched for the expected text, in bytes.
const BODY_AT_MOST: usize = 1024 * 1024;
const SECONDS_A_DAY: i64 = 86_400;

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

async fn connect(
    address: SocketAddr,
    deadline: Instant,
    limit: Duration,
) -> Result<TcpStream, String> {
    in_time(deadline, limit, "connection", TcpStream::connect(address))
        .await?
        .map_err(|error| unconnected(&error))
}

async fn ask_at(
    hostname: &str,
    address: SocketAddr,
    check: &HttpsCheck,
    trust: &Trust,
) -> Result<ProbeResult, String> {
    let deadline = Instant::now() + check.timeout;
    let stream = connect(address, deadline, check.timeout).await?;
    let handshake = trust.handshake(hostname, stream);
    let (stream, certificate) =
        in_time(deadline, check.timeout, "TLS handshake", handshake).await??;
    let answer = answer(hostname, check, stream);
    let (status, has_text) = in_time(deadline, check.timeout, "answer", answer).await??;
    Ok(ProbeResult::Answered {
        status,
        has_text,
        days_left: days_left(&certificate),
    })
}

async fn in_time<T>(
    deadline: Instant,
    limit: Duration,
    what: &str,
    work: impl Future<Output = T>,
) -> Result<T, String> {
    timeout_at(deadline, work)
        .await
        .map_err(|_| format!("no {what} in {}", seconds(limit)))
}

fn unconnected(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut => "no connection before the system gave up".to_owned(),
        _ => format!("no connection ({error})"),
    }
}

async fn answer(
    hostname: &str,
    check: &HttpsCheck,
    stream: tls::Stream,
) -> Result<(u16, Option<bool>), String> {
    let unanswered = |error: hyper::Error| {
        if error.is_incomplete_message() || error.is_closed() {
            "the connection was closed before an answer".to_owned()
        } else if error.is_parse() {
            "what it answers is not HTTP".to_owned()
        } else {
            format!("no answer ({error})")
        }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unanswered)?;
    let request = Request::get(&check.path)
        .header(HOST, hostname)
        .header(
            USER_AGENT,
            concat!("gigadb-roles/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("`{}` cannot be asked for ({error})", check.path))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(unanswered)?;
        let status = response.status().as_u16();
        let has_text = match &check.expected_text {
            None => None,
            Some(text) => Some(holds(response.into_body(), text.as_bytes()).await?),
        };
        Ok((status, has_text))
    };
    tokio::pin!(exchange);
    // The connection makes no progress unless it is polled, and may end before the answer is read.
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

/// Whether `text` is in the first part of a body.
async fn holds(mut body: Incoming, text: &[u8]) -> Result<bool, String> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "its answer breaks off".to_owned())?;
        if let Ok(data) = frame.into_data() {
            let from = read.len().saturating_sub(text.len());
            read.extend_from_slice(&data);
            let found =
                |part: &[u8]| text.is_empty() || part.windows(text.len()).any(|w| w == text);
            if read.get(from..).is_some_and(found) {
                return Ok(true);
            }
            if read.len() > BODY_AT_MOST {
                return Ok(false);
            }
        }
    }
    Ok(text.is_empty())
}

fn days_left(certificate: &Facts) -> i64 {
    (certificate.not_after - now()).div_euclid(SECONDS_A_DAY)
}

/// Seconds since the epoch.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}
