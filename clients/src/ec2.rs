//! EC2, read only: the Elastic IPs and instances of one side.
//!
//! **Invariant.** Profile and region come from the topology alone. Keys or a region in the
//! environment, which the SDK's own chain would prefer, cannot merge the two sides into one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_ec2::{
    Client,
    config::SharedHttpClient,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
    types::{self, Filter, Tag},
};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use gigadb_engine::{
    topology::Aws,
    world::{ElasticIp, Failure, FailureKind, Instance, Side},
};
use tokio::time::Instant;

use crate::{
    http::{seconds, tidy},
    settings::{AwsSettings, Proxy, Timing},
};

/// The most values that one filter may have.
const VALUES_A_FILTER: usize = 200;
/// The largest page of instances.
const INSTANCES_A_PAGE: i32 = 1000;
/// The longest pause between attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Regions that every account has; in all others `AuthFailure` may mean "not enabled".
const ENABLED_BY_DEFAULT: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The clients of all sides: one connection pool, one set of credentials a side.
#[derive(Debug, Clone)]
pub(crate) struct Ec2 {
    settings: AwsSettings,
    proxy: Option<Proxy>,
    timing: Timing,
    http: Arc<OnceLock<SharedHttpClient>>,
    clients: Arc<Mutex<HashMap<(String, String), Client>>>,
}

/// What to look for on one side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Name tags of Elastic IPs.
    pub(crate) elastic_ips: BTreeSet<String>,
    /// Name tags of instances.
    pub(crate) instances: BTreeSet<String>,
}

impl Ec2 {
    pub(crate) fn new(settings: AwsSettings, proxy: Option<Proxy>, timing: Timing) -> Self {
        Self {
            settings,
            proxy,
            timing,
            http: Arc::default(),
            clients: Arc::default(),
        }
    }

    /// Reads one side in two concurrent calls. `limit` bounds both together.
    pub(crate) async fn read_side(
        &self,
        aws: &Aws,
        wanted: &Wanted,
        limit: Duration,
    ) -> Result<Side, Failure> {
        if wanted.elastic_ips.is_empty() && wanted.instances.is_empty() {
            return Ok(Side::default());
        }
        let client = Box::pin(self.client(aws)).await;
        let limit = limit.min(self.timing.call);
        let reading = async {
            futures::future::try_join(
                Box::pin(self.elastic_ips(&client, aws, wanted, limit)),
                Box::pin(self.instances(&client, aws, limit)),
            )
            .await
        };
        let (elastic_ips, mut instances) = match tokio::time::timeout(limit, reading).await {
            Ok(read) => read?,
            Err(_) => {
                return Err(Failure {
                    kind: FailureKind::Unreachable,
                    message: format!("{} did not answer within {}", place(aws), seconds(limit)),
                });
            }
        };
        let associated: BTreeSet<_> = elastic_ips
            .iter()
            .filter_map(|eip| eip.instance_id.as_ref())
            .collect();
        instances.retain(|i| wanted.instances.contains(&i.name) || associated.contains(&i.id));
        instances.sort();
        instances.dedup();
        Ok(Side {
            elastic_ips,
            instances,
        })
    }

    async fn elastic_ips(
        &self,
        client: &Client,
        aws: &Aws,
        wanted: &Wanted,
        limit: Duration,
    ) -> Result<Vec<ElasticIp>, Failure> {
        let names = &wanted.elastic_ips;
        let filter = (names.len() <= VALUES_A_FILTER).then(|| {
            Filter::builder()
                .name("tag:Name")
                .set_values(Some(names.iter().map(|name| literal(name)).collect()))
                .build()
        });
        let call = client
            .describe_addresses()
            .set_filters(filter.map(|filter| vec![filter]))
            .customize()
            .config_override(self.limits(limit));
        let started = Instant::now();
        let result = call.send().await;
        trace("DescribeAddresses", aws, started, &result);
        let output = result.map_err(|e| self.failure("DescribeAddresses", aws, limit, &e))?;
        let mut found: Vec<ElasticIp> = output
            .addresses()
            .iter()
            .filter_map(elastic_ip)
            .filter(|eip| names.contains(&eip.name))
            .collect();
        found.sort();
        Ok(found)
    }

