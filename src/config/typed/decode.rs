//! Reads a tree again and again, without what offends, until nothing does.

use super::fault::{MOST, Step};
use super::reader::Reader;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Span;
use crate::config::tree::{Node, Value};
use serde::de::DeserializeOwned;
use std::cell::RefCell;

/// What was read.
pub(crate) struct Decoded<T> {
    /// The value; `None` when too much of it is missing or wrong.
    pub(crate) value: Option<T>,
    /// Where something was cut out: what is found missing there is only a consequence.
    pub(crate) scars: Scars,
}

/// The maps and lists that something was cut out of.
#[derive(Debug, Default)]
pub(crate) struct Scars(Vec<Span>);

impl Scars {
    /// Whether a problem at `place` may be a mere consequence of a cut.
    pub(crate) fn touch(&self, place: Option<Span>) -> bool {
        place.is_some_and(|place| {
            self.0
                .iter()
                .any(|scar| scar.file == place.file && (scar.start..=scar.end).contains(&place.start))
        })
    }
}

/// Reads a value and reports every problem.
pub(crate) fn decode<T: DeserializeOwned>(mut node: Node, problems: &mut Vec<Diagnostic>) -> Decoded<T> {
    let unknown = RefCell::new(Vec::new());
    let mut found = Vec::new();
    let mut cut = Vec::new();
    let mut scars = Scars::default();
    let value = loop {
        let reader = Reader {
            node: &node,
            unknown: &unknown,
        };
        match T::deserialize(reader) {
            Ok(value) => break Some(value),
            Err(fault) => {
                let path = fault.path();
                if !cut.contains(&path) && !fault.is_typo(&unknown.borrow()) {
                    found.push(fault.diagnose(node.place));
                }
                let parent = &path[..path.len().saturating_sub(1)];
                scars
                    .0
                    .extend(at(&node, parent).filter(|_| path.len() > 1).map(extent));
                if found.len() >= MOST || !remove(&mut node, &path) {
                    break None;
                }
                cut.push(parent.to_vec());
            }
        }
    };
    found.append(&mut unknown.into_inner());
    problems.append(&mut found);
    Decoded { value, scars }
}

/// What stands at `path`.
fn at<'a>(node: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter()
        .try_fold(node, |node, step| match (&node.value, step) {
            (Value::Map(_), Step::Key(key)) => node.get(key).map(|entry| &entry.value),
            (Value::List(items), Step::Index(at)) => items.get(*at),
            _ => None,
        })
}

/// From the first to the last character of a node that are in its own file; the place of a map or list
/// is only its beginning.
fn extent(node: &Node) -> Span {
    let mut whole = node.place;
    let mut widen = |inner: Span| {
        if inner.file == whole.file {
            whole.start = whole.start.min(inner.start);
            whole.end = whole.end.max(inner.end);
        }
    };
    match &node.value {
        Value::List(items) => items.iter().map(extent).for_each(widen),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            widen(entry.place);
            widen(extent(&entry.value));
        }),
        _ => {}
    }
    whole
}

/// Cuts out what stands at `path`; `false` when that is the whole tree.
fn remove(node: &mut Node, path: &[Step]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    match (&mut node.value, first) {
        (Value::Map(entries), Step::Key(key)) => {
            let Some(at) = entries.iter().position(|entry| entry.key == *key) else {
                return false;
            };
            if rest.is_empty() {
                entries.remove(at);
                return true;
            }
            remove(&mut entries[at].value, rest)
        }
        (Value::List(items), Step::Index(at)) if *at < items.len() => {
            if rest.is_empty() {
                items.remove(*at);
                return true;
            }
            remove(&mut items[*at], rest)
        }
        _ => false,
    }
}
