//! The loop itself.

use super::journal::{Journal, JournalError};
use super::keeper::LeaseKeeper;
use super::retry::look;
use super::signals::Signals;
use super::site::Site;
use crate::domain::model::{Instance, Percent, Period, PortError, Slot, Timestamp, UnitId};
use crate::domain::rollout::{Event, Next, Outcome, Rejected, Rollout, Side, Step, StepId, StepResult};
use crate::ports::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why a rollout was left where it is. It can be resumed.
#[derive(Debug, Error)]
pub enum DriveError {
    /// A second signal came: stop at once.
    #[error("stopped by {0} before the rollout came to an end")]
    Stopped(&'static str),
    /// Another run holds the environment now.
    #[error("the lease on the environment was lost to another run: nothing more was touched")]
    LeaseLost,
    /// What happens can no longer be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A bug.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// Why a step was broken off.
pub(super) enum Broken {
    /// A signal came while waiting, and the machine has changed course.
    Interrupted,
    /// The rollout cannot go on.
    Drive(DriveError),
}

impl<E: Into<DriveError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Drive(error.into())
    }
}

/// One rollout being driven to its end.
pub struct Session<'a> {
    pub(super) site: &'a Site,
    pub(super) rollout: Rollout,
    /// When staging each unit was begun by this session.
    pub(super) staged: BTreeMap<UnitId, Timestamp>,
    pub(super) ready_after: BTreeMap<UnitId, Period>,
    journal: Journal,
    keeper: &'a LeaseKeeper,
    signals: Arc<Signals>,
    heard: u32,
    /// The time of day when the session began, and the clock's steady time then.
    began: (Timestamp, Duration),
    /// Hears what is waited for.
    pub(super) tell: Tell,
}

/// Hears what an act that takes its time is waiting for.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

impl<'a> Session<'a> {
    /// A session for a rollout whose events so far are in the journal's ledger.
    pub fn new(site: &'a Site, rollout: Rollout, mut journal: Journal, keeper: &'a LeaseKeeper) -> Self {
        let signals = Arc::new(Signals::new(Arc::clone(&site.clock)));
        // What was done must be recorded: no signal cuts the waits of the journal short.
        journal.clock = Arc::clone(&signals) as Arc<dyn Clock>;
        Self {
            site,
            rollout,
            staged: BTreeMap::new(),
            ready_after: BTreeMap::new(),
            journal,
            keeper,
            signals,
            heard: 0,
            began: (site.clock.now(), site.clock.monotonic()),
            tell: Arc::new(|_| {}),
        }
    }

    /// The same; `tell` hears what an act that takes its time is waiting for.
    #[must_use]
    pub fn telling(self, tell: Tell) -> Self {
        Self { tell, ..self }
    }

    /// The rollout as it stands.
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// The journal, with the newest record.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Drives the rollout to its end.
    ///
    /// # Errors
    /// When it has to be left where it is: a second signal, a lost lease, a ledger that takes nothing.
    pub fn drive(&mut self) -> Result<Outcome, DriveError> {
        loop {
            self.take_signals()?;
            let (id, step) = match self.rollout.next() {
                Next::Run(id, step) => (id, step),
                Next::Finished(outcome) => return self.finish(outcome),
            };
            if self.keeper.is_lost() {
                return Err(DriveError::LeaseLost);
            }
            self.record(Event::Began { step: id })?;
            match self.perform(id, &step) {
                // Retries that the second signal cut short say nothing about the step.
                Ok(StepResult::Failed { .. }) if self.signals.stop().is_some() => {}
                Ok(result) => self.record(Event::Ended { step: id, result })?,
                // The machine has changed course.
                Err(Broken::Interrupted) => {}
                Err(Broken::Drive(error)) => return Err(error),
            }
        }
    }

    /// Records an event and moves the machine by it.
    pub(super) fn record(&mut self, event: Event) -> Result<(), DriveError> {
        let recorded = self.journal.record(event)?;
        self.rollout.apply(&recorded)?;
        Ok(())
    }

    /// Takes what signals have come: the first is the machine's to decide about, the second ends it here.
    fn take_signals(&mut self) -> Result<(), DriveError> {
        while let Some(taken) = self.signals.interruption() {
            self.heard += 1;
            if self.heard > 1 {
                return Err(DriveError::Stopped(taken.signal));
            }
            self.record(Event::Interrupted {
                signal: taken.signal.to_owned(),
            })?;
        }
        Ok(())
    }

    /// Takes what signals have come, in the middle of a step; broken off where that changes the course.
    pub(super) fn heed(&mut self) -> Result<(), Broken> {
        let course = self.rollout.next();
        self.take_signals()?;
        if self.rollout.next() == course {
            Ok(())
        } else {
            Err(Broken::Interrupted)
        }
    }

