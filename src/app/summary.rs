//! Reports of finished rollouts, from their events.

use super::deploy::Deployed;
use super::error::AppError;
use super::verify::Verified;
use crate::model::Digest;
use crate::report::{Recorded, RunReport};
use crate::rollout::{Event, acts};

/// The report of one rollout.
///
/// # Errors
/// When the events do not begin with a plan.
pub fn report(events: &[Recorded]) -> Result<RunReport, AppError> {
    let steps = match events.first().map(|recorded| &recorded.event) {
        Some(Event::Planned(plan)) => acts(plan, events.iter().skip(1).map(|recorded| &recorded.event)),
        _ => std::collections::BTreeMap::new(),
    };
    // Secrets were taken out before the events were recorded.
    RunReport::fold(events, &|id| steps.get(&id).cloned(), &str::to_owned)
        .map_err(|error| AppError::Record(error.to_string()))
}

/// The same, with the ledger's head hash.
///
/// # Errors
/// As [`report`].
pub fn of(deployed: &Deployed) -> Result<RunReport, AppError> {
    headed(&deployed.events, deployed.head.as_ref())
}

/// The report of one rollout, with the ledger's head hash where it is known.
///
/// # Errors
/// As [`report`].
pub(super) fn headed(events: &[Recorded], head: Option<&Digest>) -> Result<RunReport, AppError> {
    let report = report(events)?;
    Ok(match head {
        Some(head) => report.with_ledger_head(head.clone()),
        None => report,
    })
}

/// The report of suites that were run outside of any rollout.
///
/// # Errors
/// As [`report`].
pub fn of_checks(verified: &Verified) -> Result<RunReport, AppError> {
    Ok(report(&verified.events)?.of_checks(verified.verdict))
}
