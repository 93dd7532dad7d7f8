//! One HTTP client for Cloudflare and GitLab: time-outs, retries, and one way to tell what went
//! wrong.
//!
//! **Invariants.** A write is sent again only where it surely had no effect: the connection was
//! never made, or the answer was 429. No redirect is ever followed. Neither bodies nor headers
//! are logged.

mod error;
mod link;
pub(crate) mod list;
mod retry;
mod transport;
pub(crate) mod trust;
pub(crate) mod vendor;

use std::time::{Duration, SystemTime};

pub(crate) use error::{CallError, Effect, Fault, VendorFault, Via, Way, seconds, tidy, tls};
use reqwest::{
    Method,
    header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::retry::Retry;
pub(crate) use self::transport::Transport;
use crate::{
    secret::Secret,
    settings::{Service, Setting},
};

/// The most that an answer may hold, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// An error with its causes on one line, without its URL.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// One of the two HTTP APIs.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// `Cloudflare` or `GitLab`.
    pub(crate) name: &'static str,
    transport: Transport,
    service: Service,
    token_setting: Setting,
    token_header: HeaderName,
    token_prefix: &'static str,
    request_id: &'static str,
    /// What the base URL must end in.
    base_ends_in: &'static str,
    /// Whether a body of failure is the API's own, and not that of something on the way.
    own_words: fn(&[u8]) -> bool,
    /// Codes that say that the token is not accepted, whatever the status.
    refusals: &'static [i64],
}

/// What differs between the two HTTP APIs.
#[derive(Debug)]
pub(crate) struct Dialect {
    pub(crate) name: &'static str,
    pub(crate) token_setting: Setting,
    pub(crate) token_header: HeaderName,
    pub(crate) token_prefix: &'static str,
    pub(crate) request_id: &'static str,
    pub(crate) base_ends_in: &'static str,
    pub(crate) own_words: fn(&[u8]) -> bool,
    pub(crate) refusals: &'static [i64],
}

/// Whether a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A read: after any failure that may pass.
    Always,
    /// A write: only where it surely had no effect.
    OnlyIfNotApplied,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// The path with its variable parts as `{names}`: safe to show.
    pub(crate) template: &'static str,
    /// What the call is about, for messages: "project `a/b`"; may be empty.
    pub(crate) object: String,
    /// The parts of the path, each percent-encoded once.
    pub(crate) segments: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<serde_json::Value>,
    pub(crate) repeat: Repeat,
}

/// How long a call may take, and what stops it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget<'a> {
    pub(crate) until: Instant,
    /// Stops reads; a write in flight is finished.
    pub(crate) cancel: Option<&'a CancellationToken>,
    /// The most that an answer may hold, in bytes.
    pub(crate) room: usize,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limit: Duration, cancel: Option<&'a CancellationToken>) -> Self {
        Self {
            until: Instant::now() + limit,
            cancel,
            room: LARGEST_ANSWER,
        }
    }

    /// The same for one page of a list.
    pub(crate) fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }
}

/// An answer with a 2xx status, or another one that was expected.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) request_id: Option<String>,
}

impl Api {
    pub(crate) fn new(transport: Transport, service: Service, dialect: Dialect) -> Self {
        Self {
            name: dialect.name,
            transport,
            service,
            token_setting: dialect.token_setting,
            token_header: dialect.token_header,
            token_prefix: dialect.token_prefix,
            request_id: dialect.request_id,
            base_ends_in: dialect.base_ends_in,
            own_words: dialect.own_words,
            refusals: dialect.refusals,
        }
    }

    /// Sends `call`, again where that is safe and useful, until it succeeds or `budget` ends.
    pub(crate) async fn send(
        &self,
        call: &Call<'_>,
        budget: Budget<'_>,
    ) -> Result<Answer, Box<CallError>> {
        self.send_until(call, budget, &[]).await
    }

    /// Sends like [`Self::send`], where an answer with the status `also` is no failure either.
    pub(crate) async fn send_or(
        &self,
        call: &Call<'_>,
        budget: Budget<'_>,
        also: &[u16],
    ) -> Result<Answer, Box<CallError>> {
        self.send_until(call, budget, also).await
    }

