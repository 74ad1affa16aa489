//! JSON for people.

use serde_json::Value;

/// JSON as indented lines, without what is not there.
pub(super) fn lines(value: &Value, depth: usize) -> Vec<String> {
    let Value::Object(fields) = value else {
        return Vec::new();
    };
    let indent = "  ".repeat(depth);
    let mut lines = Vec::new();
    // What it is comes before how it is set up.
    let first = |name: &String| !["name", "type", "description", "url", "target"].contains(&name.as_str());
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| (depth > 0 || first(name), *name));
    for (name, value) in fields {
        match value {
            Value::Null => {}
            Value::Object(inner) if inner.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(_) => {
                lines.push(format!("{indent}{name}:"));
                lines.extend(self::lines(value, depth + 1));
            }
            Value::Array(items) => {
                let shown: Vec<String> = items.iter().map(scalar).collect();
                lines.push(format!("{indent}{name}: {}", shown.join(", ")));
            }
            other => lines.push(format!("{indent}{name}: {}", scalar(other))),
        }
    }
    lines
}

pub(super) fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
