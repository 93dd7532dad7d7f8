//! Sockets of the name servers: datagrams, and streams with a length before each message.

use std::io;
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::{addresses, answer, spelled};
use super::{DnsEffect, DnsQuery, Sockets, Transport};
use crate::pipeline::Shared;

/// What a datagram may hold where the client does not say (RFC 1035, section 4.2.1).
const SMALLEST_DATAGRAM: u16 = 512;
/// What a datagram holds at most, whatever the client says, as at Cloudflare.
const LARGEST_DATAGRAM: u16 = 1232;
/// More than any query needs.
const BUFFER: usize = 4096;

/// Serves one server's sockets until shutdown.
pub(crate) async fn serve(shared: Arc<Shared>, sockets: Sockets, shutdown: CancellationToken) {
    let server = sockets.server;
    let (Ok(udp), Ok(tcp)) = (
        UdpSocket::from_std(sockets.udp),
        TcpListener::from_std(sockets.tcp),
    ) else {
        return;
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = datagrams(&shared, server, &udp) => {}
        () = streams(&shared, server, &tcp) => {}
    }
}

async fn datagrams(shared: &Shared, server: usize, socket: &UdpSocket) {
    let mut buffer = vec![0; BUFFER];
    // A client that has gone away may come back as an error of the socket: the next one is another's.
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(reply) = reply(shared, server, Transport::Udp, &buffer[..length]) {
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

async fn streams(shared: &Arc<Shared>, server: usize, listener: &TcpListener) {
    let mut conversations = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(shared);
            conversations.spawn(async move {
                // A client that ends the stream ends the conversation.
                let _ = converse(&shared, server, stream).await;
            });
        }
    }
}

async fn converse(shared: &Shared, server: usize, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await?;
        if let Some(reply) = reply(shared, server, Transport::Tcp, &query) {
            let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
            stream.write_u16(length).await?;
            stream.write_all(&reply).await?;
        }
    }
}

/// The bytes that answer these; `None` where there is no answer.
fn reply(shared: &Shared, server: usize, transport: Transport, bytes: &[u8]) -> Option<Vec<u8>> {
    let Ok(request) = Message::from_vec(bytes) else {
        let id = u16::from_be_bytes(*bytes.first_chunk::<2>()?);
        let error = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
        return error.to_vec().ok();
    };
    let edge = shared.dns().edge;
    let mut reply = answer(&shared.state().world.cloudflare, edge, &request);
    if let Some(edns) = &request.edns {
        let mut own = Edns::new();
        own.set_max_payload(LARGEST_DATAGRAM);
        own.set_dnssec_ok(edns.flags().dnssec_ok);
        reply.set_edns(own);
    }
    if let Some(query) = request.queries.first() {
        let seen = DnsQuery {
            server,
            transport,
            name: spelled(query.name()),
            kind: query.query_type().to_string(),
            recursion: request.metadata.recursion_desired,
        };
        let effect = {
            let mut desk = shared.dns();
            let fault = desk.faults.iter().find(|fault| fault.hits(&seen));
            let effect = fault.map(|fault| fault.effect.clone());
            desk.queries.push(seen);
            effect
        };
        if let Some(effect) = effect {
            match spoiled(&mut reply, query.name(), &effect, transport) {
                Spoiled::Message => {}
                Spoiled::Garbage => return Some(bytes[..bytes.len().min(7)].to_vec()),
                Spoiled::Nothing => return None,
            }
        }
    }
    let whole = reply.to_vec().ok()?;
    let room = request
        .edns
        .as_ref()
        .map_or(SMALLEST_DATAGRAM, Edns::max_payload)
        .clamp(SMALLEST_DATAGRAM, LARGEST_DATAGRAM);
    if transport == Transport::Udp && whole.len() > usize::from(room) {
        return reply.truncate().to_vec().ok();
    }
    Some(whole)
}

/// What is left of an answer.
enum Spoiled {
    Message,
    Garbage,
    Nothing,
}

fn spoiled(
    reply: &mut Message,
    name: &hickory_proto::rr::Name,
    effect: &DnsEffect,
    transport: Transport,
) -> Spoiled {
    let empty = |reply: &mut Message, code: ResponseCode| {
        reply.answers.clear();
        reply.authorities.clear();
        reply.metadata.response_code = code;
    };
    match effect {
        DnsEffect::ServFail => {
            empty(reply, ResponseCode::ServFail);
            reply.metadata.authoritative = false;
        }
        DnsEffect::Refuse => {
            empty(reply, ResponseCode::Refused);
            reply.metadata.authoritative = false;
        }
        DnsEffect::NxDomain => {
            empty(reply, ResponseCode::NXDomain);
            reply.metadata.authoritative = true;
        }
        DnsEffect::Lame => {
            empty(reply, ResponseCode::NoError);
            reply.metadata.authoritative = false;
        }
        DnsEffect::Truncate if transport == Transport::Udp => *reply = reply.truncate(),
        DnsEffect::Truncate => {}
        DnsEffect::Addresses(instead) => addresses(reply, name, instead),
        DnsEffect::Silence => return Spoiled::Nothing,
        DnsEffect::Garbage => return Spoiled::Garbage,
    }
    Spoiled::Message
}
