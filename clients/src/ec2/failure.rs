//! What went wrong with a call to EC2, or before it, in words.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use gigadb_engine::{
    region,
    topology::Aws,
    world::{Cause, Failure, FailureKind},
};
use url::Url;

use super::{
    Ec2,
    credentials::NoKeys,
    files::{Unreadable, unspelt},
};
use crate::http::{chain, path_of, seconds, tidy, tls, vendor};

/// What the SDK says before what is wrong with a profile.
const SDK_SAYS: &str = "the credentials provider was not properly configured: ProfileFile provider could not be built: ";

impl Ec2 {
    /// The failure of a call, with where endpoint and files come from.
    pub(super) fn failure<E>(
        &self,
        operation: &str,
        aws: &Aws,
        limit: Duration,
        error: &SdkError<E>,
    ) -> Failure
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
    {
        let failed = self.failed(operation, aws, limit, error);
        failed.asked_with(self.settings.origin.clone())
    }

    fn failed<E>(&self, operation: &str, aws: &Aws, limit: Duration, error: &SdkError<E>) -> Failure
    where
        E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
    {
        let at = place(aws);
        if let Some(credentials) = find::<CredentialsError>(error) {
            return self.no_credentials(aws, credentials);
        }
        match error {
            SdkError::ServiceError(service) => {
                let mut told = Told::of(service.err(), service.raw().body().bytes());
                told.to = service.raw().headers().get("location").map(str::to_owned);
                let date = service.raw().headers().get("date");
                let failure = answered(operation, aws, service.raw().status().as_u16(), &told);
                if ended(&told, date, SystemTime::now()) {
                    failure.because(Cause::Ended)
                } else {
                    failure
                }
            }
            SdkError::TimeoutError(_) => Failure::new(
                FailureKind::Unreachable,
                format!("{at} did not answer {operation} within {}", seconds(limit)),
            )
            .because(Cause::NoAnswer),
            SdkError::DispatchFailure(dispatch)
                if dispatch
                    .as_connector_error()
                    .is_some_and(|e| !e.is_user() && !e.is_other()) =>
            {
                self.no_connection(operation, aws, &tidy(&causes(error), &[]))
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                match response.raw().body().bytes() {
                    Some(body) if vendor::begins_as_page(body) => {
                        let told = Told {
                            page: Some(vendor::title(body)),
                            ..Told::default()
                        };
                        answered(operation, aws, status, &told)
                    }
                    _ => Failure::new(
                        FailureKind::Unreachable,
                        format!(
                            "{at} answered {operation} with something that makes no sense: {}",
                            tidy(&causes(error), &[])
                        ),
                    )
                    .because(Cause::Nonsense),
                }
            }
            _ => {
                let text = tidy(&causes(error), &[]);
                let message = format!("{operation} could not be sent to {at}: {text}");
                let cause = tls(&text).unwrap_or(Cause::Setting);
                Failure::new(FailureKind::Misconfigured, message).because(cause)
            }
        }
    }

    /// No connection, or no agreement on TLS.
    fn no_connection(&self, operation: &str, aws: &Aws, text: &str) -> Failure {
        let at = place(aws);
        let url = self.settings.endpoint_url.clone();
        let url = url.unwrap_or_else(|| format!("https://ec2.{}.amazonaws.com", aws.region));
        let url = Url::parse(&url).ok();
        let through = url.as_ref();
        let through = through.and_then(|url| self.proxy.as_ref().filter(|proxy| proxy.serves(url)));
        let via = through.map_or_else(String::new, |proxy| {
            format!(
                " through the proxy `{}` (`{}`)",
                proxy.shown(),
                proxy.variable
            )
        });
        let message = format!("no connection to {at} for {operation}{via}: {text}");
        let unknown = self.settings.endpoint_url.is_none() && !region::is_known(&aws.region);
        if let Some(cause) = tls(text) {
            return Failure::new(FailureKind::Misconfigured, message).because(cause);
        }
        let cause = match through {
            Some(proxy) => Cause::Proxy {
                variable: proxy.variable.to_owned(),
            },
            None if unknown => {
                let message = format!("{message}; {}", unknown_region(&aws.region));
                return Failure::new(FailureKind::Misconfigured, message)
                    .because(region_cause(aws));
            }
            None => Cause::NoConnection,
        };
        Failure::new(FailureKind::Unreachable, message).because(cause)
    }

