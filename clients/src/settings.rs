//! How the three APIs are reached: explicit settings first, then environment variables.

pub(crate) mod dns;
mod proxy;
mod roots;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use gigadb_engine::world::Origin;
use thiserror::Error;
use url::{Host, Url};

pub use self::{dns::DnsSettings, proxy::Proxy, roots::Roots};
use crate::{
    journal,
    process::Process,
    secret::Secret,
    timing::{OPEN_FOR, Timing},
};

/// Where Cloudflare's API is, unless settings say otherwise.
pub const CLOUDFLARE_BASE_URL: &str = "https://api.cloudflare.com/client/v4";
/// Where GitLab's API is, unless settings say otherwise.
pub const GITLAB_BASE_URL: &str = "https://gitlab.com/api/v4";

/// The least that may be set.
const SHORTEST_OPEN: Duration = Duration::from_secs(30);
/// The most that may be set.
const LONGEST_OPEN: Duration = Duration::from_hours(24);

/// Settings given on purpose (a provider block, a command line). `None` and empty texts leave
/// the choice to the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explicit {
    /// `cloudflare.api_token`.
    pub cloudflare_api_token: Option<Secret>,
    /// `cloudflare.base_url`.
    pub cloudflare_base_url: Option<String>,
    /// `gitlab.token`.
    pub gitlab_token: Option<Secret>,
    /// `gitlab.base_url`.
    pub gitlab_base_url: Option<String>,
    /// `aws.endpoint_url`.
    pub aws_endpoint_url: Option<String>,
    /// `aws.shared_config_files`.
    pub aws_shared_config_files: Vec<PathBuf>,
    /// `aws.shared_credentials_files`.
    pub aws_shared_credentials_files: Vec<PathBuf>,
}

/// Everything needed to make [`Apis`](crate::Apis).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Cloudflare.
    pub cloudflare: Service,
    /// GitLab.
    pub gitlab: Service,
    /// EC2.
    pub aws: AwsSettings,
    /// The proxy for https; plain http goes to loopback addresses alone, and never to a proxy.
    pub proxy: Option<Proxy>,
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// Where set, zones and records are read from DNS instead of Cloudflare's API, which then
    /// writes nothing.
    pub dns: Option<DnsSettings>,
    /// How long to wait for what.
    pub timing: Timing,
    /// Where journals are kept, if anything says where.
    pub journal_folder: Option<PathBuf>,
    /// Who runs this: see [`operator`].
    pub operator: String,
}

/// One HTTP API with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The token; without one, the first call fails and names the setting.
    pub token: Option<Secret>,
    /// The base URL: https, or http to a loopback address; without a trailing slash.
    pub base_url: Url,
    /// Where both were found.
    pub origin: Origin,
}

/// What is not in the topology about EC2. Profiles and regions are in the topology alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AwsSettings {
    /// Replaces the endpoint of every region.
    pub endpoint_url: Option<String>,
    /// Whether `endpoint_url` comes from the environment, which a profile may switch off
    /// (`ignore_configured_endpoint_urls`).
    pub endpoint_from_environment: bool,
    /// The home folder, where AWS's files are unless something names them.
    pub home: Option<PathBuf>,
    /// Replaces `~/.aws/config`.
    pub shared_config_files: Vec<PathBuf>,
    /// Replaces `~/.aws/credentials`.
    pub shared_credentials_files: Vec<PathBuf>,
    /// Where endpoint and files were found.
    pub origin: Origin,
}

/// Which setting is meant, by every name that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Cloudflare's token.
    CloudflareToken,
    /// Cloudflare's base URL.
    CloudflareBaseUrl,
    /// GitLab's token.
    GitlabToken,
    /// GitLab's base URL.
    GitlabBaseUrl,
    /// EC2's endpoint.
    AwsEndpointUrl,
    /// How long a write without an answer may take effect.
    OpenFor,
    /// The proxy for https.
    Proxy,
}

