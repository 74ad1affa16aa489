//! Reading what Perl has written: numbers may be strings, switches numbers, and either may be absent.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The whole number in `value`, as a number or a string.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        // A size is sometimes written as a float: 1e+09.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be within range and whole"
        )]
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A scalar as text; `None` for anything else.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Null => Some(false),
        Value::String(text) if text.is_empty() => Some(false),
        other => number(other).map(|number| number != 0),
    }
}

fn wrong<E: serde::de::Error>(value: &Value, expected: &str) -> E {
    let shown: String = value.to_string().chars().take(60).collect();
    E::custom(format_args!("{shown} is not {expected}"))
}

/// For `deserialize_with`: a whole number that is not negative.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let count = number(&value).and_then(|number| u64::try_from(number).ok());
    count.ok_or_else(|| wrong(&value, "a count"))
}

/// For `deserialize_with`: the same, absent where it is null.
pub(super) fn maybe_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    let count = number(&value).and_then(|number| u64::try_from(number).ok());
    count.map(Some).ok_or_else(|| wrong(&value, "a count"))
}

/// For `deserialize_with`: a whole number, absent where it is null.
pub(super) fn maybe_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    number(&value)
        .map(Some)
        .ok_or_else(|| wrong(&value, "a whole number"))
}

/// For `deserialize_with`: a guest's id.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let id = number(&value).and_then(|number| u32::try_from(number).ok());
    id.ok_or_else(|| wrong(&value, "a guest's id"))
}

/// For `deserialize_with`: the same, absent where it is null.
pub(super) fn maybe_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(number(&value).and_then(|number| u32::try_from(number).ok()))
}

/// For `deserialize_with`: a switch, off where it is null.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    flag(&value).ok_or_else(|| wrong(&value, "a switch (0 or 1)"))
}

/// For `deserialize_with`: text that may be written as a number.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    text(&value).ok_or_else(|| wrong(&value, "text"))
}

/// For `deserialize_with`: the same, absent where it is null or no scalar.
pub(super) fn maybe_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(&Value::deserialize(deserializer)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "id")]
        vmid: u32,
        #[serde(default, deserialize_with = "switch")]
        template: bool,
        #[serde(default, deserialize_with = "maybe_words")]
        name: Option<String>,
        #[serde(default, deserialize_with = "maybe_count")]
        uptime: Option<u64>,
    }

    #[test]
    fn numbers_and_switches_come_in_every_form() {
        for (value, template) in [
            (json!({"vmid": 101}), false),
            (json!({"vmid": "101", "template": ""}), false),
            (json!({"vmid": 101.0, "template": null, "uptime": null}), false),
            (json!({"vmid": "101", "template": "1"}), true),
            (json!({"vmid": 101, "template": 1}), true),
            (json!({"vmid": 101, "template": true}), true),
        ] {
            let row: Row = serde_json::from_value(value.clone()).unwrap();
            assert_eq!((row.vmid, row.template), (101, template), "{value}");
            assert_eq!((row.name, row.uptime), (None, None));
        }
        let row: Row = serde_json::from_value(json!({"vmid": 1, "name": 42, "uptime": "7"})).unwrap();
        assert_eq!((row.name.as_deref(), row.uptime), (Some("42"), Some(7)));
        assert!(serde_json::from_value::<Row>(json!({"vmid": "x"})).is_err());
        assert!(serde_json::from_value::<Row>(json!({"vmid": -1})).is_err());
    }
}