    /// The failure where the shared files cannot be read.
    pub(super) fn unreadable(&self, error: &Unreadable) -> Failure {
        let message = format!(
            "the AWS profile files cannot be read: {error} (files: {})",
            self.files_in_words()
        );
        Failure::new(FailureKind::Misconfigured, message)
            .because(Cause::ProfileFile)
            .asked_with(self.settings.origin.clone())
    }

    /// The failure where a profile gives no credentials: nothing was sent to EC2.
    pub(super) fn no_credentials(&self, aws: &Aws, error: &CredentialsError) -> Failure {
        let reason = find::<NoKeys>(error);
        let (text, cause) = match reason {
            Some(reason) => (reason.to_string(), reason.cause()),
            None => {
                let text = chain(error);
                match aws_words(&text) {
                    Some((code, message)) => {
                        let cause = match cause_of(Some(&code), 400, aws) {
                            // STS refused the role: EC2 was not asked.
                            Cause::Permission => Cause::Role,
                            cause => cause,
                        };
                        (tidy(&format!("{code}: {message}"), &[]), cause)
                    }
                    None => self.of_sts(&tidy(&text, &[])),
                }
            }
        };
        let kind = match error {
            CredentialsError::ProviderTimedOut(_) => FailureKind::Unreachable,
            _ if matches!(
                cause,
                Cause::Roots
                    | Cause::Untrusted
                    | Cause::OtherName
                    | Cause::Authority
                    | Cause::Outdated
            ) =>
            {
                FailureKind::Misconfigured
            }
            // Something else was asked for them: STS, a program.
            CredentialsError::ProviderError(_)
                if matches!(
                    cause,
                    Cause::NoConnection
                        | Cause::NoAnswer
                        | Cause::Proxy { .. }
                        | Cause::Vendor
                        | Cause::WebPage
                ) =>
            {
                FailureKind::Unreachable
            }
            CredentialsError::ProviderError(_) => FailureKind::Refused,
            _ => FailureKind::Misconfigured,
        };
        let message = format!(
            "AWS profile `{}` gives no credentials for EC2 in {}: {text} (files: {})",
            aws.profile,
            aws.region,
            self.files_in_words()
        );
        Failure::new(kind, message)
            .because(cause)
            .asked_with(self.settings.origin.clone())
    }

    /// What the SDK says of a profile, or of STS that did not answer in AWS's words.
    fn of_sts(&self, text: &str) -> (String, Cause) {
        // Only a client without anybody to trust takes no https.
        if text.contains("scheme is not http")
            && let Err(why) = self.trust.verifier()
        {
            return (why, Cause::Roots);
        }
        if let Some(cause) = tls(text) {
            return (text.to_owned(), cause);
        }
        if text.contains("dispatch failure") {
            let cause = self
                .proxy
                .as_ref()
                .map_or(Cause::NoConnection, |proxy| Cause::Proxy {
                    variable: proxy.variable.to_owned(),
                });
            return (text.to_owned(), cause);
        }
        if text.contains("unhandled error") {
            let text = "the answer to the request for its role's keys is not AWS's";
            return (text.to_owned(), Cause::WebPage);
        }
        if text.contains("timed out") || text.contains("timeout") {
            return (text.to_owned(), Cause::NoAnswer);
        }
        let text = text.strip_prefix(SDK_SAYS).unwrap_or(text);
        let words = text.split_inclusive(['`', '"', ' ', ',']).map(|part| {
            let end = part.trim_end_matches(['`', '"', ' ', ',']);
            format!("{}{}", unspelt(end), &part[end.len()..])
        });
        (words.collect(), Cause::Profile)
    }

    /// The shared files in words.
    pub(super) fn files_in_words(&self) -> String {
        self.files_by_kind().join(", ")
    }

