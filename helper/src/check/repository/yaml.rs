//! YAML of others as a tree whose nodes know their lines. Tags are passed over (`!vault`,
//! `!unsafe`), aliases and `<<` are replaced by what they stand for.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, Span, StrInput};

/// Bounds the recursion, and what aliases of aliases unfold to.
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

/// A node and the line that it begins in.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping whose keys are texts.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Node, &Node)> {
        let entries = match &self.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| Some((key.text()?, key, value)))
    }

    /// A mapping's value; of a repeated key, the last, as Ansible takes it.
    pub(super) fn get(&self, wanted: &str) -> Option<&Node> {
        let entries = self.entries().filter(|(key, ..)| *key == wanted);
        entries.last().map(|(.., value)| value)
    }

    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => items.iter().map(Node::size).sum(),
            Kind::Map(entries) => entries.iter().map(|(k, v)| k.size() + v.size()).sum(),
        }
    }
}

/// Every document of `text`; otherwise the line and what is wrong in it.
pub(super) fn read(text: &str) -> Result<Vec<Node>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()?.0 {
            Event::DocumentStart(_) => {
                let (event, line) = reader.next()?;
                documents.push(reader.node(event, line, 0)?);
            }
            Event::StreamEnd => return Ok(documents),
            _ => {}
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), (usize, String)> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, 1)),
            Some(Ok((event, Span { start, .. }))) => Ok((event, start.line().max(1))),
            Some(Err(error)) => Err((
                error.marker().line().max(1),
                error.info().trim_end_matches('.').to_owned(),
            )),
        }
    }

    fn node(
        &mut self,
        event: Event<'t>,
        line: usize,
        depth: usize,
    ) -> Result<Node, (usize, String)> {
        let too_much = || {
            Err((
                line,
                "it is nested too deep or unfolds to too much".to_owned(),
            ))
        };
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return too_much();
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, _, anchor, _) => (Kind::Scalar(text.into_owned()), anchor),
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::SequenceEnd {
                        break (Kind::List(items), anchor);
                    }
                    items.push(self.node(event, line, depth + 1)?);
                }
            }
            Event::MappingStart(anchor, _) => {
                let mut entries = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    if event == Event::MappingEnd {
                        break (Kind::Map(merged(entries)), anchor);
                    }
                    let key = self.node(event, line, depth + 1)?;
                    let (event, line) = self.next()?;
                    let value = self.node(event, line, depth + 1)?;
                    entries.push((key, value));
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err((line, "an alias stands for nothing here".to_owned()));
                };
                self.nodes += node.size();
                if self.nodes > MAX_NODES {
                    return too_much();
                }
                return Ok(Node {
                    line,
                    kind: node.kind.clone(),
                });
            }
            _ => return Err((line, "it ends too early".to_owned())),
        };
        let node = Node { line, kind };
        if anchor > 0 {
            // A copy may be kept for each anchor in an anchor.
            self.nodes += node.size();
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

/// The entries with what `<<` brings, which an entry's own key beats.
fn merged(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let is_merge = |(key, _): &(Node, Node)| key.text() == Some("<<");
    let (brought, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_merge);
    for (_, value) in brought {
        let sources = match value.kind {
            Kind::List(items) => items,
            _ => vec![value],
        };
        for source in sources {
            let Kind::Map(entries) = source.kind else {
                continue;
            };
            for (key, value) in entries {
                if !own.iter().any(|(own, _)| own.text() == key.text()) {
                    own.push((key, value));
                }
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_unfolds_aliases_and_passes_over_tags() {
        let text = "a: &a { b: 1, c: !unsafe '2' }\nd:\n  <<: *a\n  b: 3\ne: [*a]\n---\n- f\n";
        let documents = read(text).unwrap();
        assert_eq!(documents.len(), 2);
        let d = documents[0].get("d").unwrap();
        let text = |key| d.get(key).and_then(Node::text);
        assert_eq!((text("b"), text("c")), (Some("3"), Some("2")));
        assert_eq!(documents[0].get("e").unwrap().items()[0].line, 5);
    }

    #[test]
    fn what_unfolds_without_end_or_is_no_yaml_is_refused() {
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for at in 1..40 {
            let item = format!("*a{}", at - 1);
            bomb = format!("{bomb}a{at}: &a{at} [{item}, {item}, {item}, {item}]\n");
        }
        for text in [
            &*bomb,
            &"[".repeat(2000),
            "a: [",
            "a: *none\n",
            "{% if x %}\n- a: 1\n{% endif %}\n",
        ] {
            assert!(read(text).is_err());
        }
    }
}
