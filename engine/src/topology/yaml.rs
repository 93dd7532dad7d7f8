//! YAML as a tree in which every node knows its place.
//!
//! Built from the parser's events rather than from a ready-made tree, because a linter needs what
//! such trees drop: repeated keys with both their places, and whether a scalar was quoted.
//! Aliases and tags are refused, so that the file means the same to every reader.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::{Fault, Place};

/// Deeper than any topology; bounds the recursion on hostile input.
const MAX_DEPTH: usize = 32;

/// A node and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// A fault has been reported here already.
    Faulty,
}

/// A scalar as it was written.
#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) quoted: bool,
}

/// What a scalar is to YAML, where it is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotText {
    Null,
    Boolean,
    Number,
}

impl Scalar {
    /// What YAML makes of the scalar, if not a text. The words that only YAML 1.1 takes for
    /// booleans count too: tools disagree about them.
    pub(super) fn not_text(&self) -> Option<NotText> {
        if self.quoted {
            return None;
        }
        match self.text.to_ascii_lowercase().as_str() {
            "" | "~" | "null" => Some(NotText::Null),
            "true" | "false" | "yes" | "no" | "on" | "off" => Some(NotText::Boolean),
            ".inf" | "+.inf" | "-.inf" | ".nan" => Some(NotText::Number),
            text => {
                let digits = |prefix, radix| {
                    text.strip_prefix(prefix).is_some_and(|d: &str| {
                        !d.is_empty() && d.chars().all(|c| c.is_digit(radix))
                    })
                };
                let decimal =
                    text.contains(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok();
                (decimal || digits("0x", 16) || digits("0o", 8)).then_some(NotText::Number)
            }
        }
    }
}

/// Where the keys and values of a document are, by their paths.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<String, (Place, Place)>);

impl Places {
    /// The places of everything below `root`.
    pub(super) fn of(root: &Node) -> Self {
        let mut places = Self::default();
        places.add(&mut String::new(), root);
        places
    }

    fn add(&mut self, path: &mut String, node: &Node) {
        let Kind::Mapping(entries) = &node.kind else {
            return;
        };
        for (key, value) in entries {
            if let Kind::Scalar(scalar) = &key.kind {
                let above = path.len();
                path.push('\n');
                path.push_str(&scalar.text);
                self.add(path, value);
                self.0.insert(path.clone(), (key.place, value.place));
                path.truncate(above);
            }
        }
    }

    /// The places of the key that `path` leads to, and of its value.
    pub(super) fn get(&self, path: &[&str]) -> Option<(Place, Place)> {
        let path: String = path.iter().flat_map(|key| ["\n", key]).collect();
        self.0.get(&path).copied()
    }
}

impl Node {
    /// The place of the first scalar in reading order, keys before their values, for which `is` holds.
    pub(super) fn first(&self, is: &dyn Fn(&str) -> bool) -> Option<Place> {
        match &self.kind {
            Kind::Scalar(scalar) => is(&scalar.text).then_some(self.place),
            Kind::Sequence(items) => items.iter().find_map(|item| item.first(is)),
            Kind::Mapping(entries) => entries
                .iter()
                .find_map(|(key, value)| key.first(is).or_else(|| value.first(is))),
            Kind::Faulty => None,
        }
    }
}

/// The one document of `text`, as far as it can be read. `None` means that `faults` says why.
pub(super) fn read(text: &str, faults: &mut Vec<Fault>) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree {
        text,
        parser: Parser::new_from_str(text),
        faults,
    };
    let root = tree.document();
    if root.is_none() && tree.faults.is_empty() {
        tree.fault(
            Place { line: 1, column: 1 },
            "The file is empty. Begin it with `version: 1`.",
        );
    }
    root
}

struct Tree<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    faults: &'t mut Vec<Fault>,
}

impl<'t> Tree<'t> {
    fn fault(&mut self, place: Place, message: impl Into<String>) {
        let message = message.into();
        self.faults.push(Fault { place, message });
    }