    /// Waits for `period`. A signal is recorded; it ends the wait only where it changes the course.
    /// When the lease was lost meanwhile, that ends it too: something may be touched next.
    pub(super) fn wait(&mut self, period: Duration) -> Result<(), Broken> {
        let until = self.site.clock.monotonic() + period;
        loop {
            self.heed()?;
            let left = until.saturating_sub(self.site.clock.monotonic());
            if self.site.clock.sleep(left).is_ok() {
                break;
            }
        }
        if self.keeper.is_lost() {
            return Err(DriveError::LeaseLost.into());
        }
        Ok(())
    }

    /// The time for waits and deadlines: the time of day as it was when the session began, moved on
    /// steadily. A clock that is set meanwhile prolongs no watch.
    pub(super) fn now(&self) -> Timestamp {
        let passed = self.site.clock.monotonic().saturating_sub(self.began.1);
        self.began.0.plus(Period::from(passed))
    }

    /// The clock for retries.
    pub(super) fn clock(&self) -> &dyn Clock {
        self.signals.as_ref()
    }

    /// Whether something has come that the machine must hear of before anything more is begun.
    pub(super) fn is_called(&self) -> bool {
        self.signals.is_pending() || self.is_lost()
    }

    /// Whether another run holds the environment now.
    pub(super) fn is_lost(&self) -> bool {
        self.keeper.is_lost()
    }

    fn perform(&mut self, id: StepId, step: &Step) -> Result<StepResult, Broken> {
        match step {
            Step::Hook(hook) => Ok(self.hook(hook)),
            Step::Stage { units } => {
                let now = self.now();
                self.staged.extend(units.iter().map(|unit| (unit.clone(), now)));
                self.stage(units)
            }
            Step::Restore { units } => self.restore(units),
            Step::Backup { units } => self.back_up(id, units),
            Step::PruneBackups { units, keep } => Ok(self.prune_backups(units, *keep)),
            Step::AwaitReady { side, units } => self.await_ready(id, *side, units),
            Step::Shift { units, percent } => {
                // Who gives traffic back, or replaces in place, must have something running there.
                let back = *percent == Percent::ZERO || self.rollout.plan().in_place;
                Ok(self.shift(if back { units } else { &[] }, &[]))
            }
            Step::Promote => Ok(self.shift(&[], &[])),
            Step::Observe(watch) => self.observe(id, watch),
            Step::Pause { period } => {
                self.wait(period.as_duration())?;
                Ok(StepResult::Done)
            }
            Step::Retire { side, units } => self.retire(*side, units),
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Result<Outcome, DriveError> {
        let plan = self.rollout.plan();
        let candidate = &plan.candidate.version;
        let cause = self.rollout.cause().unwrap_or("no cause on record").to_owned();
        let summary = match (outcome, &plan.previous) {
            (Outcome::Succeeded, _) => format!("{candidate} is live in {}", plan.environment),
            (Outcome::RolledBack, Some(previous)) => {
                format!(
                    "{candidate} was taken back, {} is live: {cause}",
                    previous.version
                )
            }
            (Outcome::RolledBack, None) if plan.policy.clean_up => {
                format!("{candidate} was removed, no release before it is on record: {cause}")
            }
            (Outcome::RolledBack, None) => {
                format!("{candidate} has no traffic, no release before it is on record: {cause}")
            }
            (Outcome::Halted, _) => format!(
                "halted with {}% of traffic on {candidate}: {cause}",
                self.rollout.candidate_share().get()
            ),
        };
        let warnings = self.rollout.warnings().to_vec();
        self.record(Event::Finished {
            outcome,
            summary,
            warnings,
        })?;
        Ok(outcome)
    }

    /// The slot of one side of a unit.
    pub(super) fn slot(&self, side: Side, unit: &UnitId) -> Option<Slot> {
        let placement = self
            .rollout
            .plan()
            .placements
            .iter()
            .find(|placement| placement.unit == *unit)?;
        match side {
            Side::Candidate => placement.candidate,
            Side::Previous => placement.previous,
        }
    }

    /// The instance in one side of a unit, if there is one.
    pub(super) fn instance(&self, side: Side, unit: &UnitId) -> Result<Option<Instance>, PortError> {
        let Some(slot) = self.slot(side, unit) else {
            return Ok(None);
        };
        let mut state = look(self.clock(), || self.site.target.inspect(unit))?;
        Ok(state.slots.remove(&slot))
    }

    /// How many units are worked on at the same time.
    pub(super) fn parallelism(&self) -> usize {
        let wanted = usize::try_from(self.rollout.plan().parallelism).unwrap_or(usize::MAX);
        wanted.min(self.site.target.capabilities().parallelism).max(1)
    }
}