    /// Every instance that is not terminated, whatever its name: an Elastic IP may be associated
    /// with one that is named otherwise, and asking for it would take a third call.
    async fn instances(
        &self,
        client: &Client,
        aws: &Aws,
        limit: Duration,
    ) -> Result<Vec<Instance>, Failure> {
        let present = Filter::builder()
            .name("instance-state-name")
            .set_values(Some(
                ["pending", "running", "stopping", "stopped"]
                    .map(str::to_owned)
                    .to_vec(),
            ))
            .build();
        let mut found = Vec::new();
        let mut page = None;
        loop {
            let call = client
                .describe_instances()
                .filters(present.clone())
                .max_results(INSTANCES_A_PAGE)
                .set_next_token(page)
                .customize()
                .config_override(self.limits(limit));
            let started = Instant::now();
            let result = call.send().await;
            trace("DescribeInstances", aws, started, &result);
            let output = result.map_err(|e| self.failure("DescribeInstances", aws, limit, &e))?;
            found.extend(
                output
                    .reservations()
                    .iter()
                    .flat_map(types::Reservation::instances)
                    .filter_map(instance),
            );
            page = output
                .next_token()
                .filter(|t| !t.is_empty())
                .map(str::to_owned);
            if page.is_none() {
                return Ok(found);
            }
        }
    }

    fn limits(&self, limit: Duration) -> aws_sdk_ec2::config::Builder {
        aws_sdk_ec2::config::Builder::new().timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(self.timing.connect)
                .operation_attempt_timeout(self.timing.attempt.min(limit))
                .operation_timeout(limit)
                .build(),
        )
    }

    async fn client(&self, aws: &Aws) -> Client {
        let key = (aws.profile.clone(), aws.region.clone());
        let lock = || self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = lock().get(&key) {
            return client.clone();
        }
        let client = self.make_client(aws).await;
        lock().entry(key).or_insert(client).clone()
    }

    async fn make_client(&self, aws: &Aws) -> Client {
        let region = Region::new(aws.region.clone());
        let http = self.http.get_or_init(|| http_client(self.proxy.as_ref()));
        let retry = RetryConfig::standard()
            .with_max_attempts(self.timing.attempts.max(1))
            .with_initial_backoff(self.timing.backoff)
            .with_max_backoff(LONGEST_BACKOFF);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.timing.connect)
            .operation_attempt_timeout(self.timing.attempt)
            .operation_timeout(self.timing.call)
            .build();
        let version = BehaviorVersion::v2026_01_12();
        // What the profile itself needs (a role to assume) is asked for with the same limits.
        let provider = ProviderConfig::empty()
            .with_behavior_version(Some(version))
            .with_http_client(http.clone())
            .with_region(Some(region.clone()))
            .with_retry_config(retry.clone())
            .with_timeout_config(timeouts.clone());
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&provider)
            .profile_name(&aws.profile)
            .profile_files(self.profile_files())
            .build();
        let mut loader = aws_config::defaults(version)
            .http_client(http.clone())
            .region(region)
            .profile_name(&aws.profile)
            .profile_files(self.profile_files())
            .credentials_provider(credentials)
            .retry_config(retry)
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &self.settings.endpoint_url {
            loader = loader.endpoint_url(endpoint.clone());
        }
        Client::new(&loader.load().await)
    }

    /// The shared files: the given ones, else the SDK's own.
    fn profile_files(&self) -> EnvConfigFiles {
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

    /// The shared files in words.
    fn files_in_words(&self) -> String {
        let name = |given: &[std::path::PathBuf], default: &str| {
            if given.is_empty() {
                vec![format!("`{default}`")]
            } else {
                given
                    .iter()
                    .map(|path| format!("`{}`", path.display()))
                    .collect()
            }
        };
        let mut files = name(&self.settings.shared_config_files, "~/.aws/config");
        files.extend(name(
            &self.settings.shared_credentials_files,
            "~/.aws/credentials",
        ));
        files.join(", ")
    }

    fn failure<E>(
        &self,
        operation: &str,
        aws: &Aws,
        limit: Duration,
        error: &SdkError<E>,
    ) -> Failure
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
    {
        let at = place(aws);
        if let Some(credentials) = find::<CredentialsError>(error) {
            return self.no_credentials(aws, credentials);
        }
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code();
                let refused = (400..500).contains(&status)
                    && !matches!(status, 408 | 429)
                    && code != Some("RequestLimitExceeded");
                let mut message = if refused {
                    format!("{at} refused {operation} with {status}")
                } else {
                    format!("{at} failed to answer {operation} with {status}")
                };
                if let Some(code) = code {
                    message = format!("{message}, code {code}");
                }
                if let Some(text) = service.err().message() {
                    message = format!("{message}: {}", tidy(text, &[]));
                }
                if code.is_some_and(may_mean_not_enabled)
                    && !ENABLED_BY_DEFAULT.contains(&aws.region.as_str())
                {
                    message = format!(
                        "{message}; {} is a region that each account must enable: it may not be enabled for the account of profile `{}`",
                        aws.region, aws.profile
                    );
                }
                let id = service.err().request_id();
                if let Some(id) = id.or_else(|| id_in_body(service.raw().body().bytes())) {
                    message = format!("{message} (request id {})", tidy(id, &[]));
                }
                Failure {
                    kind: if refused {
                        FailureKind::Refused
                    } else {
                        FailureKind::Unreachable
                    },
                    message,
                }
            }
            SdkError::TimeoutError(_) => Failure {
                kind: FailureKind::Unreachable,
                message: format!("{at} did not answer {operation} within {}", seconds(limit)),
            },
            SdkError::DispatchFailure(dispatch)
                if dispatch
                    .as_connector_error()
                    .is_some_and(|e| !e.is_user() && !e.is_other()) =>
            {
                Failure {
                    kind: FailureKind::Unreachable,
                    message: format!(
                        "no connection to {at} for {operation}: {}",
                        tidy(&causes(error), &[])
                    ),
                }
            }
            SdkError::ResponseError(_) => Failure {
                kind: FailureKind::Unreachable,
                message: format!(
                    "{at} answered {operation} with something that makes no sense: {}",
                    tidy(&causes(error), &[])
                ),
            },
            _ => Failure {
                kind: FailureKind::Misconfigured,
                message: format!(
                    "{operation} could not be sent to {at}: {}",
                    tidy(&causes(error), &[])
                ),
            },
        }
    }

    /// The failure where a profile gives no credentials: nothing was sent to EC2.
    fn no_credentials(&self, aws: &Aws, error: &CredentialsError) -> Failure {
        let cause = crate::http::chain(error);
        let kind = match error {
            CredentialsError::ProviderTimedOut(_) => FailureKind::Unreachable,
            // Something else was asked for them: STS, a program.
            CredentialsError::ProviderError(_) if cause.contains("dispatch failure") => {
                FailureKind::Unreachable
            }
            CredentialsError::ProviderError(_) => FailureKind::Refused,
            _ => FailureKind::Misconfigured,
        };
        Failure {
            kind,
            message: format!(
                "AWS profile `{}` gives no credentials for EC2 in {}: {} (files: {})",
                aws.profile,
                aws.region,
                tidy(&cause, &[]),
                self.files_in_words()
            ),
        }
    }
}

