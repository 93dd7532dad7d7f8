//! One probe over HTTPS: what an address answers for a name.

use std::net::SocketAddr;

use gigadb_engine::rules::https_ready::{HttpsCheck, ProbeResult};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    header::{HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::{
    connection::{connect, in_time},
    tls::{self, Trust, Unshaken, days_left},
};

/// How much of an answer is searched for the expected text, in bytes.
const BODY_AT_MOST: usize = 1024 * 1024;

/// Asks an address for a name; an error is a clause that says why it was not answered.
pub(super) async fn ask_at(
    hostname: &str,
    address: SocketAddr,
    check: &HttpsCheck,
    trust: &Trust,
) -> Result<ProbeResult, String> {
    let deadline = Instant::now() + check.timeout;
    let stream = connect(address, deadline, check.timeout).await?;
    let handshake = trust.handshake(hostname, stream);
    let shaken = in_time(deadline, check.timeout, "TLS handshake", handshake).await?;
    let (stream, certificate) = match shaken {
        Ok(shaken) => shaken,
        Err(Unshaken::Untrusted(why)) => return Ok(ProbeResult::Untrusted(why)),
        Err(Unshaken::Failed(why)) => return Err(why),
    };
    let answer = answer(hostname, check, stream);
    let (status, has_text) = in_time(deadline, check.timeout, "answer", answer).await??;
    Ok(ProbeResult::Answered {
        status,
        has_text,
        days_left: days_left(&certificate),
    })
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
