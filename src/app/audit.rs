//! Whether a ledger is whole.

use super::error::AppError;
use super::workspace::Workspace;
use crate::domain::history::{Audit, AuditFinding, Expectation, Problem, verify};
use crate::domain::model::{Digest, EnvironmentName};

/// The audit of one environment's ledger, and files in it that are no records.
///
/// # Errors
/// When the ledger cannot be read.
pub fn audit(
    workspace: &Workspace,
    environment: &EnvironmentName,
    anchor: Option<&Digest>,
) -> Result<(Audit, Vec<String>), AppError> {
    let ledger = workspace.raw_ledger()?;
    let raw = ledger.raw(environment)?;
    let expectation = Expectation {
        environment,
        head: raw.head,
        anchor: anchor.cloned(),
    };
    let mut audit = verify(raw.records, &expectation);
    audit.findings.extend(raw.rewritten.map(|detail| AuditFinding {
        seq: None,
        what: Problem::Rewritten { detail },
    }));
    Ok((audit, raw.strangers))
}
