//! Values with more than one spelling: a scalar of any type, a number or a list of them, a share with
//! or without its sign.

use crate::domain::model::{Batch, EnvironmentType, Percent, Period, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The value of a variable: a text, number or truth value, as the text that a process gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Reading as an option tells nothing apart from text; the text of a number is as written.
        deserializer.deserialize_option(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_none<E: de::Error>(self) -> Result<Scalar, E> {
        Err(E::custom(
            "a variable needs a value\u{1f}write \"\" for an empty one",
        ))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_identifier(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        if text.contains('\0') {
            return Err(E::custom("a variable cannot hold a NUL character"));
        }
        Ok(Scalar(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Scalar, A::Error> {
        Err(nested("list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Scalar, A::Error> {
        Err(nested("map"))
    }
}

fn nested<E: de::Error>(found: &str) -> E {
    E::custom(format_args!(
        "a variable holds one value, not a {found}\u{1f}give each value a variable of its own, or write it as JSON in quotes"
    ))
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A text, a number, true or false.", "type": ["string", "number", "boolean"] })
    }
}

/// The name of a variable or secret: letters, digits and `_`, not starting with a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$"))]
pub(crate) struct VariableName(pub(crate) String);

impl VariableName {
    pub(crate) fn is_valid(text: &str) -> bool {
        !text.starts_with(|c: char| c.is_ascii_digit())
            && !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
}

impl<'de> Deserialize<'de> for VariableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if Self::is_valid(&text) {
            return Ok(Self(text));
        }
        Err(de::Error::custom(format_args!(
            "{:?} cannot be the name of a variable\u{1f}use letters, digits and `_`, and do not begin with a digit",
            text.chars().take(80).collect::<String>()
        )))
    }
}

/// One status code or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StatusCodes(pub(crate) Vec<u16>);

impl<'de> Deserialize<'de> for StatusCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl<'de> Visitor<'de> for StatusVisitor {
    type Value = StatusCodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status code (100 to 599) or a list of them")
    }

    fn visit_u64<E: de::Error>(self, code: u64) -> Result<StatusCodes, E> {
        status(code).map(|code| StatusCodes(vec![code]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut codes: A) -> Result<StatusCodes, A::Error> {
        let mut all = Vec::new();
        while let Some(code) = codes.next_element::<u64>()? {
            all.push(status(code)?);
        }
        Ok(StatusCodes(all))
    }
}

fn status<E: de::Error>(code: u64) -> Result<u16, E> {
    u16::try_from(code)
        .ok()
        .filter(|code| (100..=599).contains(code))
        .ok_or_else(|| E::custom(format_args!("{code} is not a status code (100 to 599)")))
}

impl JsonSchema for StatusCodes {
    fn schema_name() -> Cow<'static, str> {
        "StatusCodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let code = serde_json::json!({ "type": "integer", "minimum": 100, "maximum": 599 });
        json_schema!({ "oneOf": [code, { "type": "array", "items": code }] })
    }
}

/// A share of traffic, 1 to 99, with or without `%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(pub(crate) Percent);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        percentage(&text, 99).map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text} is not a share of traffic\u{1f}write a whole percentage from 1 to 99; 100 follows by itself"
            ))
        })
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share of traffic in percent, 1 to 99.",
            "oneOf": [{ "type": "integer", "minimum": 1, "maximum": 99 }, { "type": "string", "pattern": "^[1-9][0-9]?%$" }]
        })
    }
}

fn percentage(text: &str, most: u8) -> Option<Percent> {
    let number: u8 = text.strip_suffix('%').unwrap_or(text).trim().parse().ok()?;
    if (1..=most).contains(&number) {
        Percent::try_from(number).ok()
    } else {
        None
    }
}

/// The size of a batch: a number of units, or a share of them with `%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSize(pub(crate) Batch);

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let batch = if text.ends_with('%') {
            percentage(&text, 100).map(Batch::Share)
        } else {
            text.parse().ok().filter(|units| *units > 0).map(Batch::Units)
        };
        batch.map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text} is not the size of a batch\u{1f}write a number of units (2) or a share of them (25%)"
            ))
        })
    }
}

impl JsonSchema for BatchSize {
    fn schema_name() -> Cow<'static, str> {
        "BatchSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of units, or a share of them with %.",
            "oneOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^([1-9][0-9]?|100)%$" }]
        })
    }
}

/// An environment's type, with the short words of everyday speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) EnvironmentType);

impl Kind {
    /// `prod`, `stage` and `dev` beside the full words, in any case.
    pub(crate) fn of(word: &str) -> Option<EnvironmentType> {
        match word.to_ascii_lowercase().as_str() {
            "prod" => Some(EnvironmentType::Production),
            "stage" => Some(EnvironmentType::Staging),
            "dev" => Some(EnvironmentType::Development),
            word => word.parse().ok(),
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::of(&word).map(Self).ok_or_else(|| {
            de::Error::unknown_variant(
                &word,
                &["development", "test", "acceptance", "staging", "production"],
            )
        })
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "EnvironmentType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What an environment is for.",
            "enum": ["development", "test", "acceptance", "staging", "production", "dev", "stage", "prod"]
        })
    }
}

/// The end of something: a day, which is its last, or an instant, which is the first after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Until(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let day = || {
            let begin: Timestamp = format!("{text}T00:00:00Z").parse().ok()?;
            (text.len() == 10).then(|| begin.plus(Period::from_secs(86_400)))
        };
        text.parse().ok().or_else(day).map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{:?} is neither a day nor an instant\u{1f}write 2027-01-31 for the last day, or 2027-01-31T12:00:00Z",
                text.chars().take(80).collect::<String>()
            ))
        })
    }
}

impl JsonSchema for Until {
    fn schema_name() -> Cow<'static, str> {
        "Until".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The last day (2027-01-31, in UTC), or an instant (RFC 3339).",
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$"
        })
    }
}

/// Any value of JSON, as an expectation.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
pub(crate) struct Json(pub(crate) serde_json::Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Self)
    }
}

/// Texts by name.
pub(crate) type Texts = BTreeMap<String, Scalar>;

/// The same as plain texts.
pub(crate) fn plain(texts: Texts) -> BTreeMap<String, String> {
    texts.into_iter().map(|(name, text)| (name, text.0)).collect()
}
