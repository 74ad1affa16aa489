//! A problem of a configuration, as a machine reads it.

use serde::Serialize;

/// One problem. What is not known of it is left out of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationProblem {
    /// `error`, or `note` for what has no effect.
    pub severity: &'static str,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Where; `None` where no file could be read at all.
    #[serde(flatten)]
    pub position: Option<TextPosition>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<LabelledPosition>,
    /// How to fix it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextPosition {
    /// The file's path as it is shown; `None` where it is not known.
    pub file: Option<String>,
    /// Line of its first character, from 1.
    pub line: u32,
    /// Column of its first character, from 1.
    pub column: u32,
    /// How many characters it has.
    pub length: usize,
}

/// A place in a file, and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelledPosition {
    /// Where.
    #[serde(flatten)]
    pub position: TextPosition,
    /// What is there, in a few words.
    pub label: String,
}
