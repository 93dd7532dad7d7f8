//! EC2, read only: the Elastic IPs and instances of one side.
//!
//! **Invariant.** Profile and region come from the topology alone. Keys or a region in the
//! environment, which the SDK's own chain would prefer, cannot merge the two sides into one.

mod all;
mod bundle;
mod client;
mod credentials;
mod failure;
mod files;
mod keys;
mod process;
mod profile;
mod side;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_ec2::{
    Client,
    config::SharedHttpClient,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use gigadb_engine::topology::Aws;
use tokio::time::Instant;

use crate::{
    http::trust::Trust,
    settings::{AwsSettings, Proxy},
    timing::Timing,
};

/// What a program that gives keys is let go over the time of a side's reads, so that it is told of
/// the program and not of EC2, which was never asked.
const GRACE: Duration = Duration::from_millis(500);

/// Whom connections trust.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Trusted {
    /// Nobody: there is no TLS.
    Nobody,
    /// The system's roots, or nobody where there are none.
    System,
    /// Those of a bundle.
    Bundle(Vec<u8>),
}

/// The clients of all sides: one connection pool, one set of credentials a side. Its `Debug` leaves
/// the clients out, because theirs tells access key ids.
#[derive(Clone)]
pub(crate) struct Ec2 {
    settings: AwsSettings,
    proxy: Option<Proxy>,
    trust: Trust,
    timing: Timing,
    http: Arc<Mutex<HashMap<Trusted, SharedHttpClient>>>,
    clients: Arc<Mutex<HashMap<(String, String), Client>>>,
}

impl std::fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ec2")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Ec2 {
    pub(crate) fn new(
        settings: AwsSettings,
        proxy: Option<Proxy>,
        trust: Trust,
        timing: Timing,
    ) -> Self {
        Self {
            settings,
            proxy,
            trust,
            timing,
            http: Arc::default(),
            clients: Arc::default(),
        }
    }
}

fn trace<T: RequestId, E: ProvideErrorMetadata + RequestId>(
    operation: &'static str,
    aws: &Aws,
    started: Instant,
    result: &Result<T, SdkError<E>>,
) {
    let status = match result {
        Ok(_) => Some(200),
        Err(e) => e.raw_response().map(|r| r.status().as_u16()),
    };
    let request_id = match result {
        Ok(output) => output.request_id(),
        Err(SdkError::ServiceError(e)) => e.err().request_id(),
        Err(_) => None,
    };
    tracing::trace!(
        api = "EC2",
        method = "POST",
        path = format_args!("/ {operation}"),
        region = aws.region,
        profile = aws.profile,
        status,
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id,
        "API call"
    );
}