    /// The same: those with settings, and those with keys.
    pub(super) fn files_by_kind(&self) -> [String; 2] {
        let name = |given: &[std::path::PathBuf], default: &str| {
            if given.is_empty() {
                return format!("`{default}`");
            }
            let files = given.iter().map(|path| format!("`{}`", path.display()));
            files.collect::<Vec<_>>().join(", ")
        };
        [
            name(&self.settings.shared_config_files, "~/.aws/config"),
            name(
                &self.settings.shared_credentials_files,
                "~/.aws/credentials",
            ),
        ]
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

/// What an answer that failed says.
#[derive(Debug, Default)]
struct Told {
    code: Option<String>,
    text: Option<String>,
    id: Option<String>,
    /// Where it leads on to.
    to: Option<String>,
    /// A page of HTML, with its title.
    #[expect(
        clippy::option_option,
        reason = "no page, one without a title, one with it"
    )]
    page: Option<Option<String>>,
}

impl Told {
    /// What the SDK understood, else whatever shape the body has.
    fn of<E: ProvideErrorMetadata + RequestId>(error: &E, body: Option<&[u8]>) -> Self {
        let owned = |text: &str| Some(text.to_owned());
        let id = error.request_id().or_else(|| id_in_body(body));
        let mut told = Self {
            code: error.code().and_then(owned),
            text: error.message().and_then(owned),
            id: id.and_then(owned),
            to: None,
            page: None,
        };
        let body = body.unwrap_or_default();
        if told.code.is_none() && vendor::begins_as_page(body) {
            told.page = Some(vendor::title(body));
            return told;
        }
        let xml = std::str::from_utf8(body).unwrap_or_default();
        told.code = told.code.or_else(|| element(xml, "Code"));
        told.text = told.text.or_else(|| element(xml, "Message")).or_else(|| {
            let body = serde_json::from_slice(body).ok()?;
            Some(vendor::told(&body).into_iter().next()?.message)
        });
        told
    }
}

/// How far a clock may be off before AWS refuses what it signs.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>
const SKEW: Duration = Duration::from_mins(5);

/// Whether credentials have ended: EC2 says of them, too, that the request expired, and then its
/// clock (header `Date`) and this machine's agree.
/// <https://github.com/aws/aws-sdk-go-v2/issues/1674>
fn ended(told: &Told, date: Option<&str>, now: SystemTime) -> bool {
    let theirs = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let apart = theirs.map(|theirs| {
        let apart = now.duration_since(theirs);
        apart.unwrap_or_else(|ahead| ahead.duration())
    });
    told.code.as_deref() == Some("RequestExpired") && apart.is_some_and(|apart| apart < SKEW)
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The failure where EC2, or something before it, answered without success.
fn answered(operation: &str, aws: &Aws, status: u16, told: &Told) -> Failure {
    let at = place(aws);
    if let Some(title) = &told.page {
        let titled = title
            .as_deref()
            .map(|title| format!(" titled `{}`", tidy(title, &[])));
        let message = format!(
            "{operation} to {at} was answered with {status} and an HTML page{}, which is not the API's answer",
            titled.unwrap_or_default()
        );
        let cause = if status >= 500 && status != 511 {
            Cause::Vendor
        } else {
            Cause::WebPage
        };
        return Failure::new(FailureKind::Unreachable, message).because(cause);
    }
    if (300..400).contains(&status) {
        let to = told.to.as_deref().map(|to| tidy(&path_of(to), &[]));
        let to = to.map_or_else(
            || ", which names no place to go on to".to_owned(),
            |to| format!(": it leads on to `{to}`"),
        );
        let message = format!("{at} answered {operation} with {status}{to}");
        return Failure::new(FailureKind::Unreachable, message).because(Cause::WebPage);
    }
    let code = told.code.as_deref();
    let refused = (400..500).contains(&status)
        && !matches!(status, 408 | 429)
        && code != Some("RequestLimitExceeded");
    let mut message = if refused {
        format!("{at} refused {operation} with {status}")
    } else {
        format!("{at} failed to answer {operation} with {status}")
    };
    if let Some(code) = code {
        message = format!("{message}, code {}", tidy(code, &[]));
    }
    if let Some(text) = &told.text {
        message = format!("{message}: {}", tidy(text, &[]));
    }
    let mut cause = cause_of(code, status, aws);
    if cause == Cause::NotEnabled && region::is_slip(&aws.region) {
        message = format!("{message}; {}", unknown_region(&aws.region));
        cause = region_cause(aws);
    } else if cause == Cause::NotEnabled {
        message = format!(
            "{message}; {} is a region that each account must enable: it may not be enabled for the account of profile `{}`",
            aws.region, aws.profile
        );
    }
    if let Some(id) = &told.id {
        message = format!("{message} (request id {})", tidy(id, &[]));
    }
    let kind = if refused {
        FailureKind::Refused
    } else {
        FailureKind::Unreachable
    };
    Failure::new(kind, message).because(cause)
}

/// What a code of AWS's comes from, the status where there is none.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn cause_of(code: Option<&str>, status: u16, aws: &Aws) -> Cause {
    let not_enabled = !region::is_enabled_by_default(&aws.region);
    match code.unwrap_or_default() {
        "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException" if not_enabled => {
            Cause::NotEnabled
        }
        "OptInRequired" => Cause::NotEnabled,
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => Cause::Permission,
        "AuthFailure"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => Cause::Token,
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Cause::Clock,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Cause::Ended,
        "Blocked" | "PendingVerification" => Cause::Account,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "SlowDown"
        | "EC2ThrottledException" => Cause::RateLimit { until: None },
        _ => match status {
            401 => Cause::Token,
            403 => Cause::Permission,
            429 => Cause::RateLimit { until: None },
            500.. => Cause::Vendor,
            407 => Cause::WebPage,
            400..500 if status != 408 => Cause::Request,
            _ => Cause::Unknown,
        },
    }
}

