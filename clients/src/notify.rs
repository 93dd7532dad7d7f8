//! Webhooks that are told of what was done. Telling holds nothing up and fails nothing: it comes
//! after what it tells of, takes [`AT_MOST`] altogether, and how it went is a warning at most.
//!
//! A webhook's URL is a secret: it is in no message and no log. No redirect is followed, because
//! the one who answers there is not the one who was named.

use std::{error::Error as _, time::Duration};

use futures::StreamExt as _;
use gigadb_engine::topology::{Notify, NotifyEvent, NotifyFormat};
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;
use url::{Host, Url};

use crate::{Apis, secret::Secret};

/// How long all webhooks together are given.
pub const AT_MOST: Duration = Duration::from_secs(5);
/// The version of what `json` webhooks are sent. New keys do not change it.
const FORMAT_VERSION: u32 = 1;

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct News {
    /// What happened: `swap`, `failover`, `revert` or `release`.
    pub event: NotifyEvent,
    /// How it ended, in a word; scripts go by it.
    pub outcome: String,
    /// The environment.
    pub environment: String,
    /// Who holds the role now, where that was read.
    pub production: Option<String>,
    /// The same.
    pub hot_standby: Option<String>,
    /// The run's id, where it has a journal.
    pub run: Option<String>,
    /// The step of a release.
    pub step: Option<String>,
    /// Everything in a sentence or two.
    pub text: String,
}

impl Apis {
    /// Tells every webhook that asked for this event. Returns what went wrong: clauses that name
    /// the variable, never the URL.
    pub async fn tell(
        &self,
        webhooks: &[Notify],
        news: &News,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let asked = webhooks
            .iter()
            .filter(|one| one.events.contains(&news.event));
        let calls: Vec<_> = asked
            .map(|webhook| {
                let url = env(&webhook.url_variable);
                async move {
                    let told = self.tell_one(webhook, url, news);
                    let told = timeout(AT_MOST, told).await;
                    let told = told.unwrap_or_else(|_| {
                        Err(format!("it did not answer within {} s", AT_MOST.as_secs()))
                    });
                    let variable = &webhook.url_variable;
                    told.err()
                        .map(|why| format!("the webhook of `{variable}` was not told: {why}"))
                }
            })
            .collect();
        let failed = futures::stream::iter(calls).buffered(16);
        failed.filter_map(async |one| one).collect().await
    }

    async fn tell_one(
        &self,
        webhook: &Notify,
        url: Option<String>,
        news: &News,
    ) -> Result<(), String> {
        let url = url.ok_or("the variable is not set")?;
        let url = usable(&url)?;
        let body = match webhook.format {
            NotifyFormat::Slack => json!({ "text": for_slack(&news.text) }),
            NotifyFormat::Json => json!({
                "format_version": FORMAT_VERSION,
                "news": news,
            }),
        };
        let client = self.transport.client(&url);
        let client = client.map_err(|_| "no HTTP client could be made")?;
        let secret = Secret::new(url.as_str());
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let answer = request.send().await.map_err(|error| {
            let error = error.without_url();
            let cause = error.source().map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            format!("no answer ({})", secret.redact(&cause))
        })?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(format!(
                "it redirects (status {}), and no redirect is followed",
                status.as_u16()
            ));
        }
        if !status.is_success() {
            return Err(format!("it answered with status {}", status.as_u16()));
        }
        Ok(())
    }
}

/// The URL, where it may be used: HTTPS, or plain HTTP to this machine. What it is, is not told.
fn usable(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|_| "its value is no URL".to_owned())?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err("its value names no host".to_owned()),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("its URL is neither `https` nor of this machine".to_owned()),
    }
}

/// Slack takes these three characters for its own markup.
/// <https://docs.slack.dev/messaging/formatting-message-text/>
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_used_over_https_or_on_this_machine_and_never_shown() {
        for good in [
            "https://hooks.example.org/x",
            "http://127.0.0.1:80/x",
            "http://[::1]/x",
        ] {
            assert!(usable(good).is_ok(), "{good}");
        }
        for bad in [
            "http://planted.example.org/x",
            "planted",
            "ftp://planted.example.org",
            "file:///planted",
        ] {
            let why = usable(bad).unwrap_err();
            assert!(!why.contains("planted"), "{why}");
        }
    }

    #[test]
    fn slack_reads_no_markup_of_ours() {
        assert_eq!(for_slack("<!channel> a & b"), "&lt;!channel&gt; a &amp; b");
    }
}
