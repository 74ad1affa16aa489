//! Whether the chains of ledgers are whole.

use crate::domain::history::{Audit, AuditFinding};
use crate::domain::model::{Digest, EnvironmentName};
use serde::Serialize;

/// Every ledger that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.audit/1", rename_all = "camelCase")]
pub struct AuditDocument {
    /// Each, in the order of the names of their environments.
    pub ledgers: Vec<AuditRow>,
}

/// One ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its environment.
    pub environment: EnvironmentName,
    /// Whether every record is there and is as it was written.
    pub whole: bool,
    /// How many records were read.
    pub length: u64,
    /// sha256 of the newest record; `None` where there is none that can be read.
    pub head: Option<Digest>,
    /// What is wrong.
    pub findings: Vec<AuditFinding>,
    /// Names of files in it that are not records.
    pub strangers: Vec<String>,
}

impl AuditRow {
    /// Shows what the audit of `environment` found, with the files that are not records.
    pub fn of(environment: &EnvironmentName, audit: Audit, strangers: Vec<String>) -> Self {
        Self {
            environment: environment.clone(),
            whole: audit.is_whole(),
            length: audit.length,
            head: audit.head,
            findings: audit.findings,
            strangers,
        }
    }
}
