//! What the readers of all reports share: why one cannot be read, and how much of a field is kept.

use crate::domain::model::Severity;
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
