//! What can go wrong with a call, in one shape for Cloudflare and GitLab.

use std::{fmt, time::Duration};

use gigadb_engine::world::{Cause, Failure, FailureKind, Origin};
use reqwest::Method;
use tokio::time::Instant;

use crate::{
    secret::{self, Secret},
    settings::Setting,
};

/// The longest vendor text that is shown, in characters.
const LONGEST_TEXT: usize = 300;

/// One error that a vendor's body named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VendorFault {
    pub(crate) code: Option<i64>,
    pub(crate) message: String,
}

/// What went wrong with one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was sent: settings on this machine are wrong.
    Misconfigured(String),
    /// Nothing was sent: this machine trusts nobody. Why, as a clause.
    NoRoots(String),
    /// Nothing was sent: no connection, or no agreement on TLS.
    NoConnection { to: String, cause: String },
    /// No answer within this time; it may have been carried out.
    NoAnswer(Duration),
    /// The connection broke after the request was sent; it may have been carried out.
    Broken(String),
    /// Answered, and not with success.
    Status {
        status: u16,
        faults: Vec<VendorFault>,
        /// How long the vendor asks to wait.
        wait: Option<Duration>,
    },
    /// Answered with a page of HTML, which is not the API's answer.
    Page {
        status: u16,
        title: Option<String>,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// A list whose pages are not all of it: why, as a clause.
    Incomplete(String),
    /// Answered with another place.
    Redirected { status: u16, to: Option<String> },
    /// Answered with success and a body that makes no sense; it may have been carried out.
    Garbage(String),
    /// The same, in an encoding that was not asked for: somebody on the way made it so.
    Encoded(String),
    /// The operator stopped the run. Only reads are stopped.
    Stopped,
}

/// What is known of the effect of a request that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It surely never left.
    NotSent,
    /// The API refused it in its own words.
    Refused,
    /// It may have been carried out, or may be later.
    Unknown,
}

impl Fault {
    /// A token that nobody gave.
    pub(crate) fn no_token(setting: Setting) -> Self {
        let variables = setting
            .variables()
            .iter()
            .map(|v| format!("`{v}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        let attribute = setting.attribute().unwrap_or_default().join(".");
        Self::Misconfigured(format!(
            "{setting} is not set; set {variables} in the environment, or `{attribute}` in the provider block"
        ))
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. }
            | Self::Redirected { status, .. }
            | Self::Page { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// One word for logs.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Misconfigured(_) | Self::NoRoots(_) => "misconfigured",
            Self::Page { .. } => "a page",
            Self::Incomplete(_) => "incomplete",
            Self::NoConnection { .. } => "no connection",
            Self::NoAnswer(_) => "no answer",
            Self::Broken(_) => "connection broke",
            Self::Status { .. } => "status",
            Self::Redirected { .. } => "redirect",
            Self::Garbage(_) => "garbage",
            Self::Encoded(_) => "encoded",
            Self::Stopped => "stopped",
        }
    }

    /// What is known of the request's effect.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Misconfigured(_) | Self::NoRoots(_) | Self::NoConnection { .. } => {
                Effect::NotSent
            }
            // These statuses say that somebody on the way waited in vain, whoever writes the body:
            // https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5, and 520 to 530, which are
            // Cloudflare's edge about the server behind it.
            Self::Status {
                status: 408 | 502 | 504 | 520..=530,
                ..
            } => Effect::Unknown,
            Self::Status { faults, .. } if !faults.is_empty() => Effect::Refused,
            // What is not in the API's own words may be anybody's on the way.
            Self::Status { .. }
            | Self::Page { .. }
            | Self::Redirected { .. }
            | Self::NoAnswer(_)
            | Self::Broken(_)
            | Self::Incomplete(_)
            | Self::Garbage(_)
            | Self::Encoded(_)
            | Self::Stopped => Effect::Unknown,
        }
    }

    /// Tells whether the request surely had no effect, as far as the API's own words go.
    pub(crate) fn surely_not_applied(&self) -> bool {
        self.effect() != Effect::Unknown
    }

    /// Tells whether the request surely never left.
    pub(crate) fn surely_not_sent(&self) -> bool {
        self.effect() == Effect::NotSent
    }

    /// Tells whether the same request may succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::NoConnection { .. } | Self::NoAnswer(_) | Self::Broken(_) => true,
            Self::Status { status, .. } | Self::Page { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500..=599)
            }
            Self::Misconfigured(_)
            | Self::NoRoots(_)
            | Self::Redirected { .. }
            | Self::Incomplete(_)
            | Self::Garbage(_)
            | Self::Encoded(_)
            | Self::Stopped => false,
        }
    }
}

