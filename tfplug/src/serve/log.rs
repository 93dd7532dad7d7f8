//! Log records as core parses them: one JSON object a line on stderr.
//!
//! `@level`, `@message` and `@timestamp` must be strings, the timestamp with exactly six digits of fraction:
//! anything else is shown raw, or takes core itself down.

use std::fmt::{Debug, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::handshake::Environment;
use super::write_line;
use crate::Secrets;

/// Libraries that only matter when something is wrong with them.
const QUIET: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "rustls",
    "tokio",
    "tonic",
    "tower",
];

/// Libraries of the AWS SDK, whose lines below a warning tell access key ids.
const TELLS_KEYS: &str = "aws_";

/// The longest text of one field.
const LONGEST_TEXT: usize = 8 * 1024;

/// Returns the level that core or the user asked for; core filters again.
pub(super) fn level(environment: &Environment, address: &str) -> LevelFilter {
    let name = address
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_uppercase()
        .replace('-', "_");
    let own = format!("TF_LOG_PROVIDER_{name}");
    let asked = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|key| environment.filled(key));
    match asked.map(str::to_uppercase).as_deref() {
        None | Some("OFF") => LevelFilter::OFF,
        Some("ERROR") => LevelFilter::ERROR,
        Some("WARN") => LevelFilter::WARN,
        Some("INFO") => LevelFilter::INFO,
        Some("DEBUG") => LevelFilter::DEBUG,
        // JSON means TRACE, and so does, for core, whatever it does not know.
        Some(_) => LevelFilter::TRACE,
    }
}

/// Sends everything traced in this process to core.
pub(super) fn install(level: LevelFilter, secrets: &Secrets) {
    if level == LevelFilter::OFF {
        return;
    }
    let wanted = move |metadata: &Metadata<'_>| {
        let library = metadata.target().split("::").next().unwrap_or_default();
        let quiet = QUIET.contains(&library) || library.starts_with(TELLS_KEYS);
        *metadata.level() <= level && (!quiet || *metadata.level() <= tracing::Level::WARN)
    };
    let layer = Hclog {
        secrets: secrets.clone(),
    }
    .with_filter(filter_fn(wanted));
    // Another subscriber is there already only if the provider's main installed one; then that one is meant.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// The layer that writes.
struct Hclog {
    secrets: Secrets,
}

/// The fields of a span, kept for the records inside it.
struct SpanFields(Map<String, Json>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Hclog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(kept)) = span.extensions_mut().get_mut()
        {
            let mut fields = Fields::default();
            record.record(&mut fields);
            kept.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                line.extend(fields.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.extend(fields.0);
        let line = render(event.metadata(), line, SystemTime::now());
        // Nobody is left to tell if stderr is closed.
        let _ = write_line(std::io::stderr(), &self.secrets.redact(&line));
    }
}

fn render(metadata: &Metadata<'_>, mut fields: Map<String, Json>, now: SystemTime) -> String {
    let message = match fields.remove("message") {
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    fields.retain(|key, _| !key.starts_with('@'));
    fields.insert(
        "@level".to_owned(),
        metadata.level().as_str().to_lowercase().into(),
    );
    fields.insert("@message".to_owned(), message.into());
    fields.insert(
        "@module".to_owned(),
        metadata.target().replace("::", ".").into(),
    );
    fields.insert("@timestamp".to_owned(), timestamp(now).into());
    Json::Object(fields).to_string()
}

/// Flat fields: numbers and booleans as such, everything else as text.
#[derive(Default)]
struct Fields(Map<String, Json>);

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0
            .insert(field.name().to_owned(), shortened(value.to_owned()).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a string does not fail; a Debug that does leaves what it wrote.
        let _ = write!(text, "{value:?}");
        self.0
            .insert(field.name().to_owned(), shortened(text).into());
    }
}

/// Cuts a text so that a record stays far below the 64 KiB that core reads as one line.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
    }
    text
}

/// Returns UTC with exactly six digits of fraction.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    )
}

/// Returns the date of a day since 1970-01-01, by counting 400-year cycles from a first of March.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let cycle = days / 146_097;
    let day_of_cycle = days % 146_097;
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (
        cycle * 400 + year_of_cycle + u64::from(month <= 2),
        month,
        day,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_six_digits() {
        let at = |seconds: u64, micros: u32| {
            timestamp(UNIX_EPOCH + Duration::new(seconds, micros * 1000))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(951_782_400, 5), "2000-02-29T00:00:00.000005Z");
        assert_eq!(at(1_767_323_045, 123_456), "2026-01-02T03:04:05.123456Z");
        assert_eq!(at(4_107_542_399, 999_999), "2100-02-28T23:59:59.999999Z");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("short".to_owned()), "short");
        let cut = shortened("ä".repeat(LONGEST_TEXT));
        assert_eq!(cut.chars().count(), LONGEST_TEXT / 2 + 1);
    }

    #[test]
    fn the_nearest_variable_sets_the_level() {
        let level = |variables: &[(&'static str, &'static str)]| {
            level(&variables.iter().copied().collect(), "example/my-notes")
        };
        assert_eq!(level(&[]), LevelFilter::OFF);
        assert_eq!(level(&[("TF_LOG", "json")]), LevelFilter::TRACE);
        assert_eq!(
            level(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "warn")]),
            LevelFilter::WARN
        );
        assert_eq!(
            level(&[
                ("TF_LOG_PROVIDER", "warn"),
                ("TF_LOG_PROVIDER_MY_NOTES", "DEBUG")
            ]),
            LevelFilter::DEBUG
        );
        assert_eq!(level(&[("TF_LOG", "loud")]), LevelFilter::TRACE);
    }
}
