//! Why a value could not be read, in words for the person who wrote it.

use super::super::diagnostic::Diagnostic;
use super::super::place::Span;
use serde::de::{self, Unexpected};
use std::fmt::{self, Display};

/// Most problems that are reported for one value; more help nobody.
pub(super) const MOST: usize = 50;

/// One step down a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

const PLAIN_SECRET: &str =
    "the value of a secret is not written here\u{1f}write { env: NAME } or { file: PATH }";

/// Why a value could not be read. Boxed: every value read is returned beside one.
#[derive(Debug)]
pub(super) struct Fault(Box<Content>);

#[derive(Debug, Default)]
struct Content {
    message: String,
    place: Option<Span>,
    /// From the offending value outwards.
    path: Vec<Step>,
    /// What stands there is not to be shown.
    confidential: bool,
    /// The required field that is missing.
    missing: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(message: String) -> Self {
        Self(Box::new(Content {
            message,
            ..Content::default()
        }))
    }

    /// The way to the offending value.
    pub(super) fn path(&self) -> Vec<Step> {
        self.0.path.iter().rev().cloned().collect()
    }

    /// What stands there is the value of a secret.
    pub(super) fn plain_secret(place: Span) -> Self {
        let mut fault = Self::new(PLAIN_SECRET.into()).at(place);
        fault.0.confidential = true;
        fault
    }

    /// The same fault with other words for what was expected: serde's are for programmers.
    pub(super) fn expected(&self, what: &str) -> Self {
        let found = self
            .0
            .message
            .rsplit_once(", found ")
            .map_or("", |(_, found)| found);
        Self::new(format!("expected {what}, found {found}"))
    }

    /// Puts it there, unless it has a place already.
    pub(super) fn at(mut self, place: Span) -> Self {
        self.0.place.get_or_insert(place);
        self
    }

    /// It happened below this step.
    pub(super) fn under(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// Whether the missing field is there, but misspelt.
    pub(super) fn is_typo(&self, unknown: &[Diagnostic]) -> bool {
        self.0.missing.is_some_and(|field| {
            let meant = did_you_mean(field);
            unknown
                .iter()
                .any(|diagnostic| diagnostic.help.as_deref() == Some(meant.as_str()))
        })
    }

    /// Messages may carry their help behind a unit separator.
    pub(super) fn diagnose(&self, root: Span) -> Diagnostic {
        let place = self.0.place.unwrap_or(root);
        let diagnostic = match self.0.message.split_once('\u{1f}') {
            Some((message, help)) => Diagnostic::error(place, message).help(help),
            None => Diagnostic::error(place, self.0.message.clone()),
        };
        Diagnostic {
            confidential: self.0.confidential,
            ..diagnostic
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = expected.to_string();
        Self::new(format!(
            "expected {}, found {}",
            for_people(&expected),
            describe(found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Self::new(format!("`{variant}` is none of {}", listed(expected)));
        if let Some(meant) = closest(variant, expected.iter().copied()) {
            fault.0.message.push('\u{1f}');
            fault.0.message.push_str(&did_you_mean(meant));
        }
        fault
    }

    fn missing_field(field: &'static str) -> Self {
        let mut fault = Self::new(format!("`{field}` is missing\u{1f}add `{field}`"));
        fault.0.missing = Some(field);
        fault
    }
}

/// serde's names of types are for programmers.
fn for_people(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" => "a whole number, not below 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "string" => "a text",
        "a sequence" => "a list",
        other => other,
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(truth) => format!("`{truth}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(words) => format!("the text {words:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a map".into(),
        other => other.to_string(),
    }
}

/// `a`, `b` or `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".into(),
    }
}

/// The candidate that was most likely meant.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let score = strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase());
            (candidate, score)
        })
        .filter(|(_, score)| *score > 0.8)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(candidate, _)| candidate)
}

/// The help for a word that is almost right.
pub(crate) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}
