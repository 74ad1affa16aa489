//! Bytes → report. What is not known for certain is an error.

use super::report::ScanReport;
use super::{grype, trivy};
use crate::domain::model::Severity;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

/// A report that says nothing that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It has no content.
    #[error("the scanner wrote nothing")]
    Empty,
    /// It ends before its end.
    #[error("the report ends in the middle, after {bytes} bytes")]
    Truncated {
        /// How much there is.
        bytes: usize,
    },
    /// It is not JSON.
    #[error("the report is not JSON ({reason})")]
    NotJson {
        /// What is wrong with it.
        reason: String,
    },
    /// It is JSON of another kind.
    #[error("the report is {found}, which cannot be judged")]
    Unknown {
        /// What it looks like.
        found: String,
    },
    /// It is nearly a report.
    #[error("the report of {scanner} has an unexpected shape: {reason}")]
    Shape {
        /// Which scanner's.
        scanner: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReadError {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Empty => {
                "let the scanner write its report as JSON to standard output (trivy: --format json, grype: -o json)"
            }
            Self::Truncated { .. } => "see whether the scanner was ended, or its disk is full",
            Self::NotJson { .. } => {
                "let the scanner write JSON (trivy: --format json, grype: -o json) and nothing else to standard output"
            }
            Self::Unknown { .. } => "use the JSON of Trivy (--format json) or of Grype (-o json)",
            Self::Shape { .. } => "see whether it was written by a version that greenroom does not know",
        }
    }
}

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

/// A scanner's word for a severity; none is as good as unknown.
pub(super) fn severity(word: Option<&str>, scanner: &'static str) -> Result<Severity, ReadError> {
    match word {
        None | Some("") => Ok(Severity::Unknown),
        Some(word) => word.parse().map_err(|error| ReadError::Shape {
            scanner,
            reason: format!("{error}"),
        }),
    }
}

/// At most `most` characters of what a report says: nothing in it is trusted to be short.
pub(super) fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Most characters of a name in a report.
pub(super) const NAME: usize = 200;
/// Most characters of a URL, path or title.
pub(super) const LONG: usize = 500;
