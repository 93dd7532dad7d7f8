//! Scripted faults: what goes wrong, for which request, how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::http::Reply;
use crate::log::Api;
use crate::reshape::{Answer, Reshape};
use crate::world::{Edit, World};
use crate::{cloudflare, ec2, gitlab};

/// A change that somebody else makes to the world while a client is at work.
pub type Hook = Arc<dyn Fn(&mut World) + Send + Sync>;

/// One scripted fault: the first matching one of the script takes a request.
///
/// ```
/// use gigadb_simulator::{Api, Effect, Fault};
///
/// let fault = Fault::new(Effect::ResetAfterCommit)
///     .api(Api::Cloudflare)
///     .method("POST")
///     .template("/zones/{zone_id}/dns_records/batch")
///     .skip(1);
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// Only requests to this API.
    #[serde(default)]
    pub api: Option<Api>,
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose [`LoggedRequest::template`](crate::LoggedRequest::template) is this.
    #[serde(default)]
    pub template: Option<String>,
    /// Only requests whose path, percent-decoded, contains this: a zone id, a project, a key.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only EC2 and STS requests signed for this region.
    #[serde(default)]
    pub region: Option<String>,
    /// How many matching requests pass untouched first.
    #[serde(default)]
    pub skip: u64,
    /// How many matching requests are hit; `None` means all that follow.
    #[serde(default = "once")]
    pub times: Option<u64>,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde's default must have the field's type"
)]
fn once() -> Option<u64> {
    Some(1)
}

/// What goes wrong.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// 403 in the API's own shape (EC2: `UnauthorizedOperation`).
    Refuse,
    /// 401 in the API's own shape (EC2: `AuthFailure`).
    Unauthorized,
    /// 429 (Cloudflare JSON, GitLab plain text), with `Retry-After` in seconds if given; EC2 answers 503 `RequestLimitExceeded`.
    RateLimited {
        /// Seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// 500 in the API's own shape.
    ServerError,
    /// 502 with an HTML page, as an edge in front of the API answers.
    BadGateway,
    /// Any other refusal, in the API's own shape; the code is a number for Cloudflare and a word for EC2.
    Error {
        /// HTTP status.
        status: u16,
        /// Vendor code; unused for GitLab.
        code: String,
        /// Vendor text.
        message: String,
    },
    /// The request is handled after this many milliseconds.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is never handled and never answered.
    Hang,
    /// The connection is reset; nothing was done.
    ResetBeforeCommit,
    /// The request is handled, then the connection is reset instead of answering.
    ResetAfterCommit,
    /// The request is handled, then answered with this failure all the same: in the API's own shape, or
    /// with a page of HTML, as a filter or an edge in front of the API answers.
    RefuseAfterCommit {
        /// HTTP status.
        status: u16,
        /// Whether it is a page of HTML.
        #[serde(default)]
        html: bool,
    },
    /// The request is handled after this many milliseconds, even if the client has gone by then.
    CommitLate {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is answered with 504 and a page of HTML at once, and handled after this many
    /// milliseconds.
    GatewayTimeout {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is handled at once and never answered.
    CommitThenHang,
    /// A read is answered from the world as it was when the fault was scripted. Hits only once what the
    /// API knows has changed since: reads before that neither show nor use up the fault.
    StaleRead,
    /// Another writer changes the world just before the request is handled.
    EditBefore(Vec<Edit>),
    /// Another writer changes the world just after the request was handled.
    EditAfter(Vec<Edit>),
    /// As `EditBefore`, with code (from Rust only).
    #[serde(skip)]
    HookBefore(Hook),
    /// As `EditAfter`, with code (from Rust only).
    #[serde(skip)]
    HookAfter(Hook),
    /// The request is handled, and something between changes it or its answer (from Rust only).
    #[serde(skip)]
    Reshape(Reshape),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "Refuse",
            Self::Unauthorized => "Unauthorized",
            Self::RateLimited { .. } => "RateLimited",
            Self::ServerError => "ServerError",
            Self::BadGateway => "BadGateway",
            Self::Error { .. } => "Error",
            Self::Delay { .. } => "Delay",
            Self::Hang => "Hang",
            Self::ResetBeforeCommit => "ResetBeforeCommit",
            Self::ResetAfterCommit => "ResetAfterCommit",
            Self::RefuseAfterCommit { .. } => "RefuseAfterCommit",
            Self::CommitLate { .. } => "CommitLate",
            Self::GatewayTimeout { .. } => "GatewayTimeout",
            Self::CommitThenHang => "CommitThenHang",
            Self::StaleRead => "StaleRead",
            Self::EditBefore(_) => "EditBefore",
            Self::EditAfter(_) => "EditAfter",
            Self::HookBefore(_) => "HookBefore",
            Self::HookAfter(_) => "HookAfter",
            Self::Reshape(_) => "Reshape",
        })
    }
}

