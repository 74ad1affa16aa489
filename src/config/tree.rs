//! YAML text → a tree in which every key and value knows its place. The one file that names the YAML
//! crate.

use super::diagnostic::Diagnostic;
use super::place::{Sources, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Budget, Error, Location, Spanned};
use std::fmt;

/// The largest file that is read, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The deepest nesting; ours needs about ten levels.
const DEEPEST: usize = 64;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Span,
}

/// A value. Of a scalar that is not text the source text is kept, so that `1.20` can still be read
/// as the text that it is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Whole(u64),
    Negative(i64),
    Real(f64),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Span,
    pub(crate) value: Node,
}

impl Node {
    /// The value under `key`, when this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Takes the value under `key` out.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        match &mut self.value {
            Value::Map(entries) => {
                let at = entries.iter().position(|entry| entry.key == key)?;
                Some(entries.remove(at))
            }
            _ => None,
        }
    }
}

/// Reads one document; `None` for an empty file.
pub(crate) fn parse(sources: &Sources, file: u32) -> Result<Node, Box<Diagnostic>> {
    let top = Span {
        file,
        start: 0,
        end: 0,
        line: 1,
        column: 1,
    };
    let text = sources.of(top).map_or("", |source| source.text.as_str());
    if text.len() > LARGEST {
        return Err(Box::new(too_large(top)));
    }
    let options = serde_yaml::options! {
        budget: Some(budget()),
        strict_booleans: true,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options::<Loose>(text, options)
        .map(|loose| loose.locate(text, file))
        .map_err(|error| Box::new(explain(&error, text, top)))
}

/// The error for a file that is too large to be a configuration.
fn too_large(place: Span) -> Diagnostic {
    Diagnostic::error(place, "the file is larger than 1 MiB")
        .help("a configuration file holds at most 1 MiB; is this the right file?")
}

fn budget() -> Budget {
    let mut budget = Budget::default();
    budget.max_events = 200_000;
    budget.max_nodes = 100_000;
    budget.max_depth = DEEPEST;
    budget.flow_nesting_limit = DEEPEST;
    budget.max_aliases = 1_000;
    budget.max_anchors = 1_000;
    budget
}

/// What the YAML crate gives: spans without file.
struct Loose(Spanned<LooseValue>);

enum LooseValue {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Loose>),
    Map(Vec<(Spanned<String>, Loose)>),
}

impl Loose {
    fn locate(self, text: &str, file: u32) -> Node {
        let place = place(self.0.referenced, text, file);
        let defined = Self::defined_text(&self.0, text);
        let value = match self.0.value {
            LooseValue::Null => Value::Null,
            LooseValue::Bool(truth) => Value::Bool(truth),
            LooseValue::Number(number) => Value::Number(number, defined),
            LooseValue::Text(words) => Value::Text(words),
            LooseValue::List(items) => {
                Value::List(items.into_iter().map(|item| item.locate(text, file)).collect())
            }
            LooseValue::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        place: self::place(key.referenced, text, file),
                        key: key.value,
                        value: value.locate(text, file),
                    })
                    .collect(),
            ),
        };
        Node { value, place }
    }

    fn defined_text(spanned: &Spanned<LooseValue>, text: &str) -> String {
        let place = place(spanned.defined, text, 0);
        text.get(place.range()).unwrap_or("").trim().to_owned()
    }
}

/// The place of `location`, moved inside the text and to character boundaries.
fn place(location: Location, text: &str, file: u32) -> Span {
    let span = location.span();
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let boundary = |value: u64| {
        let mut index = usize::try_from(value).unwrap_or(usize::MAX).min(text.len());
        while !text.is_char_boundary(index) {
            index -= 1;
        }
        index as u64
    };
    let start = span
        .byte_offset()
        .unwrap_or_else(|| offset(text, location.line(), location.column()));
    let end = start.saturating_add(span.byte_len().unwrap_or(0));
    Span {
        file,
        start: number(boundary(start)),
        end: number(boundary(end.max(start))),
        line: number(location.line().max(1)),
        column: number(location.column().max(1)),
    }
}

/// Byte offset of a line and column, both from 1.
fn offset(text: &str, line: u64, column: u64) -> u64 {
    let nth = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let before: usize = text.split_inclusive('\n').take(nth(line)).map(str::len).sum();
    let within: usize = text[before..].chars().take(nth(column)).map(char::len_utf8).sum();
    (before + within) as u64
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for LooseValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = LooseValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<LooseValue, E> {
        Ok(LooseValue::Null)
    }

    fn visit_none<E>(self) -> Result<LooseValue, E> {
        Ok(LooseValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<LooseValue, D::Error> {
        LooseValue::deserialize(deserializer)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<LooseValue, E> {
        Ok(LooseValue::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<LooseValue, E> {
        Ok(LooseValue::Number(Number::Whole(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<LooseValue, E> {
        Ok(LooseValue::Number(
            u64::try_from(number).map_or(Number::Negative(number), Number::Whole),
        ))
    }

    fn visit_f64<E>(self, number: f64) -> Result<LooseValue, E> {
        Ok(LooseValue::Number(Number::Real(number)))
    }

    fn visit_str<E>(self, words: &str) -> Result<LooseValue, E> {
        Ok(LooseValue::Text(words.to_owned()))
    }

    fn visit_string<E>(self, words: String) -> Result<LooseValue, E> {
        Ok(LooseValue::Text(words))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<LooseValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(LooseValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<LooseValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(LooseValue::Map(entries))
    }
}

/// The YAML crate's error in our own words.
fn explain(error: &Error, text: &str, top: Span) -> Diagnostic {
    let error = error.without_snippet();
    let at = error
        .location()
        .filter(|location| *location != Location::UNKNOWN)
        .map_or(top, |location| place(location, text, top.file));
    match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("");
            Diagnostic::error(at, format!("the key `{key}` is written twice"))
                .label("the second one")
                .help("keep one of the two")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            Diagnostic::error(at, "the file grows beyond all bounds when it is read")
                .help("use fewer aliases and less nesting")
        }
        Error::MultipleDocuments { .. } => Diagnostic::error(at, "the file holds more than one document")
            .help("put each document in a file of its own, and take out the line `---`"),
        Error::UnknownAnchor { .. } => Diagnostic::error(at, "the alias has no anchor")
            .help("an alias `*name` needs an anchor `&name` before it; quote a text that begins with `*`"),
        Error::AliasError { error, .. } => Diagnostic {
            place: Some(at),
            ..explain(error, text, top)
        },
        other => Diagnostic::error(at, sentence(&other.to_string()))
            .label("this is not valid YAML")
            .help("check indentation, colons and quotes on this line and the one above"),
    }
}

/// The first line of a message of the YAML crate, without the place at its end.
fn sentence(message: &str) -> String {
    let line = message.lines().next().unwrap_or("");
    let end = line.find(" at line ").unwrap_or(line.len());
    line[..end].to_owned()
}
