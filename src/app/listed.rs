//! What stands in the ledger and one record holds whole (a switch, a list): read, and changed by appending the next.

use super::error::AppError;
use super::record::append_beside;
use super::workspace::Workspace;
use crate::domain::history;
use crate::domain::history::{StandingRecord, Told};
use crate::domain::model::{Draft, EnvironmentName, Explanation, Stored};
use crate::ports::Ledger;
use serde::Serialize;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// The newest record of kind `T`, of an environment whose newest record is `head`:
/// one more read at most.
///
/// # Errors
/// When the ledger cannot be read, or holds something else there: what guards an environment is never guessed.
pub(super) fn newest<T: StandingRecord>(
    ledger: &dyn Ledger,
    head: Option<&Stored>,
) -> Result<Option<Told<T>>, AppError> {
    let Some(head) = head.map(|head| &head.record) else {
        return Ok(None);
    };
    let Some(seq) = history::newest_of::<T>(head) else {
        return Ok(None);
    };
    let record = if seq == head.seq {
        Some(head.clone())
    } else {
        ledger.read(&head.environment, seq)?.map(|stored| stored.record)
    };
    let told = record
        .map(|record| history::told_in::<T>(&record))
        .transpose()
        .map_err(|error| AppError::record(&error))?
        .flatten();
    told.map(Some).ok_or_else(|| {
        AppError::record(
            Explanation::new(format!(
                "record {seq} of {} should be of kind {} and is not",
                head.environment,
                T::KIND
            ))
            .fix("run `greenroom audit verify`"),
        )
    })
}

/// Appends what `next` makes of what stands, again for each writer that was first; nothing
/// with `None`. The values of secrets are taken out of it.
///
/// # Errors
/// When the ledger does not take it; those of `next`.
pub(super) fn change<T: StandingRecord + Serialize>(
    workspace: &Workspace,
    environment: &EnvironmentName,
    doing: &str,
    mut next: impl FnMut(Option<Told<T>>) -> Result<Option<T>, AppError>,
) -> Result<Option<Stored>, AppError> {
    let ledger = workspace.ledger()?;
    append_beside(ledger.as_ref(), environment, doing, |head| {
        let Some(kept) = next(newest::<T>(ledger.as_ref(), head)?)? else {
            return Ok(None);
        };
        let mut body = serde_json::to_value(&kept).map_err(|error| {
            AppError::record(Explanation::new(format!("{doing}: it cannot be written down")).because(&error))
        })?;
        workspace.redactor().redact_document(&mut body);
        Ok(Some(Draft {
            at: workspace.context.clock.now(),
            epoch: 0,
            deployment: None,
            kind: T::KIND.to_owned(),
            refs: history::refs_after_kept::<T>(head.map(|head| &head.record)),
            body,
        }))
    })
}

/// The reason, where it can be kept.
///
/// # Errors
/// [`AppError::Usage`] for one that is empty, too long, or more than a line.
pub(super) fn reason(reason: &str) -> Result<&str, AppError> {
    let reason = reason.trim();
    let fits = (1..=LONGEST_REASON).contains(&reason.chars().count());
    if fits && !reason.chars().any(char::is_control) {
        return Ok(reason);
    }
    Err(AppError::usage(format!(
        "the reason has to be one line of 1 to {LONGEST_REASON} characters: it is what others read later"
    )))
}
