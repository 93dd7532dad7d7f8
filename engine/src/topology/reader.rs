//! Reads nodes as what they should be, and collects what is wrong with them.

use std::{borrow::Borrow, collections::BTreeMap, str::FromStr};

use super::{
    Fault, Place,
    yaml::{Kind, Node, NotText, Scalar},
};
use crate::{name::InvalidName, nearest::nearest};

/// Unknown keys of one mapping that are compared with the known ones.
const MOST_SLIPS: usize = 100;

/// Collects faults. Every method that returns `None` has reported why, here or before.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
}

/// A mapping with a fixed set of keys.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    /// Where the mapping belongs: its own key, so that what is missing has a place.
    place: Place,
    path: String,
    values: BTreeMap<&'n str, (&'n Node, &'n Node)>,
    /// Keys that are missing only because they are misspelt.
    meant: Vec<String>,
}

/// An entry of a mapping whose keys are names.
#[derive(Debug, Clone)]
pub(super) struct Entry<'n, K> {
    pub(super) name: K,
    /// Where the key is.
    pub(super) place: Place,
    pub(super) value: &'n Node,
}

impl Reader {
    pub(super) fn fault(&mut self, place: Place, message: impl Into<String>) {
        let message = message.into();
        self.faults.push(Fault { place, message });
    }

    fn wrong_kind(&mut self, node: &Node, path: &str, expected: &str) {
        let found = match &node.kind {
            Kind::Faulty => return,
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
            Kind::Scalar(scalar) => match scalar.not_text() {
                Some(NotText::Null) => "nothing",
                Some(NotText::Boolean) => "a boolean",
                Some(NotText::Number) => "a number",
                None => "a text",
            },
        };
        self.fault(
            node.place,
            format!("{} holds {found}. Write {expected}.", subject(path)),
        );
    }