/// A call that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    pub(crate) api: &'static str,
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) object: String,
    pub(crate) fault: Fault,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    /// When the last attempt began.
    pub(crate) sent: Option<Instant>,
    /// The vendor asked for this pause, which is longer than the call may take.
    pub(crate) too_long: Option<TooLong>,
    pub(crate) refusals: &'static [i64],
    pub(crate) way: Way,
}

/// How the call was sent, as far as it tells what went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// What the base URL must end in, where it does not.
    pub(crate) base_must_end_in: Option<&'static str>,
    /// The proxy that it went through.
    pub(crate) proxy: Option<Via>,
    /// Whether a part of the path holds a slash, as `%2F`.
    pub(crate) slashed: bool,
    /// What an answer says that is not in the API's own words: it proves nothing.
    pub(crate) said: Option<String>,
    /// Where token and base URL come from.
    pub(crate) origin: Origin,
}

/// A proxy, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Via {
    pub(crate) variable: String,
    pub(crate) shown: String,
}

/// A pause that the vendor asked for and that there is no time for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) wait: Duration,
    /// When the call may be tried again, as an HTTP date.
    pub(crate) at: String,
}

impl CallError {
    /// The kind that the engine tells apart. Codes come first, the status second.
    pub(crate) fn kind(&self) -> FailureKind {
        match &self.fault {
            Fault::Misconfigured(_) | Fault::NoRoots(_) => FailureKind::Misconfigured,
            Fault::Page { .. } | Fault::Redirected { .. } if self.leads_to_pages() => {
                FailureKind::Misconfigured
            }
            Fault::Redirected { .. } => FailureKind::Refused,
            Fault::Status { status, faults, .. } => {
                let named = faults
                    .iter()
                    .any(|f| f.code.is_some_and(|code| self.refusals.contains(&code)));
                let refused = (200..500).contains(status) && named;
                if refused || ((400..500).contains(status) && !matches!(status, 408 | 425 | 429)) {
                    FailureKind::Refused
                } else {
                    FailureKind::Unreachable
                }
            }
            Fault::NoConnection { cause, .. } => match tls(cause) {
                Some(_) => FailureKind::Misconfigured,
                None => FailureKind::Unreachable,
            },
            Fault::NoAnswer(_)
            | Fault::Broken(_)
            | Fault::Page { .. }
            | Fault::Incomplete(_)
            | Fault::Garbage(_)
            | Fault::Encoded(_)
            | Fault::Stopped => FailureKind::Unreachable,
        }
    }

    /// The failure as the engine keeps it.
    pub(crate) fn failure(&self) -> Failure {
        Failure::new(self.kind(), self.to_string())
            .because(self.cause())
            .asked_with(self.way.origin.clone())
    }

    /// Whether the base URL is what leads to a page: it does not end as the API's must.
    fn leads_to_pages(&self) -> bool {
        self.way.base_must_end_in.is_some()
    }

    /// What the failure comes from.
    pub(crate) fn cause(&self) -> Cause {
        let vendor = || match &self.too_long {
            Some(wait) => Cause::Back {
                until: wait.at.clone(),
            },
            None => Cause::Vendor,
        };
        let limited = || Cause::RateLimit {
            until: self.too_long.as_ref().map(|wait| wait.at.clone()),
        };
        match &self.fault {
            Fault::Misconfigured(_) => Cause::Setting,
            Fault::NoRoots(_) => Cause::Roots,
            Fault::NoConnection { cause, .. } | Fault::Broken(cause) => {
                match (tls(cause), &self.way.proxy) {
                    (Some(cause), _) => cause,
                    (None, Some(via)) => Cause::Proxy {
                        variable: via.variable.clone(),
                    },
                    (None, None) => Cause::NoConnection,
                }
            }
            Fault::NoAnswer(_) => Cause::NoAnswer,
            Fault::Page { .. } | Fault::Redirected { .. } | Fault::Garbage(_)
                if self.leads_to_pages() =>
            {
                Cause::BaseUrl
            }
            Fault::Page { status: 429, .. } => limited(),
            Fault::Page { status, .. } if (500..600).contains(status) && *status != 511 => vendor(),
            Fault::Page { .. } => Cause::WebPage,
            Fault::Redirected { to, .. } => match to.as_deref().and_then(moved_to) {
                Some(_) if self.template.starts_with("/projects/{id}") => Cause::Moved,
                _ => Cause::WebPage,
            },
            Fault::Garbage(_) => Cause::Nonsense,
            Fault::Encoded(_) => Cause::WebPage,
            Fault::Incomplete(_) => Cause::Incomplete,
            Fault::Stopped => Cause::Stopped,
            Fault::Status { status: 429, .. } => limited(),
            Fault::Status { status, .. } if *status >= 500 => vendor(),
            // 1xx and 3xx end no request of an API's.
            Fault::Status { status, .. } if !matches!(status, 200..300 | 400..500) => {
                Cause::WebPage
            }
            Fault::Status { status, faults, .. } => self.refusal(*status, faults),
        }
    }