impl Setting {
    /// The attribute of the provider block, as its steps; none for what only the environment sets.
    pub fn attribute(self) -> Option<[&'static str; 2]> {
        match self {
            Self::CloudflareToken => Some(["cloudflare", "api_token"]),
            Self::CloudflareBaseUrl => Some(["cloudflare", "base_url"]),
            Self::GitlabToken => Some(["gitlab", "token"]),
            Self::GitlabBaseUrl => Some(["gitlab", "base_url"]),
            Self::AwsEndpointUrl => Some(["aws", "endpoint_url"]),
            Self::OpenFor | Self::Proxy => None,
        }
    }

    /// The environment variables, the first to be looked at first.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::CloudflareToken => &["CLOUDFLARE_API_TOKEN"],
            Self::CloudflareBaseUrl => &["CLOUDFLARE_BASE_URL"],
            Self::GitlabToken => &["GITLAB_TOKEN", "GITLAB_PRIVATE_TOKEN"],
            Self::GitlabBaseUrl => &["GITLAB_BASE_URL"],
            Self::AwsEndpointUrl => &["AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"],
            Self::OpenFor => &["GIGADB_OPEN_FOR"],
            Self::Proxy => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloudflareToken => "the Cloudflare API token",
            Self::CloudflareBaseUrl => "the Cloudflare base URL",
            Self::GitlabToken => "the GitLab token",
            Self::GitlabBaseUrl => "the GitLab base URL",
            Self::AwsEndpointUrl => "the AWS endpoint URL",
            Self::OpenFor => "the time for which a write without an answer stays open",
            Self::Proxy => "the proxy",
        })
    }
}

/// Where a setting was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Given on purpose.
    Explicit(Setting),
    /// Taken from this environment variable.
    Environment(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Explicit(setting) => match setting.attribute() {
                Some(attribute) => write!(f, "`{}`", attribute.join(".")),
                None => write!(f, "{setting}"),
            },
            Self::Environment(variable) => write!(f, "environment variable `{variable}`"),
        }
    }
}

