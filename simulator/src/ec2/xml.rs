//! Writing of small XML documents.

use std::collections::BTreeMap;

/// A document, or part of one, being written.
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    pub(super) fn part() -> Self {
        Self(String::new())
    }

    pub(super) fn open(&mut self, name: &str) {
        self.0.extend(["<", name, ">"]);
    }

    pub(super) fn open_with(&mut self, name: &str, namespace: &str) {
        self.0.extend(["<", name, " xmlns=\"", namespace, "\">"]);
    }

    pub(super) fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        self.open(name);
        self.0.push_str(&text);
        self.close(name);
    }

    pub(super) fn raw(&mut self, part: &Xml) {
        self.0.push_str(&part.0);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Writes a `tagSet`.
    pub(super) fn tags(&mut self, tags: &BTreeMap<String, String>) {
        self.open("tagSet");
        for (key, value) in tags {
            self.open("item");
            self.text("key", key);
            self.text("value", value);
            self.close("item");
        }
        self.close("tagSet");
    }
}