impl Fault {
    /// Returns a fault that hits the next request, whatever it is.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            api: None,
            method: None,
            template: None,
            path_contains: None,
            region: None,
            skip: 0,
            times: Some(1),
        }
    }

    /// Returns a hook that runs just before the request is handled: "another writer edits here".
    pub fn hook(run: impl Fn(&mut World) + Send + Sync + 'static) -> Self {
        Self::new(Effect::HookBefore(Arc::new(run)))
    }

    /// Returns a proxy that changes answers, for all requests from now on.
    pub fn reshape(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Self {
        Self::new(Effect::Reshape(Reshape::answers(change))).always()
    }

    /// Hits only this API.
    #[must_use]
    pub fn api(mut self, api: Api) -> Self {
        self.api = Some(api);
        self
    }

    /// Hits only this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Hits only this path template, or action of EC2.
    #[must_use]
    pub fn template(mut self, template: &str) -> Self {
        self.template = Some(template.to_owned());
        self
    }

    /// Hits only paths that contain this once percent-decoded.
    #[must_use]
    pub fn path_contains(mut self, text: &str) -> Self {
        self.path_contains = Some(text.to_owned());
        self
    }

    /// Hits only EC2 and STS requests signed for this region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Lets that many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Hits that many matching requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Hits all matching requests from now on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        self.api.is_none_or(|api| api == call.api)
            && same(&self.method, call.method)
            && same(&self.template, call.template)
            && same(&self.region, call.region.unwrap_or_default())
            && self
                .path_contains
                .as_deref()
                .is_none_or(|text| call.decoded_path.contains(text))
    }
}

/// What a fault can be matched against.
pub(crate) struct Call<'a> {
    pub(crate) api: Api,
    pub(crate) method: &'a str,
    pub(crate) template: &'a str,
    pub(crate) decoded_path: &'a str,
    pub(crate) region: Option<&'a str>,
}

/// The faults still to come, each with what it needs to remember.
#[derive(Default)]
pub(crate) struct Script(Vec<Scripted>);

struct Scripted {
    fault: Fault,
    before: Arc<World>,
}

/// A fault that hits one request.
pub(crate) struct Hit {
    pub(crate) effect: Effect,
    /// The world when the fault was scripted.
    pub(crate) before: Arc<World>,
}

