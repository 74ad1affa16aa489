//! Bytes → report. What is not known for certain is an error.

use super::fields::{ReadError, clip};
use super::report::ScanReport;
use super::{grype, trivy};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
/// Reads the JSON report of Trivy (`SchemaVersion` 2) or Grype.
///
/// # Errors
/// When it is anything else, or not all of it is there.
pub fn read(bytes: &[u8]) -> Result<ScanReport, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty);
    }
    // The whole text is looked at once without keeping it, so that a report is held in memory only in
    // the form that is wanted.
    let mark: Mark = match serde_json::from_slice(bytes) {
        Ok(mark) => mark,
        Err(error) if error.is_eof() => return Err(ReadError::Truncated { bytes: bytes.len() }),
        Err(error) if error.is_data() => Mark::default(),
        Err(error) => {
            return Err(ReadError::NotJson {
                reason: error.to_string(),
            });
        }
    };
    if mark.schema_version.is_some() {
        return trivy::report(shaped("Trivy", bytes)?).map(ScanReport::sorted);
    }
    if mark
        .descriptor
        .is_some_and(|descriptor| descriptor.name.as_deref() == Some("grype"))
    {
        return grype::report(shaped("Grype", bytes)?).map(ScanReport::sorted);
    }
    Err(ReadError::Unknown {
        found: resembled(&serde_json::from_slice(bytes).unwrap_or_default()),
    })
}

/// What tells the reports of scanners apart.
#[derive(Deserialize, Default)]
struct Mark {
    #[serde(rename = "SchemaVersion")]
    schema_version: Option<IgnoredAny>,
    descriptor: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    name: Option<String>,
}

fn shaped<T: for<'de> Deserialize<'de>>(scanner: &'static str, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| ReadError::Shape {
        scanner,
        reason: error.to_string().chars().take(200).collect(),
    })
}

/// What the document looks like, in a few words.
fn resembled(value: &Value) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if value.get("runs").is_some() {
        return "SARIF (it has no fixed versions and no package URLs)".to_owned();
    }
    if text("bomFormat").is_some() || text("spdxVersion").is_some() {
        return "a list of packages (SBOM)".to_owned();
    }
    match value {
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().take(4).map(|name| clip(name, 40)).collect();
            format!("a JSON object with the fields {}", names.join(", "))
        }
        Value::Array(_) => "a JSON list".to_owned(),
        _ => "a single JSON value".to_owned(),
    }
}
