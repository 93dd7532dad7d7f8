//! The arguments of one task's module, however they are written.

use super::{
    guards::Scope,
    yaml::{Kind, Node},
};

/// What is said of a task, a play or a block beside its module.
const KEYWORDS: [&str; 37] = [
    "any_errors_fatal",
    "args",
    "async",
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "changed_when",
    "check_mode",
    "collections",
    "connection",
    "debugger",
    "delay",
    "delegate_facts",
    "delegate_to",
    "diff",
    "environment",
    "failed_when",
    "first_available_file",
    "ignore_errors",
    "ignore_unreachable",
    "listen",
    "loop",
    "loop_control",
    "module_defaults",
    "name",
    "no_log",
    "notify",
    "poll",
    "port",
    "register",
    "remote_user",
    "retries",
    "run_once",
    "tags",
    "when",
];
const MORE: [&str; 4] = ["throttle", "timeout", "until", "vars"];

/// A task's module with its arguments.
#[derive(Debug)]
pub(super) struct Module {
    /// Its name without a collection.
    pub(super) name: String,
    pub(super) line: usize,
    /// What is written without a name.
    pub(super) free: Option<String>,
    named: Vec<(String, String)>,
}

impl Module {
    /// The module of a task, its arguments filled in.
    pub(super) fn of(task: &Node, scope: &Scope<'_>) -> Option<Self> {
        let (key, at, first) = task.entries().find(|(key, ..)| {
            !KEYWORDS.contains(key) && !MORE.contains(key) && !key.starts_with("with_")
        })?;
        // Of a repeated key, Ansible takes the last.
        let value = task.get(key).unwrap_or(first);
        let mut module = Self {
            name: key.trim().to_owned(),
            line: at.line,
            free: None,
            named: Vec::new(),
        };
        if let Some(arguments) = task.get("args") {
            module.add(arguments, scope);
        }
        let value = match value.text().map(str::trim) {
            // `cron: "{{ item }}"`
            Some(text) if is_item(text) => scope.item.unwrap_or(value),
            _ => value,
        };
        module.add(value, scope);
        if matches!(&*module.name, "action" | "local_action") {
            let first = module.free.take().unwrap_or_default();
            let (name, rest) = first
                .split_once(char::is_whitespace)
                .unwrap_or((&first, ""));
            let rest = rest.trim().to_owned();
            let named = module.get("module").map(str::to_owned);
            module.name = named.unwrap_or_else(|| name.to_owned());
            module.free = Some(rest).filter(|rest| !rest.is_empty());
        }
        if let Some((_, name)) = module.name.rsplit_once('.') {
            module.name = name.to_owned();
        }
        Some(module)
    }

    fn add(&mut self, value: &Node, scope: &Scope<'_>) {
        if let Some(text) = value.text() {
            let text = scope.filled(text);
            let words = words(&text);
            let named = words.iter().filter_map(|word| {
                let (name, value) = word.split_once('=')?;
                let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
                (!name.is_empty() && name.chars().all(good))
                    .then(|| (name.to_owned(), unquoted(value).to_owned()))
            });
            self.named.extend(named);
            self.free = Some(text);
            return;
        }
        for (key, _, value) in value.entries() {
            self.named
                .push((key.to_owned(), scope.filled(&flat(value))));
        }
    }

    /// An argument's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.named.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether an argument is set to true.
    pub(super) fn is(&self, name: &str) -> bool {
        let words = ["true", "yes", "on", "1", "y", "t"];
        self.get(name)
            .is_some_and(|value| words.contains(&value.to_ascii_lowercase().as_str()))
    }

    /// The text of all arguments.
    pub(super) fn text(&self) -> String {
        let named = self.named.iter().map(|(_, value)| value.as_str());
        named
            .chain(self.free.as_deref())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn is_item(text: &str) -> bool {
    let inner = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
    inner.is_some_and(|inner| inner.trim() == "item")
}

/// A value in one line; of a list, its items as words of a shell.
fn flat(value: &Node) -> String {
    match &value.kind {
        Kind::Scalar(text) => text.clone(),
        Kind::List(items) => {
            let items = items.iter().filter_map(Node::text);
            items
                .map(crate::quoting::word)
                .collect::<Vec<_>>()
                .join(" ")
        }
        Kind::Map(_) => String::new(),
    }
}

/// The words of `k=v` arguments: quotes and Jinja hold one together.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quote, mut jinja) = (0, None, 0_usize);
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open && last != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') if last == '{' => jinja += 1,
            (None, '}') if last == '}' => jinja = jinja.saturating_sub(1),
            (None, c) if c.is_whitespace() && jinja == 0 => {
                words.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
        last = c;
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}
