//! Why a command ended without success.

use crate::domain::model::{ConfigurationProblem, EnvironmentName};
use serde::Serialize;

/// A command that ended without success.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.error/1", rename_all = "camelCase")]
pub struct FailureDocument {
    /// The exit code.
    pub exit: u8,
    /// Why.
    pub error: FailureReason,
}

/// Why something did not succeed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureReason {
    /// `configuration`, `refused`, `busy`, or else the name of the exit code in lower case: `usage`, `halted`.
    pub kind: String,
    /// What is to be said about it: other fields for other kinds.
    #[serde(flatten)]
    pub detail: FailureDetail,
}

/// What is to be said about a failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FailureDetail {
    /// The configuration cannot be used.
    Configuration {
        /// Every problem that was found.
        problems: Vec<ConfigurationProblem>,
    },
    /// Gates are not met.
    Refused {
        /// Every gate that is not met.
        refusals: Vec<RefusalRow>,
    },
    /// Another run holds the environment.
    Busy {
        /// The environment.
        environment: EnvironmentName,
        /// Who holds it, since when, and until when.
        holder: String,
        /// What that came from, the nearest first.
        causes: Vec<String>,
        /// What to do about it, where that is known.
        fix: Option<String>,
    },
    /// Anything else.
    Other {
        /// What is the matter, in words.
        message: String,
        /// What that came from, the nearest first.
        causes: Vec<String>,
        /// What to do about it, where that is known.
        fix: Option<String>,
    },
}

/// A gate that is not met.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalRow {
    /// The word for the gate: `freeze`, `tests`.
    pub gate: &'static str,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub fix: String,
}
