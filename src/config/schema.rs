//! The JSON Schema of the configuration, made from the types that read it.

use super::raw::{RawEnvironment, RawPipeline};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Value, json};

/// The schema of `greenroom.yaml`, in JSON Schema 2020-12.
pub fn pipeline() -> Value {
    schema_of::<RawPipeline>("greenroom.schema.json")
}

/// The schema of an environment file.
pub fn environment() -> Value {
    schema_of::<RawEnvironment>("environment.schema.json")
}

fn schema_of<T: JsonSchema>(name: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("$id".into(), Value::from(name));
    schema.to_value()
}

/// `rolling` and `canary` may stand alone, with every default.
pub(super) fn bare_strategies(schema: &mut Schema) {
    also(
        schema,
        json!({ "enum": ["rolling", "canary"], "description": "With every default." }),
    );
}

/// `dockerfile` may stand alone, with every default.
pub(super) fn dockerfile_or_none(schema: &mut Schema) {
    also(
        schema,
        json!({ "enum": ["dockerfile"], "description": "With every default." }),
    );
}

fn also(schema: &mut Schema, alternative: Value) {
    if let Some(Value::Array(alternatives)) = schema.get_mut("oneOf") {
        alternatives.push(alternative);
    }
}
