//! One question to one server: over UDP, and over TCP where that was cut short or not answered.

use std::{net::SocketAddr, time::Duration};

use gigadb_engine::world::RecordType as Kind;
use hickory_resolver::{
    net::{
        DnsHandle as _, NetError, runtime::TokioRuntimeProvider, tcp::TcpClientStream,
        udp::UdpClientStream, xfer::FirstAnswer as _,
    },
    proto::{
        op::{DnsRequest, DnsRequestOptions, Message, Query, ResponseCode},
        rr::{Name, RData, RecordType, rdata::CNAME},
    },
};
use tokio::time::{Instant, timeout_at};

use super::{Server, absolute, compare::Said};
use crate::http::seconds;

/// How long one server may take for one question over one transport.
const TRY: Duration = Duration::from_secs(2);
/// How often a datagram is sent within that time.
const DATAGRAMS: u8 = 3;

/// Whether the server shall find out what it does not know itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recursion {
    /// It may.
    Desired,
    /// It must know by itself, and say that it does.
    No,
}

impl Server {
    /// What the server says of a hostname, or of a wildcard; an error is a clause about the server.
    pub(super) async fn say(&self, name: &str, deadline: Instant) -> Result<Said, String> {
        let name = absolute(name)?;
        let (v4, v6) = futures::future::join(
            self.answer(&name, RecordType::A, deadline),
            self.answer(&name, RecordType::AAAA, deadline),
        )
        .await;
        let mut said = Said::default();
        for message in [v4?, v6?] {
            said.exists |= message.response_code == ResponseCode::NoError;
            // What an alias leads to may stand beside it; it is not this name's.
            for record in message.answers.iter().filter(|record| record.name == name) {
                let found = match &record.data {
                    RData::A(address) => (Kind::A, address.0.to_string()),
                    RData::AAAA(address) => (Kind::Aaaa, address.0.to_string()),
                    RData::CNAME(CNAME(target)) => {
                        let target = target.to_lowercase().to_ascii();
                        (Kind::Cname, target.trim_end_matches('.').to_owned())
                    }
                    _ => continue,
                };
                said.records.insert(found, record.ttl);
            }
        }
        Ok(said)
    }

    /// The answer of the first address that gives a usable one.
    async fn answer(
        &self,
        name: &Name,
        kind: RecordType,
        deadline: Instant,
    ) -> Result<Message, String> {
        let mut reason = "has no address".to_owned();
        for address in &self.addresses {
            match ask(*address, name, kind, self.recursion, deadline).await {
                Ok(message) => return Ok(message),
                Err(failed) => reason = failed,
            }
        }
        Err(reason)
    }
}

/// Asks one address. What comes back is about the name: there are records, or the server knows
/// that there are none. An error is a clause about the server.
pub(super) async fn ask(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    recursion: Recursion,
    deadline: Instant,
) -> Result<Message, String> {
    let started = Instant::now();
    let result = match timeout_at(deadline, exchange(server, name, kind, recursion)).await {
        Ok(Ok(message)) => usable(message, recursion),
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err("did not answer in time".to_owned()),
    };
    tracing::trace!(
        api = "DNS",
        %server,
        %name,
        %kind,
        duration_ms = started.elapsed().as_millis(),
        outcome = result.as_ref().map_or_else(String::as_str, |_| "answered"),
        "asked"
    );
    result
}

/// UDP first; TCP where the answer did not fit, or there was none: some networks let only one pass.
async fn exchange(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    recursion: Recursion,
) -> Result<Message, String> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = recursion == Recursion::Desired;
    let request = DnsRequest::from_query(Query::query(name.clone(), kind), options);
    // Its tasks end when the last of its clones is dropped.
    let runtime = TokioRuntimeProvider::default();
    let datagrams = UdpClientStream::builder(server, runtime.clone())
        .with_timeout(Some(TRY))
        .with_max_retries(DATAGRAMS)
        .exchange();
    let over_udp = match datagrams.send(request.clone()).first_answer().await {
        Ok(answer) if !answer.truncation => return Ok(answer.into_message()),
        Ok(_) => "its answer was cut short over UDP".to_owned(),
        Err(error) => over("UDP", &error),
    };
    let stream = TcpClientStream::exchange(server, None, TRY, None, runtime.clone()).await;
    let over_tcp = match stream {
        Ok(stream) => match stream.send(request).first_answer().await {
            Ok(answer) => return Ok(answer.into_message()),
            Err(error) => over("TCP", &error),
        },
        Err(error) => over("TCP", &error),
    };
    Err(format!("gave no answer: {over_udp}; {over_tcp}"))
}

fn over(transport: &str, error: &NetError) -> String {
    match error {
        NetError::Timeout => format!("nothing came over {transport} within {}", seconds(TRY)),
        NetError::Io(error) => format!("{transport} failed: {error}"),
        other => format!("what came over {transport} makes no sense: {other}"),
    }
}

fn usable(message: Message, recursion: Recursion) -> Result<Message, String> {
    let response = message.response_code;
    if !matches!(response, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(format!("answered {}", code(response)));
    }
    let knows = message.authoritative
        || recursion == Recursion::Desired && {
            let has_soa = |record: &hickory_resolver::proto::rr::Record| {
                record.record_type() == RecordType::SOA
            };
            // A resolver that answers from what it keeps may leave out from where it knows.
            message.recursion_available
                || !message.answers.is_empty()
                || message.authorities.iter().any(has_soa)
        };
    if knows {
        Ok(message)
    } else {
        Err("does not know the zone (its answer is not authoritative)".to_owned())
    }
}

/// A response code as people who run name servers write it.
pub(super) fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "that there is no such record (NOERROR)".to_owned(),
        ResponseCode::NXDomain => "that there is no such name (NXDOMAIN)".to_owned(),
        ResponseCode::ServFail => "with a server failure (SERVFAIL)".to_owned(),
        ResponseCode::Refused => "with a refusal (REFUSED)".to_owned(),
        other => format!("with `{other}`"),
    }
}
