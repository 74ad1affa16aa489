//! How environments stand, by their ledgers.

use super::error::AppError;
use super::workspace::Workspace;
use crate::domain::history;
use crate::domain::history::{ApprovalRecord, Guards, Promoted, Status, Switched, Timeline, Told};
use crate::domain::model::{EnvironmentName, Record};

/// How one environment stands: the head of its ledger and at most five more records are read.
///
/// # Errors
/// When the ledger cannot be read or understood.
pub fn status(workspace: &Workspace, environment: &EnvironmentName) -> Result<Status, AppError> {
    let ledger = workspace.ledger()?;
    let Some(head) = ledger.head(environment)? else {
        return Ok(Status {
            environment: environment.clone(),
            live: None,
            open: None,
            last: None,
            protection: None,
        });
    };
    let mut others: Vec<Record> = Vec::new();
    for seq in history::wanted(&head.record) {
        others.extend(ledger.read(environment, seq)?.map(|stored| stored.record));
    }
    let lease = workspace.lease()?.holder(environment)?;
    history::status(&head.record, &others, lease).map_err(|error| AppError::record(&error))
}

/// What happened in one environment.
pub struct Past {
    /// Deployments, rollbacks and scans, oldest first.
    pub timeline: Timeline,
    /// Promotions, oldest first.
    pub promotions: Vec<Promoted>,
    /// Switches of its protection, oldest first.
    pub switches: Vec<Switched>,
    /// Approvals given and withdrawn, oldest first.
    pub approvals: Vec<Told<ApprovalRecord>>,
    /// Locks and freezes put on and taken off, oldest first.
    pub guards: Vec<Told<Guards>>,
    /// Whether someone is at work there now.
    pub held: bool,
}

/// What happened in one environment.
///
/// # Errors
/// When the ledger cannot be read.
pub fn past(workspace: &Workspace, environment: &EnvironmentName) -> Result<Past, AppError> {
    let records = super::record::all(workspace.ledger()?.as_ref(), environment)?;
    let held = workspace.lease()?.holder(environment)?.is_some();
    Ok(Past {
        timeline: history::timeline(&records),
        promotions: history::promotions(&records),
        switches: history::told_by(&records),
        approvals: history::told_by(&records),
        guards: history::told_by(&records),
        held,
    })
}