impl Source {
    /// As advice names it.
    fn named(self) -> String {
        match self {
            Self::Explicit(_) => format!("{self} of the provider block"),
            Self::Environment(variable) => format!("`{variable}`"),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{setting} (from {source_name}) {fault}")]
pub struct SettingsError {
    /// Which one.
    pub setting: Setting,
    /// Where it was found.
    pub source_name: Source,
    /// What is wrong with it, and what to write instead. Never the value of a token.
    pub fault: String,
}

impl Settings {
    /// Resolves settings: explicit ones beat the environment, empty ones count as absent.
    /// Fails for the first that cannot be used; a missing token is no fault until it is needed.
    pub fn resolve(
        explicit: Explicit,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let find = |setting: Setting, given: Option<String>| found(setting, given, env);
        let secret = |s: Option<Secret>| s.map(|s| s.expose().to_owned());
        let home = home(env);
        let config = files(
            explicit.aws_shared_config_files,
            "shared_config_files",
            "AWS_CONFIG_FILE",
            env,
        );
        let credentials = files(
            explicit.aws_shared_credentials_files,
            "shared_credentials_files",
            "AWS_SHARED_CREDENTIALS_FILE",
            env,
        );
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| env(name).filter(|text| !text.trim().is_empty()))
        };
        let endpoints_ignored = first(&["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"])
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let open_for = open_for(env)?;
        let explicit_endpoint = explicit.aws_endpoint_url.filter(|t| !t.trim().is_empty());
        let explicit_endpoint_absent = explicit_endpoint.is_none();
        let aws_endpoint = if endpoints_ignored && explicit_endpoint.is_none() {
            None
        } else {
            find(Setting::AwsEndpointUrl, explicit_endpoint)
        };
        let service = |token_is: Setting, given: Option<Secret>, url_is: Setting, url, usual| {
            let found_token = find(token_is, secret(given));
            let found_url = find(url_is, url);
            let named = |found: &Option<Found>| found.as_ref().map(|found| found.source.named());
            Ok(Service {
                origin: Origin {
                    credentials: named(&found_token),
                    address: named(&found_url),
                },
                token: token(found_token)?,
                base_url: parse_url(&found_url.unwrap_or_else(|| Found::default(url_is, usual)))?,
            })
        };
        let cloudflare = service(
            Setting::CloudflareToken,
            explicit.cloudflare_api_token,
            Setting::CloudflareBaseUrl,
            explicit.cloudflare_base_url,
            CLOUDFLARE_BASE_URL,
        )?;
        let gitlab = service(
            Setting::GitlabToken,
            explicit.gitlab_token,
            Setting::GitlabBaseUrl,
            explicit.gitlab_base_url,
            GITLAB_BASE_URL,
        )?;
        let endpoint_origin = aws_endpoint.as_ref().map(|found| found.source.named());
        let endpoint_url = aws_endpoint
            .map(|found| parse_url(&found).map(|url| url.to_string()))
            .transpose()?;
        let plain = |url: &str| url.starts_with("http:");
        let no_tls = plain(cloudflare.base_url.as_str())
            && plain(gitlab.base_url.as_str())
            && endpoint_url.as_deref().is_some_and(plain);
        let proxy = match proxy::find(env) {
            Ok(proxy) => proxy,
            // Plain http goes to loopback addresses and never to a proxy.
            Err(_) if no_tls => None,
            Err((variable, fault)) => {
                return Err(SettingsError {
                    setting: Setting::Proxy,
                    source_name: Source::Environment(variable),
                    fault,
                });
            }
        };
        Ok(Self {
            cloudflare,
            gitlab,
            aws: AwsSettings {
                endpoint_from_environment: explicit_endpoint_absent && endpoint_url.is_some(),
                endpoint_url,
                home: home.clone(),
                origin: Origin {
                    credentials: files_in_words(&config, &credentials),
                    address: endpoint_origin,
                },
                shared_config_files: config.paths(home.as_deref()),
                shared_credentials_files: credentials.paths(home.as_deref()),
            },
            proxy,
            roots: Roots::find(env, home.as_deref()),
            dns: None,
            timing: Timing {
                open_for,
                ..Timing::default()
            },
            journal_folder: journal::folder(env),
            operator: operator(env),
        })
    }
}

/// Who runs this, as far as the machine tells: `USER`, else `LOGNAME`, and the host's name, as
/// `ada@bastion`.
pub fn operator(env: &dyn Fn(&str) -> Option<String>) -> String {
    let set = |name: &str| env(name).filter(|user| !user.trim().is_empty());
    let user = set("USER").or_else(|| set("LOGNAME"));
    let host = Process::this().host;
    format!("{}@{host}", user.as_deref().unwrap_or("somebody"))
}

/// The home folder, as AWS's tools find it.
fn home(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    env("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// A path with `~` at its beginning replaced by the home folder, as boto3 and Terraform's AWS
/// provider read it. Whose home `~name` is, only a shell knows.
pub(crate) fn expanded(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// Shared files of AWS's that something names, and what; no file where the usual one counts.
struct Named {
    files: Vec<PathBuf>,
    by: String,
}

impl Named {
    fn paths(&self, home: Option<&Path>) -> Vec<PathBuf> {
        let files = self.files.iter();
        files.map(|file| expanded(file, home)).collect()
    }
}

/// Explicit files, else the one that the environment names.
fn files(
    given: Vec<PathBuf>,
    attribute: &str,
    variable: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Named {
    let mut given = given;
    given.retain(|path| !path.as_os_str().is_empty());
    if !given.is_empty() {
        return Named {
            files: given,
            by: format!("`aws.{attribute}` of the provider block"),
        };
    }
    let named = env(variable).filter(|text| !text.trim().is_empty());
    Named {
        files: named.map(PathBuf::from).into_iter().collect(),
        by: format!("`{variable}`"),
    }
}

/// The files that hold the profiles, with what names them; none where the usual ones do.
fn files_in_words(config: &Named, credentials: &Named) -> Option<String> {
    if config.files.is_empty() && credentials.files.is_empty() {
        return None;
    }
    let words = |named: &Named, usual: &str| {
        let files: Vec<String> = named
            .files
            .iter()
            .map(|file| format!("`{}`", file.display()))
            .collect();
        if files.is_empty() {
            format!("`{usual}`")
        } else {
            format!("{} ({})", files.join(", "), named.by)
        }
    };
    let config = words(config, "~/.aws/config");
    let credentials = words(credentials, "~/.aws/credentials");
    Some(format!("{config} and {credentials}"))
}

/// A text with where it came from, whitespace around it removed.
struct Found {
    setting: Setting,
    source: Source,
    text: String,
}

impl Found {
    fn default(setting: Setting, text: &str) -> Self {
        Self {
            setting,
            source: Source::Explicit(setting),
            text: text.to_owned(),
        }
    }

    fn refuse(&self, fault: impl Into<String>) -> SettingsError {
        SettingsError {
            setting: self.setting,
            source_name: self.source,
            fault: fault.into(),
        }
    }
}

fn found(
    setting: Setting,
    given: Option<String>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<Found> {
    let trimmed = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let explicit = given
        .and_then(trimmed)
        .map(|text| (Source::Explicit(setting), text));
    explicit
        .or_else(|| {
            setting.variables().iter().find_map(|variable| {
                Some((
                    Source::Environment(variable),
                    env(variable).and_then(trimmed)?,
                ))
            })
        })
        .map(|(source, text)| Found {
            setting,
            source,
            text,
        })
}

fn token(found: Option<Found>) -> Result<Option<Secret>, SettingsError> {
    let Some(found) = found else { return Ok(None) };
    if found.text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(Some(Secret::new(found.text)))
    } else {
        Err(found.refuse(
            "holds a blank, a line break or a character that no token has; copy the token again, alone",
        ))
    }
}

/// How long after it was sent a write without an answer may take effect: `GIGADB_OPEN_FOR`, else
/// two minutes.
///
/// # Errors
///
/// Where the variable holds no usable number.
pub fn open_for(env: &dyn Fn(&str) -> Option<String>) -> Result<Duration, SettingsError> {
    parse_open_for(found(Setting::OpenFor, None, env))
}

/// Whole seconds, at least [`SHORTEST_OPEN`]; [`OPEN_FOR`] where nothing is set.
fn parse_open_for(found: Option<Found>) -> Result<Duration, SettingsError> {
    let Some(found) = found else {
        return Ok(OPEN_FOR);
    };
    let least = SHORTEST_OPEN.as_secs();
    let given = found.text.parse().ok().map(Duration::from_secs);
    given
        .filter(|given| (SHORTEST_OPEN..=LONGEST_OPEN).contains(given))
        .ok_or_else(|| {
            found.refuse(format!(
                "is not a number of seconds from {least} to {}; write it as `120`",
                LONGEST_OPEN.as_secs()
            ))
        })
}

/// Accepts https, and http for loopback addresses, without user, query or fragment.
fn parse_url(found: &Found) -> Result<Url, SettingsError> {
    let example = "write it as `https://HOST/PATH`";
    let mut url = Url::parse(&found.text)
        .map_err(|e| found.refuse(format!("is not a URL ({e}); {example}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(found.refuse("holds a user or password; give the token in its own setting"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(found.refuse(format!("holds a query or fragment; {example}")));
    }
    match url.scheme() {
        "https" => {}
        "http" if url.host().is_some_and(|host| is_loopback(&host)) => {}
        "http" => {
            return Err(found.refuse(
                "is plain http to an address that is not loopback, which would show the token to the network; use https",
            ));
        }
        other => {
            return Err(found.refuse(format!("has the scheme `{other}`; {example}")));
        }
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}