    async fn send_until(
        &self,
        call: &Call<'_>,
        budget: Budget<'_>,
        also: &[u16],
    ) -> Result<Answer, Box<CallError>> {
        let fail = |fault: Fault| self.error(call, fault);
        let client = self
            .transport
            .client(&self.service.base_url)
            .map_err(fail)?;
        let token = self
            .service
            .token
            .as_ref()
            .ok_or_else(|| fail(Fault::no_token(self.token_setting)))?;
        let url = self.url(call);
        let mut retry = Retry::new(&self.transport.timing, call.repeat, budget.until);
        loop {
            let sent = Instant::now();
            let mut error = match self.attempt(client, token, &url, call, budget, also).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            error.sent = Some(sent);
            match retry.after(&error.fault, SystemTime::now()) {
                Ok(pause) => match stoppable(tokio::time::sleep(pause), budget.cancel).await {
                    Some(()) => {}
                    None => return Err(fail(Fault::Stopped)),
                },
                Err(too_long) => {
                    error.attempts = retry.attempts();
                    error.too_long = too_long;
                    return Err(error);
                }
            }
        }
    }

    async fn attempt(
        &self,
        client: &reqwest::Client,
        token: &Secret,
        url: &Url,
        call: &Call<'_>,
        budget: Budget<'_>,
        also: &[u16],
    ) -> Result<Answer, Box<CallError>> {
        let timing = &self.transport.timing;
        let started = Instant::now();
        let until = budget.until.min(started + timing.attempt);
        let work = async {
            let exchange = self.exchange(client, token, url, call, (also, budget.room));
            match tokio::time::timeout_at(until, exchange).await {
                Ok(result) => result,
                Err(_) => Err(self.error(call, Fault::NoAnswer(until - started))),
            }
        };
        let result = match stoppable(work, budget.cancel).await {
            Some(result) => result,
            None => Err(self.error(call, Fault::Stopped)),
        };
        let (status, request_id, fault) = match &result {
            Ok(answer) => (Some(answer.status), answer.request_id.as_deref(), None),
            Err(error) => (
                error.fault.status(),
                error.request_id.as_deref(),
                Some(error.fault.label()),
            ),
        };
        tracing::trace!(
            api = self.name,
            method = %call.method,
            path = call.template,
            status,
            fault,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id,
            "API call"
        );
        result
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        token: &Secret,
        url: &Url,
        call: &Call<'_>,
        (also, room): (&[u16], usize),
    ) -> Result<Answer, Box<CallError>> {
        let mut value = HeaderValue::from_str(&format!("{}{}", self.token_prefix, token.expose()))
            .map_err(|_| self.error(call, Fault::no_token(self.token_setting)))?;
        value.set_sensitive(true);
        let mut request = client
            .request(call.method.clone(), url.clone())
            .header(self.token_header.clone(), value);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let transport = |e: reqwest::Error| {
            let e = e.without_url();
            let text = error::tidy(&chain(&e), self.secrets());
            self.error(
                call,
                if e.is_connect() {
                    Fault::NoConnection {
                        to: self.service.base_url.origin().ascii_serialization(),
                        cause: text,
                    }
                } else if e.is_builder() {
                    Fault::Misconfigured(text)
                } else {
                    Fault::Broken(text)
                },
            )
        };
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let request_id = text(&headers, self.request_id).map(|id| error::tidy(&id, self.secrets()));
        let identified = |mut error: Box<CallError>| {
            error.request_id.clone_from(&request_id);
            error
        };
        if status.is_redirection() {
            let location = text(&headers, LOCATION.as_str());
            let fault = Fault::Redirected {
                status: status.as_u16(),
                to: location.map(|l| error::tidy(&path_of(&l), self.secrets())),
            };
            return Err(identified(self.error(call, fault)));
        }
        let expected = status.is_success() || also.contains(&status.as_u16());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > room => {
                    if !status.is_success() {
                        break;
                    }
                    let most = LARGEST_ANSWER / (1024 * 1024);
                    let fault = if room < LARGEST_ANSWER {
                        Fault::Incomplete(format!("its pages hold more than {most} MiB"))
                    } else {
                        Fault::Garbage(format!("it is larger than {most} MiB"))
                    };
                    return Err(identified(self.error(call, fault)));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // A status of failure stands even where its text did not arrive.
                Err(_) if !status.is_success() => break,
                Err(e) => return Err(identified(transport(e))),
            }
        }
        let wait = retry::asked_wait(&headers, status.as_u16(), SystemTime::now());
        if vendor::is_page(&headers, &body) && !also.contains(&status.as_u16()) {
            let title = vendor::title(&body).map(|title| error::tidy(&title, self.secrets()));
            let status = status.as_u16();
            let fault = Fault::Page {
                status,
                title,
                wait,
            };
            return Err(identified(self.error(call, fault)));
        }
        if expected {
            return Ok(Answer {
                status: status.as_u16(),
                headers,
                body,
                request_id,
            });
        }
        let faults = self.tidied(vendor::faults(&headers, &body));
        let (faults, said) = if (self.own_words)(&body) {
            (faults, None)
        } else {
            let said: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            (
                Vec::new(),
                Some(said.join("; ")).filter(|said| !said.is_empty()),
            )
        };
        let fault = Fault::Status {
            status: status.as_u16(),
            faults,
            wait,
        };
        let mut error = self.error(call, fault);
        error.way.said = said;
        Err(identified(error))
    }

    /// Faults whose texts are safe to show.
    fn tidied(&self, faults: Vec<VendorFault>) -> Vec<VendorFault> {
        let faults = faults.into_iter().map(|fault| VendorFault {
            code: fault.code,
            message: error::tidy(&fault.message, self.secrets()),
        });
        faults.collect()
    }

    /// An error about `call` in this API's words.
    pub(crate) fn error(&self, call: &Call<'_>, fault: Fault) -> Box<CallError> {
        Box::new(CallError {
            api: self.name,
            method: call.method.clone(),
            template: call.template,
            object: call.object.clone(),
            fault,
            request_id: None,
            attempts: 1,
            sent: None,
            too_long: None,
            refusals: self.refusals,
            way: self.way(call),
        })
    }

    fn way(&self, call: &Call<'_>) -> Way {
        let base = &self.service.base_url;
        let ends = base
            .path()
            .trim_end_matches('/')
            .ends_with(self.base_ends_in);
        Way {
            base_must_end_in: (!ends).then_some(self.base_ends_in),
            proxy: self.transport.via(base),
            slashed: call.segments.iter().any(|part| part.contains('/')),
            said: None,
            origin: self.service.origin.clone(),
        }
    }

    /// The error for a list that did not come whole.
    pub(crate) fn incomplete(&self, call: &Call<'_>, answer: &Answer, why: &str) -> Box<CallError> {
        let mut error = self.error(call, Fault::Incomplete(error::tidy(why, self.secrets())));
        error.request_id.clone_from(&answer.request_id);
        error
    }

    /// The error for a 2xx answer that makes no sense.
    pub(crate) fn garbage(&self, call: &Call<'_>, answer: &Answer, why: &str) -> Box<CallError> {
        let encoding = answer.headers.get(CONTENT_ENCODING);
        let encoding = encoding.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let fault = match encoding.filter(|name| !name.trim().eq_ignore_ascii_case("identity")) {
            Some(name) => Fault::Encoded(error::tidy(&name, self.secrets())),
            None => Fault::Garbage(error::tidy(why, self.secrets())),
        };
        let mut error = self.error(call, fault);
        error.request_id.clone_from(&answer.request_id);
        error
    }

    /// The error for a 2xx answer that says that it failed.
    pub(crate) fn unsuccessful(
        &self,
        call: &Call<'_>,
        answer: &Answer,
        faults: Vec<VendorFault>,
    ) -> Box<CallError> {
        let mut error = self.error(
            call,
            Fault::Status {
                status: answer.status,
                faults: self.tidied(faults),
                wait: None,
            },
        );
        error.request_id.clone_from(&answer.request_id);
        error
    }

    /// A vendor's text, made safe to show.
    pub(crate) fn tidy(&self, text: &str) -> String {
        error::tidy(text, self.secrets())
    }

    fn secrets(&self) -> &[Secret] {
        &self.transport.secrets
    }

    fn url(&self, call: &Call<'_>) -> Url {
        let mut url = self.service.base_url.clone();
        // A base URL has been parsed from `http…://`, so it has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(call.segments);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        url
    }
}

/// The path of a redirect's target, without host and query.
pub(crate) fn path_of(location: &str) -> String {
    match Url::parse(location) {
        Ok(url) => url.path().to_owned(),
        Err(_) => location
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A header as text, absent where it is empty or not text.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Awaits `work`; `None` where `cancel` was first.
pub(crate) async fn stoppable<T>(
    work: impl Future<Output = T>,
    cancel: Option<&CancellationToken>,
) -> Option<T> {
    match cancel {
        None => Some(work.await),
        Some(cancel) => {
            tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                result = work => Some(result),
            }
        }
    }
}
