//! The one HTTP client, made late.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::chain;
use crate::{
    secret::Secret,
    settings::{Proxy, Service},
    timing::Timing,
};

/// How long an unused connection is kept: less than servers do, so that a write is not lost to one
/// that is being closed.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// The shared client, made at the first call: trusting roots takes milliseconds that a start
/// does not have.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: Arc<OnceLock<Result<reqwest::Client, String>>>,
    pub(super) timing: Timing,
    /// Whether any base URL needs TLS at all.
    tls: bool,
    proxy: Option<Proxy>,
    /// What no message may hold, whichever API repeats it.
    pub(super) secrets: Arc<[Secret]>,
}

impl Transport {
    /// A transport for these services.
    pub(crate) fn new(timing: Timing, proxy: Option<Proxy>, services: &[&Service]) -> Self {
        Self {
            client: Arc::default(),
            timing,
            tls: services.iter().any(|s| s.base_url.scheme() == "https"),
            secrets: services.iter().filter_map(|s| s.token.clone()).collect(),
            proxy,
        }
    }

    pub(super) fn client(&self) -> Result<&reqwest::Client, String> {
        self.client
            .get_or_init(|| build_client(&self.timing, self.tls, self.proxy.as_ref()))
            .as_ref()
            .map_err(Clone::clone)
    }
}

fn build_client(
    timing: &Timing,
    tls: bool,
    proxy: Option<&Proxy>,
) -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let mut config = if tls {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|e| {
            format!("the system's trusted certificates could not be loaded ({e}); install `ca-certificates` or set `SSL_CERT_FILE`")
        })?;
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()
    } else {
        builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut builder = reqwest::Client::builder().no_proxy();
    if let Some(proxy) = proxy {
        // The cause may quote the URL, and with it a password.
        let via = reqwest::Proxy::https(proxy.url.expose())
            .map_err(|_| "the proxy that the environment names for https has no valid URL")?;
        builder = builder.proxy(via.no_proxy(reqwest::NoProxy::from_string(&proxy.bypass)));
    }
    builder
        .tls_backend_preconfigured(config)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timing.connect)
        .pool_idle_timeout(LONGEST_IDLE)
        .user_agent(concat!("gigadb-roles/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| chain(&e))
}