    /// The next event. A syntax error is reported and ends the reading.
    fn next(&mut self) -> Option<(Event<'t>, Place)> {
        match self.parser.next_event()? {
            Ok((event, Span { start, .. })) => Some((event, place(start))),
            Err(error) => {
                let place = within(self.text, place(*error.marker()));
                let line = self.text.lines().nth(place.line - 1).unwrap_or_default();
                let indent = line.len() - line.trim_start().len();
                let advice = if line[..indent].contains('\t') {
                    "Indent with spaces: YAML does not allow tabs there"
                } else {
                    "Correct the line, or the one before it"
                };
                let info = error.info().trim_end_matches('.');
                self.fault(place, format!("This is not YAML: {info}. {advice}."));
                None
            }
        }
    }

    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            match self.next() {
                Some((Event::DocumentStart(_), place)) if root.is_some() => {
                    self.fault(
                        place,
                        "A second document begins here, and a topology is one document. \
                         Remove the `---` or what follows it.",
                    );
                    return root;
                }
                Some((Event::DocumentStart(_), _)) => {
                    let (event, place) = self.next()?;
                    root = Some(self.node(event, place, 0)?);
                }
                Some((Event::StreamEnd, _)) => return root,
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// The node that begins with `event`; `None` after a syntax error.
    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Option<Node> {
        let (kind, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let text = text.into_owned();
                let string = tag
                    .as_ref()
                    .is_some_and(|t| t.is_yaml_core_schema() && t.suffix == "str");
                let quoted = string || style != ScalarStyle::Plain;
                let tag = if string { None } else { tag };
                (Kind::Scalar(Scalar { text, quoted }), tag)
            }
            Event::SequenceStart(_, tag) => (self.sequence(place, depth)?, tag),
            Event::MappingStart(_, tag) => (self.mapping(place, depth)?, tag),
            Event::Alias(_) => {
                self.fault(
                    place,
                    "An alias (`*…`) stands here, and a topology has none. \
                     Write out what it stands for.",
                );
                (Kind::Faulty, None)
            }
            _ => (Kind::Faulty, None),
        };
        let kind = match tag {
            Some(tag) => {
                self.fault(
                    place,
                    format!("The tag `{tag}` has no meaning in a topology. Remove it."),
                );
                Kind::Faulty
            }
            None => kind,
        };
        Some(Node { place, kind })
    }

    fn not_too_deep(&mut self, start: Place, depth: usize, what: &str) -> Option<()> {
        if depth == MAX_DEPTH {
            let fault = format!(
                "{what} are nested more than {MAX_DEPTH} deep here. Remove what is too much."
            );
            self.fault(start, fault);
            return None;
        }
        Some(())
    }

    fn mapping(&mut self, start: Place, depth: usize) -> Option<Kind> {
        self.not_too_deep(start, depth, "Mappings")?;
        let mut entries = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Some(Kind::Mapping(entries));
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, at) = self.next()?;
            let mut value = self.node(event, at, depth + 1)?;
            // The parser places an absent value wherever the next token happens to be.
            if matches!(&value.kind, Kind::Scalar(s) if s.text.is_empty() && !s.quoted) {
                value.place = key.place;
            }
            entries.push((key, value));
        }
    }

    fn sequence(&mut self, start: Place, depth: usize) -> Option<Kind> {
        self.not_too_deep(start, depth, "Lists")?;
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Some(Kind::Sequence(items));
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }
}

fn place(marker: Marker) -> Place {
    Place {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

/// The parser may find the end of a file that breaks off some lines behind the last: the place is then
/// the end of the text.
fn within(text: &str, place: Place) -> Place {
    let lines = text.split('\n').count();
    if place.line <= lines {
        return place;
    }
    let last = text.rsplit('\n').next().unwrap_or_default();
    Place {
        line: lines,
        column: last.chars().count() + 1,
    }
}
