//! Connections of probes, bounded in time; errors are clauses.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::http::seconds;

/// Probes that are made at a time.
pub(super) const AT_A_TIME: usize = 32;

pub(super) async fn connect(
    address: SocketAddr,
    deadline: Instant,
    limit: Duration,
) -> Result<TcpStream, String> {
    in_time(deadline, limit, "connection", TcpStream::connect(address))
        .await?
        .map_err(|error| unconnected(&error))
}

pub(super) async fn in_time<T>(
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
