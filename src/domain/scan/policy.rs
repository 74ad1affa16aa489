//! What a project puts up with.

use crate::domain::model::{Period, Severity, Timestamp};
use std::collections::BTreeSet;

/// A finding that is put up with, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The vulnerability, by any of its names.
    pub id: String,
    /// Only in this package, by name or package URL; in any where `None`.
    pub package: Option<String>,
    /// Why.
    pub reason: String,
    /// First instant at which it no longer holds.
    pub until: Option<Timestamp>,
}

/// What counts against an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Severities that stop a deployment.
    pub block: BTreeSet<Severity>,
    /// Severities that are shown at all.
    pub severities: BTreeSet<Severity>,
    /// Findings without a fix do not count.
    pub ignore_unfixed: bool,
    /// Findings that are put up with.
    pub allow: Vec<Allowance>,
    /// Only findings that the baseline does not have count.
    pub only_new: bool,
    /// The largest age of the database of vulnerabilities.
    pub max_database_age: Option<Period>,
}

impl Default for Policy {
    /// Critical and high ones count, and every one is shown.
    fn default() -> Self {
        Self {
            block: BTreeSet::from([Severity::Critical, Severity::High]),
            severities: BTreeSet::from(Severity::ALL),
            ignore_unfixed: false,
            allow: Vec::new(),
            only_new: false,
            max_database_age: None,
        }
    }
}

impl Policy {
    /// The severities that block, worst first: `CRITICAL or HIGH`.
    pub fn blocking(&self) -> String {
        let words: Vec<&str> = self
            .block
            .iter()
            .rev()
            .map(|severity| severity.as_str())
            .collect();
        words.join(" or ")
    }
}
