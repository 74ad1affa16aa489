//! Checks: of the configuration, before the build, and of everything that has to be reached.

use crate::domain::model::{ConfigurationProblem, Period};
use serde::Serialize;

/// A configuration without errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.check/1", rename_all = "camelCase")]
pub struct CheckDocument {
    /// Always true: a configuration with errors is a [`FailureDocument`](super::FailureDocument).
    pub valid: bool,
    /// What is worth knowing about it all the same.
    pub notes: Vec<ConfigurationProblem>,
}

/// The checks before the build.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.validation/1", rename_all = "camelCase")]
pub struct ValidationDocument {
    /// Those that passed, in their order.
    pub passed: Vec<ValidationRow>,
}

/// A check that passed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationRow {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub took: Period,
}

/// Whether everything can be reached, with the rights that are needed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.doctor/1", rename_all = "camelCase")]
pub struct DoctorDocument<'a> {
    /// The exit code.
    pub exit: u8,
    /// Every look, those of one area together.
    pub checks: Vec<DoctorRow<'a>>,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorRow<'a> {
    /// What it belongs to: `project`, or the name of an environment.
    pub area: &'a str,
    /// What was looked at: "storage local-zfs".
    pub what: &'a str,
    /// How it was found.
    pub standing: DoctorResult,
    /// What was found, in words.
    pub found: &'a str,
    /// Whose matter it is; left out where nothing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<DoctorCause>,
    /// What makes it right: commands, or what to write where. Empty where it is right.
    pub fix: &'a [String],
}

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DoctorResult {
    /// As it has to be.
    Ok,
    /// It works, and somebody should know about it.
    Warning,
    /// It does not work.
    Failed,
    /// There is nothing to look at, or it could not be looked at because of something that failed.
    NotApplicable,
}

/// Whose matter a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DoctorCause {
    /// The configuration, or what is installed and set where greenroom runs.
    Setup,
    /// What is to be reached: it does not answer, or does not allow it.
    Access,
}
