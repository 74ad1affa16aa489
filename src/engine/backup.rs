//! Backups: taken and looked at before anything is touched, brought back where the previous release is
//! gone.

use super::retry::{attempt, look};
use super::session::{Broken, Session};
use super::stage::outcome;
use crate::domain::model::{BackupId, ErrorKind, PortError, UnitId};
use crate::domain::rollout::{Event, Side, StepId, StepResult, UnitFailure};
use crate::parallel::each;
use crate::ports::{Backup, Progress};
use std::sync::Arc;

impl Session<'_> {
    /// Saves what runs in these units, and looks whether it is really saved.
    pub(super) fn back_up(&mut self, id: StepId, units: &[UnitId]) -> Result<StepResult, Broken> {
        let backup = match self.backup() {
            Ok(backup) => backup,
            Err(failed) => return Ok(failed),
        };
        let label = self.rollout.plan().deployment.to_string();
        let taken = self.pursue(units, |session, unit| {
            let slot = session.placed(unit)?;
            // To take the same backup again does nothing where it is there.
            attempt(session.clock(), || backup.take(unit, slot, &label), || Ok(None))
        })?;
        for (unit, taken) in units.iter().zip(&taken) {
            if let Ok(name) = taken {
                self.record(Event::BackedUp {
                    step: id,
                    unit: unit.clone(),
                    backup: name.clone(),
                })?;
            }
        }
        let taken: Vec<(&UnitId, Result<BackupId, PortError>)> = units.iter().zip(taken).collect();
        let proven = each(&taken, self.parallelism(), |(unit, taken)| {
            let slot = self.placed(unit)?;
            let name = taken.as_ref().map_err(PortError::clone)?;
            look(self.clock(), || backup.verify(unit, slot, name))
        });
        let failures = self.failures(units, Side::Previous, proven);
        Ok(outcome(failures, units.len(), "could not be backed up"))
    }

    /// Removes all but the newest backups of these units.
    pub(super) fn prune_backups(&self, units: &[UnitId], keep: u32) -> StepResult {
        let backup = match self.backup() {
            Ok(backup) => backup,
            Err(failed) => return failed,
        };
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let pruned = each(units, self.parallelism(), |unit| {
            look(self.clock(), || backup.prune(unit, keep))
        });
        let failures = self.failures(units, Side::Candidate, pruned);
        outcome(failures, units.len(), "could not be cleared of old backups")
    }

    /// Brings back from their backups those units in which the previous release does not run any more.
    /// A backup that went with what it was made of is passed over: the release is made anew.
    pub(super) fn bring_back(&mut self, units: &[UnitId]) -> Result<Vec<UnitFailure>, Broken> {
        let saved: Vec<(UnitId, BackupId)> = units
            .iter()
            .filter_map(|unit| Some((unit.clone(), self.rollout.backup(unit)?.clone())))
            .filter(|(unit, _)| {
                let there = self.instance(Side::Previous, unit);
                !there.is_ok_and(|there| there.is_some_and(|instance| instance.running))
            })
            .collect();
        if saved.is_empty() {
            return Ok(Vec::new());
        }
        let gone: Vec<UnitId> = saved.iter().map(|(unit, _)| unit.clone()).collect();
        let Ok(backup) = self.backup() else {
            return Ok(Vec::new());
        };
        let restored = self.pursue(&gone, |session, unit| {
            let slot = session.placed(unit)?;
            let Some((_, name)) = saved.iter().find(|(known, _)| known == unit) else {
                return Ok(Progress::Done(()));
            };
            match look(session.clock(), || backup.restore(unit, slot, name)) {
                Err(error) if error.kind == ErrorKind::Missing => Ok(Progress::Done(())),
                restored => restored,
            }
        })?;
        Ok(self.failures(&gone, Side::Previous, restored))
    }

    /// The slot of the previous release.
    fn placed(&self, unit: &UnitId) -> Result<crate::domain::model::Slot, PortError> {
        self.slot(Side::Previous, unit).ok_or_else(|| {
            PortError::new(
                ErrorKind::Invalid,
                format!("backing up {unit}"),
                "the plan knows of nothing there",
            )
        })
    }

    fn backup(&self) -> Result<Arc<dyn Backup>, StepResult> {
        self.site.backup.clone().ok_or_else(|| StepResult::Failed {
            reason: "this target makes no backups".to_owned(),
            units: Vec::new(),
        })
    }
}
