//! Values at dotted paths in a JSON document.

use super::excerpt;
use serde_json::Value;

/// What is expected at a path when any value will do.
const PRESENT: &str = "*";

/// What is wrong at `path`, where something is.
pub(super) fn mismatch(document: &Value, path: &str, expected: &Value) -> Option<String> {
    let Some(found) = find(document, path) else {
        let shown = match expected {
            Value::String(text) if text == PRESENT => String::new(),
            expected => format!(", expected {}", cited(expected)),
        };
        return Some(format!("{path} is not there{shown}"));
    };
    let met = matches!(expected, Value::String(text) if text == PRESENT) || same(found, expected);
    (!met).then(|| format!("{path} is {}, expected {}", cited(found), cited(expected)))
}

/// The value at a dotted path: keys of objects, positions (from 0) in arrays. A key may itself hold
/// dots; the shortest key that leads on is taken.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        let below = match value {
            Value::Object(members) => members.get(&path[..end]),
            Value::Array(items) => path[..end]
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index)),
            _ => None,
        };
        let found = match (below, path.get(end + 1..)) {
            (Some(below), Some(rest)) => find(below, rest),
            (below, _) => below,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether two values are equal, numbers by their value: 1 is 1.0.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

fn cited(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt::first(text),
        Value::Array(_) | Value::Object(_) => excerpt::first(&value.to_string()),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn health() -> Value {
        json!({
            "status": "ok",
            "uptime": 3600,
            "database": { "status": "connected", "isOffline": false },
            "system": { "cpus": 4, "memory": { "usage": 50.0 } },
            "items": [{ "id": 1 }, { "id": 2 }],
            "app.kubernetes.io/name": "web",
            "nothing": null
        })
    }

    #[test]
    fn values_at_paths_are_compared() {
        for (path, expected) in [
            ("status", json!("ok")),
            ("database.status", json!("connected")),
            ("database.isOffline", json!(false)),
            ("system.memory.usage", json!(50)),
            ("uptime", json!(3600.0)),
            ("items.1.id", json!(2)),
            ("items", json!([{ "id": 1.0 }, { "id": 2 }])),
            ("app.kubernetes.io/name", json!("web")),
            ("nothing", json!(null)),
            ("database", json!("*")),
            ("nothing", json!("*")),
        ] {
            assert_eq!(mismatch(&health(), path, &expected), None, "{path}");
        }
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        for (path, expected, told) in [
            (
                "database.status",
                json!("up"),
                "database.status is \"connected\", expected \"up\"",
            ),
            ("uptime", json!("3600"), "uptime is 3600, expected \"3600\""),
            ("items.2.id", json!(3), "items.2.id is not there, expected 3"),
            ("items.-1", json!("*"), "items.-1 is not there"),
            ("status.code", json!(1), "status.code is not there, expected 1"),
            ("", json!(1), " is not there, expected 1"),
            (
                "database",
                json!({ "status": "connected" }),
                "database is \"{\"isOffline\":false,\"status\":\"connected\"}\", expected \
                 \"{\"status\":\"connected\"}\"",
            ),
        ] {
            assert_eq!(
                mismatch(&health(), path, &expected).as_deref(),
                Some(told),
                "{path}"
            );
        }
    }
}
