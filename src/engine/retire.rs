//! Retiring: drained, asked to stop, then made to.

use super::pursue::pause;
use super::retry::attempt;
use super::session::{Broken, Session};
use super::stage::outcome;
use crate::domain::model::{PortError, Slot, UnitId};
use crate::domain::rollout::{Side, StepResult, UnitFailure};
use crate::parallel::each;
use crate::ports::{Removal, Stop};
use std::time::Duration;

/// Time between two looks at what is drained.
const INTERVAL: Duration = Duration::from_millis(20);

/// An instance that is not gone: with what went wrong, or still stopping.
type Left = ((UnitId, Slot), Option<PortError>);

impl Session<'_> {
    /// Drains and removes one side from these units.
    pub(super) fn retire(&mut self, side: Side, units: &[UnitId]) -> Result<StepResult, Broken> {
        let places: Vec<(UnitId, Slot)> = units
            .iter()
            .filter_map(|unit| self.slot(side, unit).map(|slot| (unit.clone(), slot)))
            .collect();
        self.drain(&places)?;
        let patience = self.site.stop.unwrap_or(self.rollout.plan().drain);
        let mut left = self.end(&places, Stop::Graceful, patience.as_duration())?;
        if left.iter().any(|(_, error)| error.is_none()) {
            let stubborn: Vec<(UnitId, Slot)> = left
                .iter()
                .filter(|(_, error)| error.is_none())
                .map(|(place, _)| place.clone())
                .collect();
            left.retain(|(_, error)| error.is_some());
            let patience = self.site.target.capabilities().patience;
            left.extend(self.end(&stubborn, Stop::Force, patience)?);
        }
        let failures = left.into_iter().map(|((unit, slot), error)| UnitFailure {
            reason: error.map_or(format!("its {slot} slot still runs"), |error| error.to_string()),
            unit,
            logs: String::new(),
        });
        match outcome(failures.collect(), units.len(), "could not be removed") {
            StepResult::Done => Ok(self.shift(&[], &places)),
            failed => Ok(failed),
        }
    }

    /// Waits until no request is under way, as long as the plan allows.
    fn drain(&mut self, places: &[(UnitId, Slot)]) -> Result<(), Broken> {
        let deadline = self.site.clock.monotonic() + self.rollout.plan().drain.as_duration();
        // A router that does not answer has nothing under way that waiting could save.
        while self.in_flight(places).unwrap_or(0) > 0 && self.site.clock.monotonic() < deadline {
            self.wait(INTERVAL)?;
        }
        Ok(())
    }

    /// Ends instances and waits until they are gone. What is left: with its error, or still stopping.
    fn end(
        &mut self,
        places: &[(UnitId, Slot)],
        stop: Stop,
        patience: Duration,
    ) -> Result<Vec<Left>, Broken> {
        let began = self.site.clock.monotonic();
        let mut left = places.to_vec();
        loop {
            let results = each(&left, self.parallelism(), |(unit, slot)| {
                attempt(
                    self.clock(),
                    || self.site.target.remove(unit, *slot, stop),
                    || {
                        let slots = self.site.target.inspect(unit)?.slots;
                        Ok((!slots.contains_key(slot)).then_some(Removal::Gone))
                    },
                )
            });
            let mut still = Vec::new();
            for (place, result) in left.into_iter().zip(results) {
                match result {
                    Ok(Removal::Gone) => {}
                    Ok(Removal::Stopping) => still.push((place, None)),
                    Err(error) => still.push((place, Some(error))),
                }
            }
            let stopping = still.iter().any(|(_, error)| error.is_none());
            let passed = self.site.clock.monotonic().saturating_sub(began);
            if !stopping || passed >= patience {
                return Ok(still);
            }
            self.wait(pause(passed))?;
            left = still.into_iter().map(|(place, _)| place).collect();
        }
    }
}
