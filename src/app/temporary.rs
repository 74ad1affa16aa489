//! What the ledger says about acceptance deployments: each is a chain of its own.

use crate::app::error::AppError;
use crate::app::hold::Hold;
use crate::app::workspace::Workspace;
use crate::config::environment::Environment;
use crate::domain::history;
use crate::domain::history::{ACCEPTANCE, AcceptanceRecord, AcceptanceTerms};
use crate::domain::model::{Draft, EnvironmentName, Explanation, Origin};
use crate::ports::Ledger;

/// Records that an acceptance deployment is about to be made, once, before anything of it is there; does
/// nothing for an environment that is configured.
///
/// # Errors
/// When the ledger does not take it.
pub(super) fn begin(
    workspace: &Workspace,
    environment: &Environment,
    origin: &Origin,
    hold: &Hold,
) -> Result<(), AppError> {
    let Some(temporary) = &environment.temporary else {
        return Ok(());
    };
    let ledger = workspace.ledger()?;
    let name = &environment.name.value;
    if made(ledger.as_ref(), name)?.is_some() {
        return Ok(());
    }
    let made = AcceptanceRecord::Made(AcceptanceTerms {
        of: temporary.of.clone(),
        configuration: temporary.configuration.clone(),
        suite: temporary.suite.clone(),
        expires: temporary.expires,
        origin: origin.clone(),
    });
    append(workspace, name, &made, hold)
}

/// Records that nothing is left of it, where its beginning is on record and its end is not.
pub(super) fn end(
    workspace: &Workspace,
    name: &EnvironmentName,
    origin: &Origin,
    hold: &Hold,
) -> Result<(), AppError> {
    if made(workspace.ledger()?.as_ref(), name)?.is_none() {
        return Ok(());
    }
    let removed = AcceptanceRecord::Removed {
        origin: origin.clone(),
    };
    append(workspace, name, &removed, hold)
}

/// How it was made; `None` for one that is not on record, or whose end is.
pub(super) fn made(ledger: &dyn Ledger, name: &EnvironmentName) -> Result<Option<AcceptanceTerms>, AppError> {
    let Some(head) = ledger.head(name)? else {
        return Ok(None);
    };
    let Some(seq) = history::made_at(&head.record) else {
        return Ok(None);
    };
    let record = ledger.read(name, seq)?.map(|stored| stored.record);
    let found = record.as_ref().map(history::acceptance_in).transpose();
    match found.map_err(|error| AppError::record(&error))?.flatten() {
        Some(AcceptanceRecord::Made(made)) => Ok(Some(made)),
        Some(AcceptanceRecord::Removed { .. }) | None => Err(AppError::record(
            Explanation::new(format!(
                "record {seq} of {name} should tell how it was made and does not"
            ))
            .fix("run `greenroom audit verify`"),
        )),
    }
}

fn append(
    workspace: &Workspace,
    name: &EnvironmentName,
    acceptance: &AcceptanceRecord,
    hold: &Hold,
) -> Result<(), AppError> {
    let ledger = workspace.ledger()?;
    let mut body = serde_json::to_value(acceptance)
        .map_err(|error| AppError::record(Explanation::new("it cannot be written down").because(&error)))?;
    workspace.redactor().redact_document(&mut body);
    let head = ledger.head(name)?;
    let draft = Draft {
        at: workspace.context.clock.now(),
        epoch: hold.epoch(),
        deployment: None,
        kind: ACCEPTANCE.to_owned(),
        refs: history::refs_after_acceptance(head.as_ref().map(|head| &head.record), acceptance),
        body,
    };
    ledger.append(name, head.as_ref(), &draft)?;
    Ok(())
}
