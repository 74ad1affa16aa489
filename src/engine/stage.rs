//! Staging: releases put into slots, many units at a time.

use super::retry::attempt;
use super::session::{Broken, Session};
use super::site::Site;
use crate::domain::model::{ErrorKind, PortError, Release, UnitId};
use crate::domain::rollout::{Side, StepResult, UnitFailure};
use crate::ports::Progress;

impl Session<'_> {
    /// Puts the candidate into its slot of each unit.
    pub(super) fn stage(&mut self, units: &[UnitId]) -> Result<StepResult, Broken> {
        let candidate = self.rollout.plan().candidate.clone();
        self.put_all(units, Side::Candidate, |session, unit| {
            session.put(unit, Side::Candidate, &candidate)
        })
    }

    /// Puts the previous release back into each unit where it is not still there.
    pub(super) fn restore(&mut self, units: &[UnitId]) -> Result<StepResult, Broken> {
        let failures = self.bring_back(units)?;
        if !failures.is_empty() {
            return Ok(outcome(failures, units.len(), "could not be brought back"));
        }
        let previous = self.rollout.plan().previous.clone();
        self.put_all(units, Side::Previous, |session, unit| match &previous {
            Some(release) => match session.put(unit, Side::Previous, release) {
                // Nobody else puts anything there: what runs is what ran before, though the record
                // knows another release.
                Err(error) if error.kind == ErrorKind::Conflict => {
                    match session.instance(Side::Previous, unit)? {
                        Some(instance) if instance.running => Ok(Progress::Done(())),
                        _ => Err(error),
                    }
                }
                done => done,
            },
            // Something of ours ran here that no record describes: it can be kept, not made again.
            None => match session.instance(Side::Previous, unit)? {
                Some(instance) if instance.running => Ok(Progress::Done(())),
                _ => Err(PortError::new(
                    ErrorKind::Missing,
                    format!("restoring {unit}"),
                    "the ledger does not know what ran here before",
                )),
            },
        })
    }

    fn put_all(
        &mut self,
        units: &[UnitId],
        side: Side,
        put: impl Fn(&Self, &UnitId) -> Result<Progress<()>, PortError> + Sync,
    ) -> Result<StepResult, Broken> {
        let results = self.pursue(units, put)?;
        let failures = self.failures(units, side, results);
        Ok(outcome(failures, units.len(), "could not be started"))
    }

    /// The units whose act failed, each with the last lines of what stands there.
    pub(super) fn failures<T>(
        &self,
        units: &[UnitId],
        side: Side,
        results: Vec<Result<T, PortError>>,
    ) -> Vec<UnitFailure> {
        let failed = units
            .iter()
            .zip(results)
            .filter_map(|(unit, result)| Some((unit, result.err()?)));
        failed
            .map(|(unit, error)| UnitFailure {
                unit: unit.clone(),
                reason: error.to_string(),
                logs: self.logs(side, unit),
            })
            .collect()
    }

    fn put(&self, unit: &UnitId, side: Side, release: &Release) -> Result<Progress<()>, PortError> {
        let doing = || format!("starting {} in {unit}", Site::image(release));
        let slot = self
            .slot(side, unit)
            .ok_or_else(|| PortError::new(ErrorKind::Invalid, doing(), "the plan gives it no slot"))?;
        let (target, id) = (&self.site.target, release.id());
        attempt(
            self.clock(),
            || {
                Ok(match target.put(unit, slot, release)? {
                    Progress::Done(_) => Progress::Done(()),
                    Progress::Underway(what) => Progress::Underway(what),
                })
            },
            || {
                let there = target.inspect(unit)?.slots.remove(&slot);
                Ok(there
                    .filter(|instance| instance.release == id && instance.running)
                    .map(|_| Progress::Done(())))
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
