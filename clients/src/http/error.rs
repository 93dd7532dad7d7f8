//! What can go wrong with a call, in one shape for Cloudflare and GitLab.

use std::{fmt, time::Duration};

use gigadb_engine::world::{Failure, FailureKind};
use reqwest::Method;
use tokio::time::Instant;

use crate::{secret::Secret, settings::Setting};

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
    /// Answered with another place.
    Redirected { status: u16, to: Option<String> },
    /// Answered with success and a body that makes no sense; it may have been carried out.
    Garbage(String),
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
            Self::Status { status, .. } | Self::Redirected { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// One word for logs.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Misconfigured(_) => "misconfigured",
            Self::NoConnection { .. } => "no connection",
            Self::NoAnswer(_) => "no answer",
            Self::Broken(_) => "connection broke",
            Self::Status { .. } => "status",
            Self::Redirected { .. } => "redirect",
            Self::Garbage(_) => "garbage",
            Self::Stopped => "stopped",
        }
    }

    /// What is known of the request's effect.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Misconfigured(_) | Self::NoConnection { .. } => Effect::NotSent,
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
            | Self::Redirected { .. }
            | Self::NoAnswer(_)
            | Self::Broken(_)
            | Self::Garbage(_)
            | Self::Stopped => Effect::Unknown,
        }
    }

    /// Tells whether the request surely had no effect, as far as the API's own words go.
    pub(crate) fn surely_not_applied(&self) -> bool {
        self.effect() != Effect::Unknown
    }

    /// Tells whether the same request may succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::NoConnection { .. } | Self::NoAnswer(_) | Self::Broken(_) => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Misconfigured(_) | Self::Redirected { .. } | Self::Garbage(_) | Self::Stopped => {
                false
            }
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
            Fault::Misconfigured(_) => FailureKind::Misconfigured,
            Fault::Redirected { .. } => FailureKind::Refused,
            Fault::Status { status, faults, .. } => {
                let named = faults
                    .iter()
                    .any(|f| f.code.is_some_and(|code| self.refusals.contains(&code)));
                if named || ((400..500).contains(status) && !matches!(status, 408 | 425 | 429)) {
                    FailureKind::Refused
                } else {
                    FailureKind::Unreachable
                }
            }
            Fault::NoConnection { .. }
            | Fault::NoAnswer(_)
            | Fault::Broken(_)
            | Fault::Garbage(_)
            | Fault::Stopped => FailureKind::Unreachable,
        }
    }

    /// The failure as the engine keeps it.
    pub(crate) fn failure(&self) -> Failure {
        Failure {
            kind: self.kind(),
            message: self.to_string(),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = format!("{} {}", self.method, self.template);
        let api = self.api;
        match &self.fault {
            Fault::Misconfigured(text) => return f.write_str(text),
            Fault::NoConnection { to, cause } => {
                write!(f, "no connection to {api} at {to} for {call}: {cause}")?;
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
            }
            Fault::Redirected { status, to } => {
                write!(f, "{api} answered {call} with {status}: it has moved")?;
                if let Some(to) = to {
                    write!(f, " to `{to}`")?;
                }
                f.write_str("; write the new path in the topology (or the base URL)")?;
            }
            Fault::Garbage(why) => {
                write!(
                    f,
                    "{api} answered {call} with something that makes no sense: {why}"
                )?;
            }
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
    let text = secrets
        .iter()
        .fold(text.to_owned(), |text, secret| secret.redact(&text));
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