    /// The entries of a mapping whose keys are all plain words, each at most once.
    fn entries<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        expected: &str,
    ) -> Option<Vec<(&'n str, &'n Node, &'n Node)>> {
        let Kind::Mapping(entries) = &node.kind else {
            self.wrong_kind(node, path, expected);
            return None;
        };
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        let mut kept = Vec::new();
        for (key, value) in entries {
            let text = match &key.kind {
                Kind::Scalar(Scalar { text, .. }) => text.as_str(),
                Kind::Faulty => continue,
                Kind::Sequence(_) | Kind::Mapping(_) => {
                    self.fault(
                        key.place,
                        format!("This key is not a word. Write {expected}."),
                    );
                    continue;
                }
            };
            if let Some(first) = seen.get(text) {
                self.fault(
                    key.place,
                    format!(
                        "`{text}` stands here a second time, after {first}. \
                         Keep one of the two."
                    ),
                );
                continue;
            }
            seen.insert(text, key.place);
            kept.push((text, key, value));
        }
        Some(kept)
    }

    /// The items of a list.
    pub(super) fn items<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        expected: &str,
    ) -> Option<&'n [Node]> {
        let Kind::Sequence(items) = &node.kind else {
            self.wrong_kind(node, path, expected);
            return None;
        };
        Some(items)
    }

    /// A mapping with the keys `known`; `path` is its own, "the topology" for the whole file.
    pub(super) fn fields<'n>(
        &mut self,
        place: Place,
        node: &'n Node,
        path: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let keys = if known.len() == 1 { "key" } else { "keys" };
        let expected = format!("a mapping with the {keys} {}", words(known));
        let entries = self.entries(node, path, &expected)?;
        let mut fields = Fields {
            place,
            path: path.to_owned(),
            values: BTreeMap::new(),
            meant: Vec::new(),
        };
        let mut strangers = 0_usize;
        for (text, key, value) in entries {
            if known.contains(&text) {
                fields.values.insert(text, (key, value));
                continue;
            }
            strangers += 1;
            // What is written so often is no slip, and comparing it with every word takes time.
            let near = nearest(
                text,
                known.iter().copied().filter(|_| strangers <= MOST_SLIPS),
            );
            let advice = match near {
                Some(near) => {
                    fields.meant.push(near.to_owned());
                    format!("Did you mean `{near}`?")
                }
                None if strangers > MOST_SLIPS => "Remove it.".to_owned(),
                None => format!("Write one of {}, or remove it.", words(known)),
            };
            self.fault(key.place, format!("`{text}` is not a key here. {advice}"));
        }
        Some(fields)
    }

    /// A mapping whose keys are names, each at most once in its one spelling.
    pub(super) fn named<'n, K>(
        &mut self,
        node: &'n Node,
        path: &str,
        expected: &str,
    ) -> Option<Vec<Entry<'n, K>>>
    where
        K: FromStr<Err = InvalidName> + Ord + Clone + Borrow<str>,
    {
        let mut seen: BTreeMap<K, Place> = BTreeMap::new();
        let mut kept = Vec::new();
        for (text, key, value) in self.entries(node, path, expected)? {
            let Some(name) = self.name::<K>(key.place, text) else {
                continue;
            };
            let place = key.place;
            if let Some(first) = seen.get::<K>(&name) {
                let spelling: &str = name.borrow();
                self.fault(
                    place,
                    format!(
                        "`{text}` is `{spelling}` in another spelling, which stands at {first} \
                         already. Keep one of the two."
                    ),
                );
                continue;
            }
            seen.insert(name.clone(), place);
            kept.push(Entry { name, place, value });
        }
        Some(kept)
    }

    /// A text as an identifier.
    pub(super) fn name<K: FromStr<Err = InvalidName>>(
        &mut self,
        place: Place,
        text: &str,
    ) -> Option<K> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(InvalidName { expected, .. }) => {
                self.fault(
                    place,
                    format!(
                        "`{}` is no valid name. Write {expected}.",
                        text.escape_debug()
                    ),
                );
                None
            }
        }
    }

    /// A text of one line, possibly empty.
    pub(super) fn line<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        let Kind::Scalar(scalar) = &node.kind else {
            self.wrong_kind(node, path, "a text");
            return None;
        };
        let text = scalar.text.as_str();
        match scalar.not_text() {
            Some(NotText::Null) if text.is_empty() => {
                self.fault(
                    node.place,
                    format!("`{path}` has no value. Write one after the colon."),
                );
                return None;
            }
            Some(kind) => {
                let kind = match kind {
                    NotText::Null => "YAML's null",
                    NotText::Boolean => "a boolean to YAML",
                    NotText::Number => "a number to YAML",
                };
                self.fault(
                    node.place,
                    format!("`{text}` is {kind}, and `{path}` is a text. Quote it: `\"{text}\"`."),
                );
                return None;
            }
            None => {}
        }
        if text.contains(char::is_control) {
            self.fault(
                node.place,
                format!(
                    "`{path}` holds a line break or another control character. \
                     Write it on one line."
                ),
            );
            return None;
        }
        Some(text)
    }

    /// A text of one line that says something.
    pub(super) fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        let text = self.line(node, path)?;
        if text.trim().is_empty() {
            self.fault(node.place, format!("`{path}` is empty. Write its value."));
            return None;
        }
        if text.trim() != text {
            self.fault(
                node.place,
                format!("`{path}` begins or ends with a space. Remove the space."),
            );
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        if let Kind::Scalar(Scalar {
            text,
            quoted: false,
        }) = &node.kind
        {
            match text.as_str() {
                "true" | "True" | "TRUE" => return Some(true),
                "false" | "False" | "FALSE" => return Some(false),
                _ => {}
            }
        }
        self.wrong_kind(node, path, "`true` or `false`, without quotes");
        None
    }

    /// One of a few words.
    pub(super) fn choice<'w>(
        &mut self,
        node: &Node,
        path: &str,
        choices: &[&'w str],
    ) -> Option<&'w str> {
        let Kind::Scalar(Scalar { text, .. }) = &node.kind else {
            self.wrong_kind(node, path, &words_or(choices));
            return None;
        };
        if let Some(choice) = choices.iter().find(|c| **c == text) {
            return Some(choice);
        }
        let advice = meant(text, choices);
        let text = text.escape_debug();
        self.fault(
            node.place,
            format!("`{text}` is no value of `{path}`. {advice}"),
        );
        None
    }
}

impl<'n> Fields<'n> {
    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.values.get(key).map(|(_, value)| *value)
    }

    /// The place of the key `key`, or of the whole mapping where it is missing.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.values.get(key).map_or(self.place, |(k, _)| k.place)
    }

    /// The value of `key`, which must be there; `example` shows how to write it.
    pub(super) fn required(
        &self,
        reader: &mut Reader,
        key: &str,
        example: &str,
    ) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() && !self.is_meant(key) {
            reader.fault(
                self.place,
                format!("{} has no `{key}`. Add `{example}`.", subject(&self.path)),
            );
        }
        value
    }

    /// Tells whether `key` is missing only because it is misspelt.
    pub(super) fn is_meant(&self, key: &str) -> bool {
        self.meant.iter().any(|m| m == key)
    }

    /// The path of `key`, as messages name it.
    pub(super) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

/// The path of the whole file.
pub(super) const ROOT: &str = "topology";

/// A path as the subject of a sentence.
fn subject(path: &str) -> String {
    if path == ROOT {
        "The file".to_owned()
    } else {
        format!("`{path}`")
    }
}

/// The path of `key` in `path`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path == ROOT {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The word of a few that was probably meant, else all of them.
pub(super) fn meant(text: &str, words: &[&str]) -> String {
    match nearest(text, words.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Write {}.", words_or(words)),
    }
}

fn words(words: &[&str]) -> String {
    list(words, "and")
}

fn words_or(words: &[&str]) -> String {
    list(words, "or")
}

fn list(words: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("{} {conjunction} {last}", rest.join(", "))
        }
        _ => quoted.concat(),
    }
}