impl Script {
    pub(crate) fn add(&mut self, fault: Fault, world: &World) {
        self.0.push(Scripted {
            fault,
            before: Arc::new(world.clone()),
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns how many faults have not been used up; those that hit for ever count too.
    pub(crate) fn pending(&self) -> usize {
        self.0.len()
    }

    /// Returns the fault that hits this call, counting it.
    pub(crate) fn take(&mut self, call: &Call<'_>, world: &World) -> Option<Hit> {
        let mut hit = None;
        for (index, scripted) in self.0.iter_mut().enumerate() {
            if !scripted.fault.matches(call) {
                continue;
            }
            if matches!(scripted.fault.effect, Effect::StaleRead)
                && !is_stale_read(call, &scripted.before, world)
            {
                continue;
            }
            if scripted.fault.skip > 0 {
                scripted.fault.skip -= 1;
                continue;
            }
            if let Some(times) = &mut scripted.fault.times {
                *times = times.saturating_sub(1);
            }
            hit = Some(index);
            break;
        }
        let index = hit?;
        let found = Hit {
            effect: self.0[index].fault.effect.clone(),
            before: self.0[index].before.clone(),
        };
        if self.0[index].fault.times == Some(0) {
            self.0.remove(index);
        }
        Some(found)
    }
}

/// Returns whether a call reads what was otherwise before.
fn is_stale_read(call: &Call<'_>, before: &World, now: &World) -> bool {
    match call.api {
        Api::Cloudflare => call.method == "GET" && before.cloudflare != now.cloudflare,
        Api::Gitlab => call.method == "GET" && before.gitlab != now.gitlab,
        Api::Ec2 | Api::Sts => before.aws != now.aws,
    }
}

impl Effect {
    /// Returns how long to wait before handling.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Delay { ms } | Self::CommitLate { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        }
    }

    /// Returns the refusal of this effect in the API's own shape, if it is one.
    pub(crate) fn refusal(&self, api: Api) -> Option<Reply> {
        let (status, code, message) = match self {
            Self::Refuse => match api {
                Api::Cloudflare => (403, "10000", "Authentication error"),
                Api::Gitlab => (403, "", "403 Forbidden"),
                Api::Ec2 => (
                    403,
                    "UnauthorizedOperation",
                    "You are not authorized to perform this operation.",
                ),
                Api::Sts => (
                    403,
                    "AccessDenied",
                    "User is not authorized to perform this operation",
                ),
            },
            Self::Unauthorized => match api {
                Api::Cloudflare => (401, "1000", "Invalid API Token"),
                Api::Gitlab => (401, "", "401 Unauthorized"),
                Api::Ec2 => (401, "AuthFailure", ec2::NOT_VALIDATED),
                Api::Sts => (
                    403,
                    "InvalidClientTokenId",
                    "The security token included in the request is invalid",
                ),
            },
            Self::ServerError => match api {
                Api::Cloudflare => (500, "1000", "Internal server error"),
                Api::Gitlab => (500, "", "500 Internal Server Error"),
                Api::Ec2 | Api::Sts => (500, "InternalError", "An internal error has occurred"),
            },
            Self::Error {
                status,
                code,
                message,
            } => (*status, code.as_str(), message.as_str()),
            Self::RateLimited { retry_after } => return Some(rate_limited(api, *retry_after)),
            Self::BadGateway => return Some(Reply::html(502, "502 Bad Gateway")),
            _ => return None,
        };
        Some(Self::own_words(api, status, code, message))
    }

    /// Returns the answer that a request gets after it was handled, if that is another than its own.
    pub(crate) fn lie(&self, api: Api) -> Option<Reply> {
        match self {
            Self::RefuseAfterCommit { status, html: true } => {
                Some(Reply::html(*status, "Request blocked"))
            }
            Self::RefuseAfterCommit { status, .. } => Some(match api {
                Api::Cloudflare => Self::own_words(api, *status, "10000", "Authentication error"),
                Api::Gitlab => Self::own_words(api, *status, "", &format!("{status} Forbidden")),
                Api::Ec2 | Api::Sts => Self::own_words(api, *status, "AccessDenied", "Denied."),
            }),
            _ => None,
        }
    }

    fn own_words(api: Api, status: u16, code: &str, message: &str) -> Reply {
        match api {
            Api::Cloudflare => {
                cloudflare::failure(status, &[(code.parse().unwrap_or(1000), message)])
            }
            Api::Gitlab => gitlab::message(status, message),
            Api::Ec2 => ec2::failure(status, code, message),
            Api::Sts => ec2::sts_failure(status, code, message),
        }
    }
}

fn rate_limited(api: Api, retry_after: Option<u64>) -> Reply {
    let reply = match api {
        Api::Cloudflare => cloudflare::failure(
            429,
            &[(
                10300,
                "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed",
            )],
        ),
        Api::Gitlab => Reply::text(429, "Retry later\n"),
        Api::Ec2 => ec2::failure(503, "RequestLimitExceeded", "Request limit exceeded."),
        Api::Sts => ec2::sts_failure(400, "Throttling", "Rate exceeded"),
    };
    match retry_after {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

/// Returns the description of a script for the control interface.
pub(crate) fn describe(script: &Script) -> serde_json::Value {
    json!({
        "pending": script.pending(),
        "faults": script.0.iter().map(|one| format!("{:?}", one.fault)).collect::<Vec<_>>(),
    })
}