fn region_cause(aws: &Aws) -> Cause {
    Cause::Region {
        meant: region::meant(&aws.region).map(str::to_owned),
    }
}

/// What is said of a region that is not known, as a clause.
fn unknown_region(name: &str) -> String {
    match region::meant(name) {
        Some(meant) => format!("`{name}` is no region that is known; did you mean `{meant}`?"),
        None => format!("`{name}` is no region that is known"),
    }
}

/// Code and message of an error that the SDK shows in Rust's notation.
fn aws_words(text: &str) -> Option<(String, String)> {
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("{name}: \""))?;
        let mut value = String::new();
        let mut chars = rest.chars();
        loop {
            match chars.next()? {
                '"' => return Some(value),
                '\\' => value.extend(chars.next()),
                c => value.push(c),
            }
        }
    };
    Some((field("code")?, field("message").unwrap_or_default()))
}

/// The request id that EC2 writes into the body of an error.
fn id_in_body(body: Option<&[u8]>) -> Option<&str> {
    let body = std::str::from_utf8(body?).ok()?;
    let (_, rest) = body.split_once("<RequestID>")?;
    rest.split_once("</RequestID>").map(|(id, _)| id)
}

/// Where a call goes.
pub(super) fn place(aws: &Aws) -> String {
    format!("EC2 in {} (profile `{}`)", aws.region, aws.profile)
}

/// The causes of an SDK error, which says nothing itself.
fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_request_is_of_the_clock_only_where_the_clocks_differ() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (code, date, is_ended) in [
            (
                "RequestExpired",
                Some("Sun, 06 Nov 1994 08:49:30 GMT"),
                true,
            ),
            (
                "RequestExpired",
                Some("Sun, 06 Nov 1994 08:53:37 GMT"),
                true,
            ),
            (
                "RequestExpired",
                Some("Sun, 06 Nov 1994 08:30:00 GMT"),
                false,
            ),
            (
                "RequestExpired",
                Some("Sun, 06 Nov 1994 09:30:00 GMT"),
                false,
            ),
            ("RequestExpired", Some("yesterday"), false),
            ("RequestExpired", None, false),
            ("AuthFailure", Some("Sun, 06 Nov 1994 08:49:30 GMT"), false),
        ] {
            let told = Told {
                code: Some(code.to_owned()),
                ..Told::default()
            };
            assert_eq!(ended(&told, date, now), is_ended, "{code} {date:?}");
        }
    }
}