/// The cause of this type, if there is one.
fn find<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The request id that EC2 writes into the body of an error.
fn id_in_body(body: Option<&[u8]>) -> Option<&str> {
    let body = std::str::from_utf8(body?).ok()?;
    let (_, rest) = body.split_once("<RequestID>")?;
    rest.split_once("</RequestID>").map(|(id, _)| id)
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

fn place(aws: &Aws) -> String {
    format!("EC2 in {} (profile `{}`)", aws.region, aws.profile)
}

fn may_mean_not_enabled(code: &str) -> bool {
    matches!(
        code,
        "AuthFailure" | "OptInRequired" | "InvalidClientTokenId" | "UnrecognizedClientException"
    )
}

/// A filter value that stands for itself: `*`, `?` and `\` are wildcards to EC2.
fn literal(name: &str) -> String {
    let mut value = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '\\') {
            value.push('\\');
        }
        value.push(c);
    }
    value
}

/// The causes of an SDK error, which says nothing itself.
fn causes(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), crate::http::chain)
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

fn name_of(tags: &[Tag]) -> String {
    tags.iter()
        .find(|tag| tag.key() == Some("Name"))
        .and_then(Tag::value)
        .unwrap_or_default()
        .to_owned()
}

fn address(text: Option<&str>) -> Option<Ipv4Addr> {
    text?.parse().ok()
}

fn elastic_ip(row: &types::Address) -> Option<ElasticIp> {
    Some(ElasticIp {
        allocation_id: row.allocation_id()?.parse().ok()?,
        name: name_of(row.tags()),
        address: address(row.public_ip())?,
        // An Elastic IP that is not associated has no instance id, or an empty one.
        instance_id: row.instance_id().and_then(|id| id.parse().ok()),
    })
}

fn instance(row: &types::Instance) -> Option<Instance> {
    let state = row.state()?.name()?.as_str().to_owned();
    Some(Instance {
        id: row.instance_id()?.parse().ok()?,
        name: name_of(row.tags()),
        private_address: address(row.private_ip_address()),
        public_address: address(row.public_ip_address()),
        tags: row
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
            .collect::<BTreeMap<_, _>>(),
        state,
    })
    .filter(|i| i.state != "terminated" && i.state != "shutting-down")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_values_stand_for_themselves() {
        assert_eq!(literal(r"a*b?c\d"), r"a\*b\?c\\d");
    }
}
