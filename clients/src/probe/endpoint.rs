//! Endpoints, asked by the protocols that the topology names.

use std::{net::SocketAddr, time::Duration};

use futures::StreamExt as _;
use gigadb_engine::{
    answer::{Answer, Answered, Question},
    rules::https_ready::{HttpsCheck, ProbeResult},
    topology::Protocol,
};
use tokio::time::Instant;

use super::{
    connection::{AT_A_TIME, connect},
    ftp,
    https::ask_at,
    ssh,
    tls::{ProbeError, Trust},
};

/// Asks endpoints, for `limit` at most each; answers are in the order of the questions. Beside the
/// system's authorities, those of `ca_file` are trusted.
pub async fn ask_endpoints(
    questions: &[Question],
    ca_file: Option<&str>,
    limit: Duration,
) -> Result<Vec<(Question, Answer)>, ProbeError> {
    let https = |one: &Question| matches!(one.protocol, Protocol::Https(_));
    // Where nobody is asked over TLS, roots that cannot be read are nobody's concern.
    let trust = if questions.iter().any(https) {
        Some(Trust::load(ca_file)?)
    } else {
        None
    };
    // Made before they are streamed, so that the whole stays `Send`.
    let asked: Vec<_> = questions
        .iter()
        .map(|question| {
            let trust = trust.as_ref();
            async move {
                let answer = Box::pin(ask(question, trust, limit)).await;
                tracing::trace!(
                    hostname = %question.hostname,
                    address = %question.address,
                    protocol = %question.protocol,
                    ?answer,
                    "asked an endpoint"
                );
                (question.clone(), answer)
            }
        })
        .collect();
    Ok(futures::stream::iter(asked)
        .buffered(AT_A_TIME)
        .collect()
        .await)
}

async fn ask(question: &Question, trust: Option<&Trust>, limit: Duration) -> Answer {
    let address = SocketAddr::new(question.address, question.protocol.port());
    let deadline = Instant::now() + limit;
    match (question.protocol, trust) {
        (Protocol::Https(port), Some(trust)) => {
            let check = HttpsCheck {
                port,
                timeout: limit,
                ..HttpsCheck::default()
            };
            let result = ask_at(question.hostname.as_str(), address, &check, trust).await?;
            match result {
                ProbeResult::Answered {
                    status, days_left, ..
                } => Ok(Answered::Https { status, days_left }),
                ProbeResult::Failed(why) | ProbeResult::Untrusted(why) => Err(why),
            }
        }
        (Protocol::Ssh(_), _) => ssh::ask(address, deadline, limit).await,
        (Protocol::Ftp(_), _) => ftp::ask(address, deadline, limit).await,
        (Protocol::Tcp(_) | Protocol::Https(_), _) => {
            connect(address, deadline, limit).await?;
            Ok(Answered::Tcp)
        }
    }
}