    /// What a refusal in the API's own words comes from: codes first, the status second.
    fn refusal(&self, status: u16, faults: &[VendorFault]) -> Cause {
        let text: Vec<String> = faults.iter().map(|f| f.message.to_lowercase()).collect();
        let says = |words: &str| text.iter().any(|text| text.contains(words));
        let code = |wanted: &[i64]| {
            faults
                .iter()
                .any(|f| f.code.is_some_and(|c| wanted.contains(&c)))
        };
        if says("expired") || says("revoked") || says("token is disabled") {
            return Cause::Ended;
        }
        if says("from location") || says("not allowed to access from") {
            return Cause::From;
        }
        if says("permission") || says("insufficient_scope") {
            return Cause::Permission;
        }
        // 10000 says at the records that the token may not; where zones are listed, that it is
        // not known at all.
        let known = self.template.contains("dns_records");
        match status {
            _ if code(&[9109]) => Cause::Permission,
            _ if code(&[10000]) && known => Cause::Permission,
            _ if code(&[1000, 6003, 9106, 10000]) => Cause::Token,
            407 => match &self.way.proxy {
                Some(via) => Cause::Proxy {
                    variable: via.variable.clone(),
                },
                None => Cause::WebPage,
            },
            401 => Cause::Token,
            403 => Cause::Permission,
            404 if self.leads_to_pages() => Cause::BaseUrl,
            404 if self.template.starts_with("/projects/{id}") => {
                let routed = text.is_empty() || text.iter().all(|text| text == "404 not found");
                if routed && self.way.slashed {
                    Cause::Route
                } else if says("project not found") {
                    Cause::NotThere
                } else {
                    Cause::Unknown
                }
            }
            404 | 200..300 => Cause::Unknown,
            _ => Cause::Request,
        }
    }

    /// What follows from the cause and the vendor does not say: the rest of a clause.
    fn explained(&self) -> String {
        match (self.cause(), self.api) {
            (Cause::BaseUrl, _) => self
                .way
                .base_must_end_in
                .map_or_else(String::new, |suffix| {
                    format!("; the base URL must end in `{suffix}`")
                }),
            (Cause::Permission, "Cloudflare") if self.method != Method::GET => {
                "; the token may not edit DNS: it needs DNS: Edit on this zone".to_owned()
            }
            (Cause::Permission, "GitLab") if self.method != Method::GET => {
                "; the token needs scope `api` and the role Maintainer in this project".to_owned()
            }
            _ => String::new(),
        }
    }
}

/// What is wrong with a certificate, by what rustls says of it.
pub(crate) fn tls(text: &str) -> Option<Cause> {
    let text = text.to_ascii_lowercase();
    let certificate = text.contains("certificate")
        || text.contains("unknownissuer")
        || text.contains("causedasendentity");
    if !certificate {
        return None;
    }
    // What the server says of a certificate is about one of this machine.
    let alert = text.contains("received fatal alert");
    Some(if alert {
        Cause::ClientCertificate
    } else if text.contains("causedasendentity") {
        Cause::Authority
    } else if text.contains("not valid for name") || text.contains("notvalidforname") {
        Cause::OtherName
    } else if ["not valid yet", "notvalidyet", "expired"]
        .iter()
        .any(|word| text.contains(word))
    {
        Cause::Outdated
    } else {
        Cause::Untrusted
    })
}

