//! Making the clients: profile, region and time-outs, and nothing from the environment that could
//! change which account or region is asked.

use std::{sync::PoisonError, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, Region,
    profile::{Profile, ProfileFileCredentialsProvider},
    provider_config::ProviderConfig,
    retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_ec2::{Client, config::SharedHttpClient};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use gigadb_engine::{
    topology::Aws,
    world::{Cause, Failure, FailureKind},
};

use super::{
    Ec2, Trusted,
    bundle::Bundle,
    credentials::Credentials,
    files::{Files, spelling},
};
use crate::{http::trust::Trust, settings::Proxy};

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

    /// The client of a side. Fails where the shared files cannot be read, or where TLS is needed
    /// and nobody is trusted.
    pub(super) async fn client(&self, aws: &Aws) -> Result<Client, Failure> {
        let key = (aws.profile.clone(), aws.region.clone());
        let lock = || self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = lock().get(&key) {
            return Ok(client.clone());
        }
        let client = self.make_client(aws).await?;
        Ok(lock().entry(key).or_insert(client).clone())
    }

    async fn make_client(&self, aws: &Aws) -> Result<Client, Failure> {
        let files = self
            .files()
            .await
            .map_err(|error| self.unreadable(&error))?;
        let profile = files.profiles.get_profile(&spelling(&aws.profile));
        let says = |key: &str| profile.and_then(|profile| profile.get(key));
        // A profile may switch off what the environment says, not what the provider block says.
        let ignored = self.settings.endpoint_from_environment
            && says("ignore_configured_endpoint_urls")
                .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let endpoint = self.settings.endpoint_url.as_ref().filter(|_| !ignored);
        let plain = endpoint.is_some_and(|url| url.starts_with("http:"));
        let secure = match self.trusted(profile) {
            Ok(trusted) => trusted,
            // Nothing is asked over TLS, unless a role is taken.
            Err(_) if plain => Trusted::System,
            Err(why) => return Err(misconfigured(aws, &why, Cause::Setting)),
        };
        let elsewhere = endpoint.is_none()
            && !ignored
            && (says("endpoint_url").is_some() || says("services").is_some());
        if !plain
            && !elsewhere
            && secure == Trusted::System
            && let Err(why) = self.trust.verifier()
        {
            return Err(misconfigured(aws, &why, Cause::Roots));
        }
        let trusted = if plain {
            Trusted::Nobody
        } else {
            secure.clone()
        };
        let credentials = self.credentials(aws, &files, self.http(secure));
        let mut loader = self
            .loader(aws, &files)
            .http_client(self.http(trusted))
            .credentials_provider(credentials);
        if let Some(endpoint) = endpoint {
            loader = loader.endpoint_url(endpoint.clone());
        }
        Ok(Client::new(&loader.load().await))
    }

    /// Whom the connections of a profile trust; or why nobody, as a clause.
    fn trusted(&self, profile: Option<&Profile>) -> Result<Trusted, String> {
        let of_profile = || {
            let file = profile?
                .get("ca_bundle")
                .filter(|file| !file.trim().is_empty())?;
            Some(Bundle {
                file: crate::settings::expanded(
                    file.trim().as_ref(),
                    self.settings.home.as_deref(),
                ),
                named_by: "ca_bundle",
            })
        };
        let of_environment = self.trust.roots.aws_bundle.clone().map(|file| Bundle {
            file,
            named_by: "AWS_CA_BUNDLE",
        });
        match of_environment.or_else(of_profile) {
            Some(bundle) => bundle.read().map(Trusted::Bundle),
            None => Ok(Trusted::System),
        }
    }

    /// What every client of a side is made with, but credentials, endpoint and HTTP.
    pub(super) fn loader(&self, aws: &Aws, files: &Files) -> ConfigLoader {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(aws.region.clone()))
            .profile_name(spelling(&aws.profile))
            .profile_files(files.files.clone())
            .retry_config(self.retry())
            .timeout_config(self.timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
    }

    /// The credentials of a profile. What it needs itself (a role to assume) is asked for with the
    /// limits of every call.
    fn credentials(&self, aws: &Aws, files: &Files, http: SharedHttpClient) -> Credentials {
        let provider = ProviderConfig::empty()
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
            .with_http_client(http.clone())
            .with_region(Some(Region::new(aws.region.clone())))
            .with_retry_config(self.retry())
            .with_timeout_config(self.timeouts());
        let sdk = ProfileFileCredentialsProvider::builder()
            .configure(&provider)
            .profile_name(spelling(&aws.profile))
            .profile_files(files.files.clone())
            .build();
        Credentials::new(self, aws, sdk, http)
    }

    /// The credentials of a profile alone.
    pub(super) fn credentials_alone(
        &self,
        aws: &Aws,
        files: &Files,
    ) -> Result<Credentials, Failure> {
        let profile = files.profiles.get_profile(&spelling(&aws.profile));
        let trusted = self
            .trusted(profile)
            .map_err(|why| misconfigured(aws, &why, Cause::Setting))?;
        Ok(self.credentials(aws, files, self.http(trusted)))
    }

    /// The HTTP client that trusts these: made once for all sides.
    fn http(&self, trusted: Trusted) -> SharedHttpClient {
        let mut made = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        let client = made
            .entry(trusted.clone())
            .or_insert_with(|| http_client(self.proxy.as_ref(), trusted, self.trust.clone()));
        client.clone()
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
}

fn misconfigured(aws: &Aws, why: &str, cause: Cause) -> Failure {
    let message = format!("EC2 in {} was not asked: {why}", aws.region);
    Failure::new(FailureKind::Misconfigured, message).because(cause)
}

/// An HTTP client. Its connectors are made when the SDK first needs one; without anybody to trust
/// they know plain http only, because the SDK panics over an empty store of roots.
fn http_client(proxy: Option<&Proxy>, trusted: Trusted, trust: Trust) -> SharedHttpClient {
    let proxy = proxy.cloned();
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|c| c.sleep_impl()));
        let store = match &trusted {
            Trusted::System if trust.verifier().is_ok() => TrustStore::default(),
            Trusted::Bundle(pem) => TrustStore::empty().with_pem_certificate(pem.clone()),
            Trusted::Nobody | Trusted::System => return connector.build_http(),
        };
        // Settings take only proxies that can be used.
        if let Some(config) = proxy.as_ref().and_then(|proxy| {
            let config = ProxyConfig::https(proxy.url.expose()).ok()?;
            Some(config.no_proxy(&proxy.bypass))
        }) {
            connector.set_proxy_config(Some(config));
        }
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::Ring));
        match TlsContext::builder().with_trust_store(store).build() {
            Ok(context) => connector.tls_context(context).build(),
            Err(_) => connector.build(),
        }
    })
}
