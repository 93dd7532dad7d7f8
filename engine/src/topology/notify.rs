//! Whom to tell, and whom to ask beside the zones' own servers: `notify` and `resolvers`.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use serde::Serialize;

use super::{
    reader::{Fields, Reader},
    yaml::Node,
};

/// Where resolvers listen unless the file says otherwise.
const DNS_PORT: u16 = 53;

/// A webhook, and what it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The environment variable that holds its URL, which is a secret.
    pub url_variable: String,
    /// What it understands.
    pub format: NotifyFormat,
    /// What it is told of.
    pub events: BTreeSet<NotifyEvent>,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyFormat {
    /// Slack's, which Mattermost and Rocket.Chat take as well: one text.
    Slack,
    /// A document for programs.
    Json,
}

/// What a webhook may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyEvent {
    /// A switchover, and how it ended.
    Swap,
    /// A failover, and how it ended.
    Failover,
    /// A run that was undone by another, or by itself.
    Revert,
    /// The steps of a release.
    Release,
}

impl NotifyEvent {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 4] = [Self::Swap, Self::Failover, Self::Revert, Self::Release];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::Failover => "failover",
            Self::Revert => "revert",
            Self::Release => "release",
        }
    }
}

impl NotifyFormat {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Json => "json",
        }
    }
}

/// Reads `notify`.
pub(super) fn notify(reader: &mut Reader, node: &Node) -> Option<Vec<Notify>> {
    let example = "a list, as in `[ { url_variable: GIGADB_WEBHOOK_URL, format: slack } ]`";
    let items = reader.items(node, "notify", example)?;
    let read: Vec<_> = items.iter().map(|item| one(reader, item)).collect();
    read.into_iter().collect()
}

fn one(reader: &mut Reader, node: &Node) -> Option<Notify> {
    let keys = ["url_variable", "format", "events"];
    let fields = reader.fields(node.place, node, "notify", &keys)?;
    let url_variable = url_variable(reader, &fields);
    let format = match fields.get("format") {
        None => Some(NotifyFormat::Json),
        Some(node) => match reader.choice(node, "notify.format", &["slack", "json"]) {
            Some("slack") => Some(NotifyFormat::Slack),
            Some(_) => Some(NotifyFormat::Json),
            None => None,
        },
    };
    let events = match fields.get("events") {
        None => Some(NotifyEvent::ALL.into_iter().collect()),
        Some(node) => events(reader, node),
    };
    Some(Notify {
        url_variable: url_variable?,
        format: format?,
        events: events?,
    })
}

/// The name of a variable. What stands there is not repeated: it may be the URL itself.
fn url_variable(reader: &mut Reader, fields: &Fields<'_>) -> Option<String> {
    let node = fields.required(reader, "url_variable", "url_variable: GIGADB_WEBHOOK_URL")?;
    let text = reader.text(node, "notify.url_variable")?;
    let is_name = !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        reader.fault(
            node.place,
            "`notify.url_variable` is not the name of an environment variable. Write the name, \
             such as `GIGADB_WEBHOOK_URL`, and set the variable to the URL, which is a secret.",
        );
        return None;
    }
    Some(text.to_owned())
}

fn events(reader: &mut Reader, node: &Node) -> Option<BTreeSet<NotifyEvent>> {
    let path = "notify.events";
    let items = reader.items(node, path, "a list, as in `[swap, failover]`")?;
    if items.is_empty() {
        reader.fault(
            node.place,
            format!("`{path}` is empty. List what to tell of, or remove the key to tell of all."),
        );
        return None;
    }
    let words = NotifyEvent::ALL.map(NotifyEvent::as_str);
    let read: Vec<_> = items
        .iter()
        .map(|item| {
            let text = reader.choice(item, path, &words)?;
            let mut events = NotifyEvent::ALL.into_iter();
            events.find(|event| event.as_str() == text)
        })
        .collect();
    read.into_iter().collect()
}

/// Reads `resolvers`: addresses, with or without a port.
pub(super) fn resolvers(reader: &mut Reader, node: &Node) -> Option<Vec<SocketAddr>> {
    let path = "resolvers";
    let items = reader.items(node, path, "a list, as in `[ \"1.1.1.1\", \"8.8.8.8\" ]`")?;
    let mut resolvers: Vec<SocketAddr> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut whole = true;
    for item in items {
        let Some(text) = reader.text(item, path) else {
            whole = false;
            continue;
        };
        let address = text.parse::<IpAddr>();
        let found = address
            .map(|address| SocketAddr::new(address, DNS_PORT))
            .or_else(|_| text.parse::<SocketAddr>());
        let fault = match found {
            Ok(found) if found.port() == 0 => "names port 0, which nobody can ask",
            Ok(found) if !seen.insert(found) => "stands there already",
            Ok(found) => {
                resolvers.push(found);
                continue;
            }
            Err(_) => "is no address",
        };
        whole = false;
        let text = text.escape_debug();
        let fault = format!(
            "`{text}` in `{path}` {fault}. Write an address such as `1.1.1.1`, or with a port \
             `127.0.0.1:5353`."
        );
        reader.fault(item.place, fault);
    }
    whole.then_some(resolvers)
}
