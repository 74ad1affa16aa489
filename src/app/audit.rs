//! Whether a ledger is whole.

use super::error::AppError;
use super::workspace::Workspace;
use crate::history::{Audit, Expectation, verify};
use crate::ledger::DirectoryLedger;
use crate::model::{Digest, EnvironmentName};

/// The audit of one environment's ledger, and files in it that are no records.
///
/// # Errors
/// When the ledger cannot be read.
pub fn audit(
    workspace: &Workspace,
    environment: &EnvironmentName,
    anchor: Option<&Digest>,
) -> Result<(Audit, Vec<String>), AppError> {
    let ledger = DirectoryLedger::open(workspace.ledger_directory()?);
    let raw = ledger.raw(environment)?;
    let expectation = Expectation {
        environment,
        head: raw.head,
        anchor: anchor.cloned(),
    };
    Ok((verify(raw.records, &expectation), raw.strangers))
}
