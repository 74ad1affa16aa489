//! The resolved vulnerability scan.

use super::place::{Located, Span};
use crate::domain::model::{EnvironmentType, Period, Severity, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A vulnerability scan of the image, before it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where the report comes from.
    pub source: ScanSource,
    /// Severities that count against an image.
    pub block: BTreeSet<Severity>,
    /// Severities that are shown.
    pub severities: BTreeSet<Severity>,
    /// Whether findings without a fix are left out of account.
    pub ignore_unfixed: bool,
    /// Whether only findings count that the live image does not have.
    pub only_new: bool,
    /// Findings that are put up with.
    pub allow: Vec<ScanAllowance>,
    /// The largest age of the scanner's database; any where `None`.
    pub max_database_age: Option<Period>,
    /// What findings that count do, for every type of environment.
    pub levels: BTreeMap<EnvironmentType, ScanLevel>,
    /// Where it is written.
    pub place: Span,
}

/// Where a report comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanSource {
    /// A command that writes it to its standard output.
    Command {
        /// The program and its arguments, with templates.
        argv: Vec<String>,
        /// Its time limit.
        timeout: Period,
        /// Exit codes other than 0 with which the report is whole.
        findings_exit_codes: Vec<i32>,
    },
    /// A file, relative to the project.
    Report(PathBuf),
}

/// A finding that is put up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanAllowance {
    /// The vulnerability, by any of its names.
    pub id: Located<String>,
    /// Only in this package; in any where `None`.
    pub package: Option<String>,
    /// Why.
    pub reason: String,
    /// First instant at which it no longer holds.
    pub until: Option<Timestamp>,
}

/// What findings that count do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScanLevel {
    /// Nothing is scanned.
    Off,
    /// They are shown, and the deployment goes on.
    Warn,
    /// They stop the deployment.
    Block,
}
