//! GitHub's own description of its API: which operation a request is, whether a body fits, and bodies that do.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(crate) const DESCRIBED: &str = include_str!("../../../fixtures/github/openapi-subset.json");

/// Where the description is wrong about answers: the operation, the place, and why.
const WRONG: &[(&str, &str, &str)] = &[(
    "pulls/get",
    "/head/repo",
    "it is null where the fork was deleted, as GitHub describes it for the event pull_request",
)];

/// What may stand in a query, although the description does not say so: the operation, the names, and why.
const UNNAMED: &[(&str, &[&str], &str)] = &[(
    "packages/get-all-package-versions-for-package-owned-by-user",
    &["page", "per_page"],
    "it is a list in pages with a `Link` to the next, as that of an organization is",
)];

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// GitHub's name for it: `checks/create`.
    pub(crate) id: String,
    /// `GET` and so on.
    pub(crate) method: String,
    /// Its path, with `{names}` in it.
    pub(crate) template: String,
    described: Value,
}

impl Operation {
    /// The names of what may stand in its query.
    pub(crate) fn queries(&self) -> Vec<&str> {
        let parameters = self.described["parameters"].as_array().into_iter().flatten();
        let named = parameters
            .filter(|one| one["in"] == "query")
            .filter_map(|one| one["name"].as_str());
        let unnamed = UNNAMED.iter().filter(|(id, ..)| *id == self.id);
        named
            .chain(unnamed.flat_map(|(_, names, _)| *names).copied())
            .collect()
    }

    fn request(&self) -> Option<&Value> {
        self.described
            .pointer("/requestBody/content/application~1json/schema")
    }

    /// The schema of its answer with this status; `None` where that has no body.
    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        let response = self.described["responses"].get(status.to_string())?;
        response.pointer("/content/application~1json/schema")
    }
}

/// The description.
pub(crate) struct Description {
    whole: Value,
    operations: Vec<Operation>,
    /// By the schema's text: the same ones come again and again.
    compiled: Mutex<BTreeMap<String, Arc<jsonschema::Validator>>>,
}

