//! What stands between a client and the vendors: it reads requests and changes answers.

use std::sync::Arc;

use crate::http::{Reply, Request};

/// An answer that is on its way.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers by name, in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Takes these headers away.
    pub fn without(&mut self, names: &[&str]) {
        self.headers.retain(|(name, _)| !names.contains(name));
    }

    /// Sets a header.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.without(&[name]);
        self.headers.push((name, value.into()));
    }

    /// Another answer in its place.
    pub fn replace(&mut self, status: u16, content_type: &str, body: &str) {
        *self = Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.as_bytes().to_vec(),
        };
    }

    /// Changes the body, which is JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[allow(clippy::expect_used, reason = "a test's own answers are JSON")]
    pub fn json(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut body = serde_json::from_slice(&self.body).expect("the answer is JSON");
        change(&mut body);
        self.body = body.to_string().into_bytes();
    }
}

type OnQuery = Arc<dyn Fn(&mut Vec<(String, String)>) + Send + Sync>;
type OnAnswer = Arc<dyn Fn(&mut Answer) + Send + Sync>;

/// A proxy that changes what passes through it.
#[derive(Clone)]
pub struct Reshape {
    query: OnQuery,
    answer: OnAnswer,
}

impl Reshape {
    /// Changes answers.
    pub fn answers(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Self {
        Self {
            query: Arc::new(|_| ()),
            answer: Arc::new(change),
        }
    }

    /// Changes the query of requests as well, before they are handled.
    #[must_use]
    pub fn and_queries(
        self,
        change: impl Fn(&mut Vec<(String, String)>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            query: Arc::new(change),
            ..self
        }
    }

    pub(crate) fn of_request(&self, request: &Request) -> Request {
        let mut request = request.clone();
        (self.query)(&mut request.query);
        request
    }

    pub(crate) fn of_reply(&self, reply: Reply) -> Reply {
        let mut answer = Answer {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
        };
        (self.answer)(&mut answer);
        Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            wrote: reply.wrote,
        }
    }
}
