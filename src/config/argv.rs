//! Commands as lists of words.

use schemars::JsonSchema;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A program and its arguments; at least the program, which is not empty. A single string is refused
/// with the list to write instead: it would need a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Argv(#[schemars(length(min = 1))] pub Vec<String>);

impl<'de> Deserialize<'de> for Argv {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgvVisitor)
    }
}

struct ArgvVisitor;

impl<'de> Visitor<'de> for ArgvVisitor {
    type Value = Argv;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a command as a list of words ([program, argument])")
    }

    fn visit_str<E: de::Error>(self, line: &str) -> Result<Argv, E> {
        Err(E::custom(format_args!(
            "a command is a list of words, not a line for a shell\u{1f}write {}",
            as_list(line)
        )))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Argv, A::Error> {
        let mut argv = Vec::new();
        while let Some(word) = words.next_element::<String>()? {
            argv.push(word);
        }
        if argv.first().is_none_or(String::is_empty) {
            return Err(de::Error::custom(
                "the command is empty\u{1f}write the program and its arguments: [program, argument]",
            ));
        }
        Ok(Argv(argv))
    }
}

/// The list that means what the line most likely meant. A line that needs a shell names one.
fn as_list(line: &str) -> String {
    let needs_shell = line.contains(['|', '&', ';', '<', '>', '$', '`', '\'', '"', '\\', '*']);
    let words: Vec<&str> = if needs_shell {
        vec!["sh", "-c", line]
    } else {
        line.split_whitespace().collect()
    };
    let quoted: Vec<String> = words.into_iter().map(quote).collect();
    format!("[{}]", quoted.join(", "))
}

/// A word as a YAML flow scalar.
fn quote(word: &str) -> String {
    let plain = !word.is_empty()
        && word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '.')
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-=+@".contains(c));
    let spoken_for = ["true", "false", "null", "yes", "no", "on", "off"];
    if plain && !spoken_for.contains(&word) {
        word.to_owned()
    } else {
        // JSON strings are YAML double-quoted scalars.
        serde_json::Value::from(word).to_string()
    }
}
