//! Staging: releases put into slots, many units at a time.

use super::retry::attempt;
use super::session::Session;
use super::site::Site;
use crate::model::{Release, UnitId};
use crate::parallel::each;
use crate::ports::{ErrorKind, PortError};
use crate::rollout::{Side, StepResult, UnitFailure};

impl Session<'_> {
    /// Puts the candidate into its slot of each unit.
    pub(super) fn stage(&self, units: &[UnitId]) -> StepResult {
        let candidate = self.rollout.plan().candidate.clone();
        self.put_all(units, Side::Candidate, |unit| {
            self.put(unit, Side::Candidate, &candidate)
        })
    }

    /// Puts the previous release back into each unit where it is not still there.
    pub(super) fn restore(&self, units: &[UnitId]) -> StepResult {
        let previous = self.rollout.plan().previous.clone();
        self.put_all(units, Side::Previous, |unit| match &previous {
            Some(release) => match self.put(unit, Side::Previous, release) {
                // Nobody else puts anything there: what runs is what ran before, though the record
                // knows another release.
                Err(error) if error.kind == ErrorKind::Conflict => {
                    match self.instance(Side::Previous, unit)? {
                        Some(instance) if instance.running => Ok(()),
                        _ => Err(error),
                    }
                }
                done => done,
            },
            // Something of ours ran here that no record describes: it can be kept, not made again.
            None => match self.instance(Side::Previous, unit)? {
                Some(instance) if instance.running => Ok(()),
                _ => Err(PortError::new(
                    ErrorKind::Missing,
                    format!("restoring {unit}"),
                    "the ledger does not know what ran here before",
                )),
            },
        })
    }

    fn put_all(
        &self,
        units: &[UnitId],
        side: Side,
        put: impl Fn(&UnitId) -> Result<(), PortError> + Sync,
    ) -> StepResult {
        let results = each(units, self.parallelism(), |unit| put(unit).err());
        let failures: Vec<UnitFailure> = units
            .iter()
            .zip(results)
            .filter_map(|(unit, error)| {
                error.map(|error| UnitFailure {
                    unit: unit.clone(),
                    reason: error.to_string(),
                    logs: self.logs(side, unit),
                })
            })
            .collect();
        outcome(failures, units.len(), "could not be started")
    }

    fn put(&self, unit: &UnitId, side: Side, release: &Release) -> Result<(), PortError> {
        let doing = || format!("starting {} in {unit}", Site::image(release));
        let slot = self
            .slot(side, unit)
            .ok_or_else(|| PortError::new(ErrorKind::Invalid, doing(), "the plan gives it no slot"))?;
        let (target, id) = (&self.site.target, release.id());
        attempt(
            self.clock(),
            || target.put(unit, slot, release).map(|_| ()),
            || {
                let there = target.inspect(unit)?.slots.remove(&slot);
                Ok(there
                    .filter(|instance| instance.release == id && instance.running)
                    .map(|_| ()))
            },
        )
    }

    /// The last lines that an instance wrote; nothing where they cannot be had.
    pub(super) fn logs(&self, side: Side, unit: &UnitId) -> String {
        const LINES: usize = 20;
        self.slot(side, unit)
            .and_then(|slot| self.site.target.logs(unit, slot, LINES).ok())
            .unwrap_or_default()
    }
}

/// `Done` without failures, else a failure that names the first and counts the rest.
pub(super) fn outcome(failures: Vec<UnitFailure>, of: usize, what: &str) -> StepResult {
    let Some(first) = failures.first() else {
        return StepResult::Done;
    };
    let reason = if failures.len() == 1 {
        format!("{} {what}: {}", first.unit, first.reason)
    } else {
        format!(
            "{} of {of} units {what}; {}: {}",
            failures.len(),
            first.unit,
            first.reason
        )
    };
    StepResult::Failed {
        reason,
        units: failures,
    }
}
