//! The one HTTP client, made late.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use url::Url;

use super::{
    Fault, Via, chain,
    trust::{Trust, provider},
};
use crate::{
    secret::Secret,
    settings::{Proxy, Service},
    timing::Timing,
};

/// How long an unused connection is kept: less than servers do, so that a write is not lost to one
/// that is being closed.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// A client, or why there is none.
type Made = OnceLock<Result<reqwest::Client, Fault>>;

/// The shared clients, each made at the first call that needs it: trusting roots takes
/// milliseconds that a start does not have, and a machine without any reaches loopback addresses
/// all the same.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    plain: Arc<Made>,
    tls: Arc<Made>,
    pub(super) timing: Timing,
    proxy: Option<Proxy>,
    trust: Trust,
    /// What no message may hold, whichever API repeats it.
    pub(super) secrets: Arc<[Secret]>,
}

impl Transport {
    /// A transport for these services.
    pub(crate) fn new(
        timing: Timing,
        proxy: Option<Proxy>,
        trust: Trust,
        services: &[&Service],
    ) -> Self {
        Self {
            plain: Arc::default(),
            tls: Arc::default(),
            timing,
            secrets: services.iter().filter_map(|s| s.token.clone()).collect(),
            proxy,
            trust,
        }
    }

    /// The client for this base URL.
    pub(crate) fn client(&self, base: &Url) -> Result<&reqwest::Client, Fault> {
        let tls = base.scheme() == "https";
        let made = if tls { &self.tls } else { &self.plain };
        made.get_or_init(|| self.build(tls))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The proxy through which this base URL is reached.
    pub(super) fn via(&self, base: &Url) -> Option<Via> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.serves(base))?;
        Some(Via {
            variable: proxy.variable.to_owned(),
            shown: proxy.shown(),
        })
    }

    fn build(&self, tls: bool) -> Result<reqwest::Client, Fault> {
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| Fault::Misconfigured(e.to_string()))?;
        let mut config = if tls {
            builder
                .dangerous()
                .with_custom_certificate_verifier(self.trust.verifier().map_err(Fault::NoRoots)?)
                .with_no_client_auth()
        } else {
            builder
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth()
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(proxy) = self.proxy.as_ref().filter(|_| tls) {
            // The cause may quote the URL, and with it a password.
            let via = reqwest::Proxy::https(proxy.url.expose()).map_err(|_| {
                Fault::Misconfigured(format!("`{}` does not name a proxy", proxy.variable))
            })?;
            builder = builder.proxy(via.no_proxy(reqwest::NoProxy::from_string(&proxy.bypass)));
        }
        builder
            .tls_backend_preconfigured(config)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.timing.connect)
            .pool_idle_timeout(LONGEST_IDLE)
            .user_agent(concat!("gigadb-roles/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Fault::Misconfigured(chain(&e)))
    }
}
