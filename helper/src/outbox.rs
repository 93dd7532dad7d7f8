//! News for webhooks: put in while a command runs, delivered when everything is said that there is
//! to say here. Nothing waits for a webhook but the program's own end, and that not for long.

use std::sync::{Arc, Mutex, PoisonError};

use gigadb_clients::{Apis, notify::News};
use gigadb_engine::topology::{Notify, NotifyEvent};

use crate::{surroundings, ui::Ui};

/// What is still to be told. Its clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Letter>>>);

#[derive(Debug)]
struct Letter {
    apis: Apis,
    webhooks: Vec<Notify>,
    news: News,
}

impl Outbox {
    /// Puts news in, where somebody is told of such an event.
    pub(crate) fn put(&self, apis: &Apis, webhooks: &[Notify], news: News) {
        let asks = |one: &&Notify| one.events.contains(&news.event);
        let webhooks: Vec<Notify> = webhooks.iter().filter(asks).cloned().collect();
        if webhooks.is_empty() {
            return;
        }
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push(Letter {
            apis: apis.clone(),
            webhooks,
            news,
        });
    }

    /// Delivers everything, until it is done, its time is over or Ctrl-C is pressed. What could
    /// not be told is a warning.
    pub(crate) async fn deliver(&self, ui: &Ui) {
        let letters = {
            let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *letters)
        };
        for letter in letters {
            let Letter {
                apis,
                webhooks,
                news,
            } = letter;
            let told = apis.tell(&webhooks, &news, &surroundings::variable);
            let failed = tokio::select! {
                failed = told => failed,
                _ = tokio::signal::ctrl_c() => return,
            };
            for why in failed {
                let event = word(news.event);
                ui.warning(&format!("Of this {event} {why}. What was done stands."));
            }
        }
    }
}

fn word(event: NotifyEvent) -> &'static str {
    match event {
        NotifyEvent::Swap => "swap",
        NotifyEvent::Failover => "failover",
        NotifyEvent::Revert => "revert",
        NotifyEvent::Release => "release step",
    }
}