impl Description {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let whole: Value = serde_json::from_str(DESCRIBED).unwrap();
        let paths = whole["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(template, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, described)| Operation {
                id: described["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                template: template.clone(),
                described: described.clone(),
            })
        });
        Self {
            operations: operations.collect(),
            compiled: Mutex::default(),
            whole,
        }
    }

    /// Whether there is an operation of that name.
    pub(crate) fn knows(&self, operation: &str) -> bool {
        self.operations.iter().any(|one| one.id == operation)
    }

    /// All of them.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Which operation a request is, with what stands in its path, decoded.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(&Operation, BTreeMap<String, String>)> {
        self.operations
            .iter()
            .filter(|operation| operation.method == method)
            .find_map(|operation| Some((operation, matched(&operation.template, path)?)))
    }

    /// What is wrong with the body of a request.
    pub(crate) fn request_faults(&self, operation: &Operation, body: &Value) -> Vec<String> {
        match operation.request() {
            None if body.is_null() => Vec::new(),
            None => vec!["it takes no body".to_owned()],
            Some(schema) => {
                let mut faults = self.faults(schema, body);
                self.unknown(schema, body, "", &mut faults);
                faults
            }
        }
    }

    /// What is wrong with an answer.
    pub(crate) fn answer_faults(&self, operation: &Operation, status: u16, body: &Value) -> Vec<String> {
        let error = json!({ "$ref": "#/components/schemas/basic-error" });
        match operation.response(status) {
            Some(schema) => {
                let is_known = |fault: &String| {
                    let mut wrong = WRONG.iter().filter(|(id, ..)| *id == operation.id);
                    wrong.any(|(_, place, _)| {
                        fault.ends_with(&format!("null is not of type \"object\" at {place}"))
                    })
                };
                let mut faults = self.faults(schema, body);
                faults.retain(|fault| !is_known(fault));
                faults
            }
            None if body.is_null() => Vec::new(),
            None if status >= 400 => self.faults(&error, body),
            None => vec![format!("{status} with a body is not described")],
        }
    }

    /// The smallest body that fits `schemas/NAME`, with `known` in it.
    pub(crate) fn sample(&self, name: &str, known: Value) -> Value {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut made = self.smallest(&schema);
        merge(&mut made, known);
        made
    }

    fn faults(&self, schema: &Value, body: &Value) -> Vec<String> {
        let key = schema.to_string();
        let mut compiled = self.compiled.lock().unwrap();
        let validator = compiled.entry(key).or_insert_with(|| {
            let mut root = schema.clone();
            root["components"] = self.whole["components"].clone();
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&root).unwrap())
        });
        let errors = validator.iter_errors(body);
        errors
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect()
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let found = self.whole.pointer(reference.trim_start_matches('#')).unwrap();
                self.resolved(found)
            }
            None => schema,
        }
    }

    /// Fields that the schema does not name: GitHub leaves them out without a word.
    fn unknown(&self, schema: &Value, body: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.resolved(schema);
        match body {
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    self.unknown(&schema["items"], item, &format!("{at}/{place}"), faults);
                }
            }
            Value::Object(fields) => {
                let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                    return;
                };
                for (name, value) in fields {
                    let at = format!("{at}/{name}");
                    let Some(schema) = properties.get(name) else {
                        faults.push(format!("{name:?} is not one of GitHub's fields, at {at}"));
                        continue;
                    };
                    self.unknown(schema, value, &at, faults);
                }
            }
            _ => {}
        }
    }

    fn smallest(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            let mut made = json!({});
            for one in all {
                merge(&mut made, self.smallest(one));
            }
            return made;
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(choice).and_then(Value::as_array)
                && schema.get("type").is_none()
            {
                let null = choices.iter().any(|one| one["type"] == "null");
                return if null {
                    Value::Null
                } else {
                    self.smallest(&choices[0])
                };
            }
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return first.clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) if kinds.contains(&json!("null")) => "null",
            Value::Array(kinds) => kinds[0].as_str().unwrap(),
            kind => kind.as_str().unwrap_or("object"),
        };
        match (kind, schema["format"].as_str()) {
            ("null", _) => Value::Null,
            ("boolean", _) => json!(false),
            ("integer" | "number", _) => json!(1),
            ("array", _) => json!([]),
            ("string", Some("uri")) => json!(ADDRESS),
            ("string", Some("date-time")) => json!("2026-11-20T12:00:00Z"),
            ("string", _) => json!(TEXT),
            _ => {
                let required = schema["required"].as_array().into_iter().flatten();
                let names = required.filter_map(Value::as_str);
                let least = |name: &str| addressed(name, self.smallest(&schema["properties"][name]));
                let fields = names.map(|name| (name.to_owned(), least(name)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

/// Any text.
pub(crate) const TEXT: &str = "x";
/// Any address.
pub(crate) const ADDRESS: &str = "https://github.com/x";

/// Returns what stands in a field for which `made` was made. The description calls some addresses only texts.
pub(crate) fn addressed(name: &str, made: Value) -> Value {
    match made {
        Value::String(text) if text == TEXT && (name.ends_with("url") || name == "href") => json!(ADDRESS),
        made => made,
    }
}

/// Writes `over` into `base`, object by object.
pub(crate) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// What stands in the places of a template; `None` where the path is another.
fn matched(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let (mut templates, mut parts) = (template.split('/'), path.split('/'));
    loop {
        match (templates.next(), parts.next()) {
            (None, None) => return Some(found),
            (Some(expected), Some(part)) => match expected.strip_prefix('{') {
                Some(name) if !part.is_empty() => {
                    found.insert(name.trim_end_matches('}').to_owned(), decoded(part)?);
                }
                None if expected == part => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// Takes percent-encoding off.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
