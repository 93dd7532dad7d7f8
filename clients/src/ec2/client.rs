//! Making the clients: profile, region and time-outs, and nothing from the environment that could
//! change which account or region is asked.

use std::{sync::PoisonError, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_ec2::{Client, config::SharedHttpClient};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use gigadb_engine::topology::Aws;

use super::{Ec2, credentials::Credentials};
use crate::settings::Proxy;

/// The longest pause between attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

impl Ec2 {
    pub(super) fn limits(&self, limit: Duration) -> aws_sdk_ec2::config::Builder {
        aws_sdk_ec2::config::Builder::new().timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(self.timing.connect)
                .operation_attempt_timeout(self.timing.attempt.min(limit))
                .operation_timeout(limit)
                .build(),
        )
    }

    pub(super) async fn client(&self, aws: &Aws) -> Client {
        let key = (aws.profile.clone(), aws.region.clone());
        let lock = || self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = lock().get(&key) {
            return client.clone();
        }
        let client = self.make_client(aws).await;
        lock().entry(key).or_insert(client).clone()
    }

    async fn make_client(&self, aws: &Aws) -> Client {
        let mut loader = self.loader(aws).credentials_provider(self.credentials(aws));
        if let Some(endpoint) = &self.settings.endpoint_url {
            loader = loader.endpoint_url(endpoint.clone());
        }
        Client::new(&loader.load().await)
    }

    /// What every client of a side is made with, but credentials and endpoint.
    pub(super) fn loader(&self, aws: &Aws) -> ConfigLoader {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(self.http().clone())
            .region(Region::new(aws.region.clone()))
            .profile_name(&aws.profile)
            .profile_files(self.profile_files())
            .retry_config(self.retry())
            .timeout_config(self.timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
    }

    /// The credentials of a profile. What it needs itself (a role to assume) is asked for with the
    /// limits of every call.
    pub(super) fn credentials(&self, aws: &Aws) -> Credentials {
        let provider = ProviderConfig::empty()
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
            .with_http_client(self.http().clone())
            .with_region(Some(Region::new(aws.region.clone())))
            .with_retry_config(self.retry())
            .with_timeout_config(self.timeouts());
        let sdk = ProfileFileCredentialsProvider::builder()
            .configure(&provider)
            .profile_name(&aws.profile)
            .profile_files(self.profile_files())
            .build();
        Credentials::new(self, aws, sdk)
    }

    fn http(&self) -> &SharedHttpClient {
        self.http.get_or_init(|| http_client(self.proxy.as_ref()))
    }

    fn retry(&self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.timing.attempts.max(1))
            .with_initial_backoff(self.timing.backoff)
            .with_max_backoff(LONGEST_BACKOFF)
    }

    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.timing.connect)
            .operation_attempt_timeout(self.timing.attempt)
            .operation_timeout(self.timing.call)
            .build()
    }

    /// The shared files: the given ones, else the SDK's own.
    pub(super) fn profile_files(&self) -> EnvConfigFiles {
        let mut files = EnvConfigFiles::builder();
        let kinds = [
            (
                EnvConfigFileKind::Config,
                &self.settings.shared_config_files,
            ),
            (
                EnvConfigFileKind::Credentials,
                &self.settings.shared_credentials_files,
            ),
        ];
        for (kind, given) in kinds {
            if given.is_empty() {
                files = match kind {
                    EnvConfigFileKind::Config => files.include_default_config_file(true),
                    EnvConfigFileKind::Credentials => files.include_default_credentials_file(true),
                };
            }
            for file in given {
                files = files.with_file(kind, file);
            }
        }
        files.build()
    }
}

/// The HTTP client of all sides. It knows no proxy by itself; one with a URL that makes no sense
/// is left out here, because the other APIs name it.
fn http_client(proxy: Option<&Proxy>) -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let proxy = proxy.and_then(|proxy| {
        let config = ProxyConfig::https(proxy.url.expose()).ok()?;
        Some(config.no_proxy(&proxy.bypass))
    });
    let builder = aws_smithy_http_client::Builder::new();
    match proxy {
        None => builder.tls_provider(tls).build_https(),
        Some(proxy) => builder.build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder();
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|c| c.sleep_impl()));
            connector
                .proxy_config(proxy.clone())
                .tls_provider(tls.clone())
                .build()
        }),
    }
}
