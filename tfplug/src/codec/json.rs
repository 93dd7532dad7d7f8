//! JSON with numbers kept exactly, which state files need and `serde_json` gives only as a feature for the whole build.

use std::collections::BTreeMap;

use super::MAX_DEPTH;
use crate::Number;

/// A JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// Parses a whole document; the error says at which byte it stopped.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, String> {
    let mut parser = Parser { bytes, position: 0 };
    let document = parser.value(0)?;
    parser.blanks();
    if parser.position == bytes.len() {
        Ok(document)
    } else {
        Err(parser.error("text after the end"))
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Parser<'_> {
    fn error(&self, problem: &str) -> String {
        format!("not valid JSON at byte {}: {problem}", self.position)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    /// Skips the byte if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.position += usize::from(next);
        next
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.blanks();
        match self.peek() {
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            _ => Err(self.error("a value is required")),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, String> {
        if self.bytes[self.position..].starts_with(word.as_bytes()) {
            self.position += word.len();
            Ok(value)
        } else {
            Err(self.error("a value is required"))
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.position;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
        ) {
            self.position += 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.position]);
        text.parse()
            .map(Json::Number)
            .map_err(|error| self.error(&format!("{error}")))
    }

    /// Finds the end of the string and leaves the escapes to `serde_json`.
    fn string(&mut self) -> Result<String, String> {
        let start = self.position;
        self.position += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.position += 2,
                Some(_) => self.position += 1,
                None => return Err(self.error("a string does not end")),
            }
        }
        self.position += 1;
        serde_json::from_slice(&self.bytes[start..self.position])
            .map_err(|_| self.error("a string is malformed"))
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        self.position += 1;
        let mut elements = Vec::new();
        self.blanks();
        if self.eat(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.blanks();
            if self.eat(b']') {
                return Ok(Json::Array(elements));
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `]` is required"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.position += 1;
        let mut entries = BTreeMap::new();
        self.blanks();
        if self.eat(b'}') {
            return Ok(Json::Object(entries));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.error("a key is required"));
            }
            let key = self.string()?;
            self.blanks();
            if !self.eat(b':') {
                return Err(self.error("`:` is required"));
            }
            entries.insert(key, self.value(depth + 1)?);
            self.blanks();
            if self.eat(b'}') {
                return Ok(Json::Object(entries));
            }
            if !self.eat(b',') {
                return Err(self.error("`,` or `}` is required"));
            }
        }
    }
}
