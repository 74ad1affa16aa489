//! Where the keys of an environment are written, and what is said of a key.

use crate::config::diagnostic::Diagnostic;
use crate::config::place::{Located, Span};
use crate::config::tree::{Node, Value};
use crate::config::unsupported::{Part, Unsupported};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// Places of an environment's keys.
pub(super) struct Keys(BTreeMap<String, Span>);

impl Keys {
    pub(super) fn of(node: &Node) -> Self {
        let mut places = BTreeMap::new();
        if let Value::Map(entries) = &node.value {
            for entry in entries {
                places.insert(entry.key.clone(), entry.place);
                if let Value::Map(inner) = &entry.value.value {
                    for deeper in inner {
                        places.insert(format!("{}.{}", entry.key, deeper.key), deeper.place);
                    }
                }
            }
        }
        Self(places)
    }

    /// Where the key (`local`, `deployment.drain`) is written.
    pub(super) fn place(&self, key: &str) -> Option<Span> {
        self.0.get(key).copied()
    }
}

pub(super) fn note(part: Part, what: impl Into<String>, place: Span) -> Unsupported {
    Unsupported {
        part,
        what: what.into(),
        place,
    }
}

/// The text as a noun.
pub(super) fn read<T: FromStr>(
    text: Located<String>,
    expected: impl Display,
    problems: &mut Vec<Diagnostic>,
) -> Option<Located<T>> {
    match text.parse() {
        Ok(value) => Some(text.map(|_| value)),
        Err(_) => {
            problems.push(Diagnostic::error(text.place, format!("expected {expected}")));
            None
        }
    }
}