/// The project's path in the address that GitLab redirects to, if there is one.
fn moved_to(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/projects/")?;
    let project = rest.split('/').next()?;
    let decoded = project.replace("%2F", "/").replace("%2f", "/");
    (!decoded.is_empty()).then_some(decoded)
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = format!("{} {}", self.method, self.template);
        let api = self.api;
        match &self.fault {
            Fault::Misconfigured(text) | Fault::NoRoots(text) => return f.write_str(text),
            Fault::NoConnection { to, cause } => {
                write!(f, "no connection to {api} at {to} for {call}")?;
                if let Some(via) = &self.way.proxy {
                    write!(f, " through the proxy `{}` (`{}`)", via.shown, via.variable)?;
                }
                write!(f, ": {cause}")?;
            }
            Fault::NoAnswer(after) => {
                write!(f, "{api} did not answer {call} within {}", seconds(*after))?;
            }
            Fault::Broken(cause) => {
                write!(f, "the connection to {api} broke during {call}: {cause}")?;
            }
            Fault::Status {
                status: 429,
                faults,
                ..
            } => {
                write!(
                    f,
                    "{api} limits the rate of requests: {call} was answered with 429"
                )?;
                write_faults(f, faults)?;
            }
            Fault::Status { status, faults, .. } => {
                let verb = if self.kind() == FailureKind::Refused {
                    "refused"
                } else {
                    "failed to answer"
                };
                write!(f, "{api} {verb} {call} with {status}")?;
                write_faults(f, faults)?;
                if let Some(said) = &self.way.said {
                    write!(f, ", not in {api}'s own words: {said}")?;
                }
                f.write_str(&self.explained())?;
            }
            Fault::Page { status, title, .. } => {
                write!(
                    f,
                    "{call} to {api} was answered with {status} and an HTML page"
                )?;
                if let Some(title) = title {
                    write!(f, " titled `{title}`")?;
                }
                f.write_str(", which is not the API's answer")?;
                f.write_str(&self.explained())?;
            }
            Fault::Incomplete(why) => {
                write!(
                    f,
                    "the list that {api} gave for {call} is incomplete: {why}"
                )?;
            }
            Fault::Redirected { status, to } => {
                write!(f, "{api} answered {call} with {status}")?;
                f.write_str(if to.is_some() { ": " } else { ", " })?;
                match to.as_deref().map(|to| (moved_to(to), to)) {
                    Some((Some(project), _)) if self.cause() == Cause::Moved => {
                        write!(f, "the project has moved to `{project}`")?;
                    }
                    Some((_, to)) => write!(f, "it leads on to `{to}`")?,
                    None => f.write_str("which names no place to go on to")?,
                }
                f.write_str(&self.explained())?;
            }
            Fault::Garbage(why) => {
                write!(
                    f,
                    "{api} answered {call} with something that makes no sense: {why}"
                )?;
                f.write_str(&self.explained())?;
            }
            Fault::Encoded(encoding) => write!(
                f,
                "the answer to {call} of {api} came as `{encoding}`, which was not asked for"
            )?,
            Fault::Stopped => write!(f, "the run was stopped before {api} answered {call}")?,
        }
        if let Some(too_long) = &self.too_long {
            write!(
                f,
                "; it asks to wait {}, until {}",
                seconds(too_long.wait),
                too_long.at
            )?;
        }
        let mut notes = Vec::new();
        if !self.object.is_empty() {
            notes.push(self.object.clone());
        }
        if self.attempts > 1 {
            notes.push(format!("{} attempts", self.attempts));
        }
        if let Some(id) = &self.request_id {
            notes.push(format!("request id {id}"));
        }
        if notes.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", notes.join(", "))
        }
    }
}

fn write_faults(f: &mut fmt::Formatter<'_>, faults: &[VendorFault]) -> fmt::Result {
    for (i, fault) in faults.iter().enumerate() {
        f.write_str(if i == 0 { ", " } else { "; " })?;
        if let Some(code) = fault.code {
            write!(f, "code {code}: ")?;
        }
        f.write_str(&fault.message)?;
    }
    Ok(())
}

/// A duration as seconds, with a fraction only where there is one.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A vendor's text, made safe to show: one line, of bounded length, without `secrets`.
pub(crate) fn tidy(text: &str, secrets: &[Secret]) -> String {
    let text = secret::redacted(secrets, text);
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > LONGEST_TEXT {
        line = line.chars().take(LONGEST_TEXT).collect::<String>() + "…";
    }
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tls_says_is_told_apart() {
        for (text, cause) in [
            (
                "received fatal alert: CertificateRequired",
                Cause::ClientCertificate,
            ),
            ("invalid peer certificate: UnknownIssuer", Cause::Untrusted),
            (
                "invalid peer certificate: Other(CaUsedAsEndEntity)",
                Cause::Authority,
            ),
            (
                "invalid peer certificate: certificate expired: verification time 1 (UNIX)",
                Cause::Outdated,
            ),
            (
                "invalid peer certificate: certificate not valid for name \"x\"",
                Cause::OtherName,
            ),
        ] {
            assert_eq!(tls(text), Some(cause), "{text}");
        }
        assert_eq!(tls("received fatal alert: HandshakeFailure"), None);
    }
}
