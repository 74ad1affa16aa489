//! The machine: a plan and the events so far → the next step, or the end.

use super::event::{Event, Outcome, StepResult, UnitFailure};
use super::plan::Plan;
use super::recovery::{self, Ground};
use super::step::{Phase, Side, Step, StepId, Watch};
use super::traffic::{self, Share};
use crate::domain::model::{BackupId, OnInconclusive, Percent, UnitId};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Next {
    /// Perform this step: record `Began`, act, record `Ended`.
    Run(StepId, Step),
    /// Nothing more to do.
    Finished(Outcome),
}

/// An event that does not fit where the rollout stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event does not fit the rollout: {0}")]
pub struct Rejected(String);

/// A rollout under way. Moves only by [`Rollout::apply`]; the same events give the same rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    plan: Plan,
    position: Position,
    /// The step that was begun and has not ended.
    running: Option<StepId>,
    shares: BTreeMap<UnitId, Percent>,
    ground: Ground,
    /// Units that failed within the tolerated number, and why.
    failed: BTreeMap<UnitId, String>,
    /// An irreversible hook was begun.
    irreversible: bool,
    /// Promotion was begun: the point of no return.
    promoting: bool,
    /// What was saved before anything was touched.
    backups: BTreeMap<UnitId, BackupId>,
    cause: Option<String>,
    warnings: Vec<String>,
}

/// Where the rollout stands.
#[derive(Debug, Clone, PartialEq)]
enum Position {
    Forward(usize),
    /// Putting single units back; then forward from `resume`.
    Detour {
        steps: Vec<Step>,
        index: usize,
        offset: usize,
        resume: usize,
    },
    Recovery {
        steps: Vec<Step>,
        index: usize,
    },
    /// Promotion failed: all traffic to the candidate.
    Completion,
    /// Stopped; `from` is where a person may take it up again.
    Halted {
        from: Box<Position>,
    },
    Finished(Outcome),
}

impl Rollout {
    /// A rollout of which nothing has been done.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            position: Position::Forward(0),
            running: None,
            shares: BTreeMap::new(),
            ground: Ground::default(),
            failed: BTreeMap::new(),
            irreversible: false,
            promoting: false,
            backups: BTreeMap::new(),
            cause: None,
            warnings: Vec::new(),
        }
    }

    /// The rollout after these events, which are those that followed `Planned`.
    ///
    /// # Errors
    /// When an event does not fit.
    pub fn replay<'a>(plan: Plan, events: impl IntoIterator<Item = &'a Event>) -> Result<Self, Rejected> {
        let mut rollout = Self::new(plan);
        for event in events {
            rollout.apply(event)?;
        }
        Ok(rollout)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What went wrong first, if anything did.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What was saved of this unit before it was touched.
    pub fn backup(&self, unit: &UnitId) -> Option<&BackupId> {
        self.backups.get(unit)
    }

    /// What went wrong without changing the course.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the way back is still open: promotion has not begun.
    pub fn can_abort(&self) -> bool {
        let mut position = &self.position;
        while let Position::Halted { from } = position {
            position = from;
        }
        match position {
            Position::Forward(_) => !self.promoting,
            Position::Detour { .. } | Position::Recovery { .. } => true,
            Position::Completion | Position::Halted { .. } | Position::Finished(_) => false,
        }
    }

    /// The share of traffic that each slot is to have, the step that was begun included.
    pub fn traffic(&self) -> Vec<Share> {
        traffic::table(&self.plan, &self.shares)
    }

    /// The candidate's share of the whole service's traffic.
    pub fn candidate_share(&self) -> Percent {
        let (mut candidate, mut total) = (0_u64, 0_u64);
        for share in self.traffic() {
            total += u64::from(share.weight);
            let is_candidate = self
                .plan
                .placements
                .iter()
                .any(|placement| placement.unit == share.unit && placement.candidate == Some(share.slot));
            if is_candidate && (!self.plan.in_place || self.ground.touched.contains(&share.unit)) {
                candidate += u64::from(share.weight);
            }
        }
        let percent = (candidate * 100).checked_div(total).unwrap_or(0);
        u8::try_from(percent)
            .ok()
            .and_then(|percent| Percent::try_from(percent).ok())
            .unwrap_or(Percent::ALL)
    }

    /// What comes next. The step that was begun and has not ended comes again.
    pub fn next(&self) -> Next {
        let step = match &self.position {
            Position::Finished(outcome) => return Next::Finished(*outcome),
            Position::Halted { .. } => return Next::Finished(Outcome::Halted),
            Position::Forward(index) => match self.plan.steps.get(*index) {
                Some(step) => (
                    Phase::Forward,
                    *index,
                    step.only(|unit| !self.failed.contains_key(unit)),
                ),
                None => return Next::Finished(Outcome::Succeeded),
            },
            Position::Detour {
                steps, index, offset, ..
            } => match steps.get(*index) {
                Some(step) => (Phase::Detour, offset + index, step.clone()),
                None => return Next::Finished(Outcome::Halted),
            },
            Position::Recovery { steps, index } => match steps.get(*index) {
                Some(step) => (Phase::Recovery, *index, step.clone()),
                None => return Next::Finished(Outcome::RolledBack),
            },
            Position::Completion => {
                let units = self.unfailed();
                (
                    Phase::Completion,
                    0,
                    Step::Shift {
                        units,
                        percent: Percent::ALL,
                    },
                )
            }
        };
        let (phase, index, step) = step;
        Next::Run(
            StepId {
                phase,
                index: u32::try_from(index).unwrap_or(u32::MAX),
            },
            step,
        )
    }

    /// Moves the rollout by one event.
    ///
    /// # Errors
    /// When the event does not fit; the rollout is then unchanged.
    pub fn apply(&mut self, event: &Event) -> Result<(), Rejected> {
        match event {
            Event::Planned(_) => Err(Rejected("a plan in the middle of a rollout".into())),
            Event::Judged { step, .. } if self.running == Some(*step) => Ok(()),
            Event::Judged { step, .. } => Err(Rejected(format!("a verdict on {step}, which is not running"))),
            Event::BackedUp { step, unit, backup } if self.running == Some(*step) => {
                self.backups.insert(unit.clone(), backup.clone());
                Ok(())
            }
            Event::BackedUp { step, .. } => {
                Err(Rejected(format!("a backup by {step}, which is not running")))
            }
            Event::Began { step } => self.began(*step),
            Event::Ended { step, result } => self.ended(*step, result),
            Event::Interrupted { signal } => {
                self.interrupted(signal);
                Ok(())
            }
            Event::Resumed { .. } => {
                self.resumed();
                Ok(())
            }
            Event::Aborted { origin } => self.aborted(&origin.actor.name),
            Event::Finished { outcome, .. } => self.finished(*outcome),
        }
    }

    fn began(&mut self, id: StepId) -> Result<(), Rejected> {
        let Next::Run(expected, step) = self.next() else {
            return Err(Rejected(format!("{id} began after the end")));
        };
        if id != expected {
            return Err(Rejected(format!("{id} began, {expected} was next")));
        }
        self.running = Some(id);
        match step {
            Step::Stage { units } => self.ground.touched.extend(units),
            Step::Retire {
                side: Side::Previous,
                units,
            } => self.ground.retired.extend(units),
            Step::Shift { units, percent } => self.share(units, percent),
            Step::Promote => {
                self.promoting = true;
                let everyone = self.unfailed();
                self.share(everyone, Percent::ALL);
            }
            Step::Hook(hook) if !hook.reversible => self.irreversible = true,
            Step::Hook(_)
            | Step::Backup { .. }
            | Step::PruneBackups { .. }
            | Step::Restore { .. }
            | Step::AwaitReady { .. }
            | Step::Observe(_)
            | Step::Pause { .. }
            | Step::Retire {
                side: Side::Candidate,
                ..
            } => {}
        }
        Ok(())
    }

    /// Every unit but those that were given up, whose candidate is gone.
    fn unfailed(&self) -> Vec<UnitId> {
        let units = self.plan.placements.iter().map(|placement| &placement.unit);
        units
            .filter(|unit| !self.failed.contains_key(*unit))
            .cloned()
            .collect()
    }

    fn share(&mut self, units: Vec<UnitId>, percent: Percent) {
        for unit in units {
            if percent > Percent::ZERO {
                self.ground.shifted.insert(unit.clone());
            }
            self.shares.insert(unit, percent);
        }
    }

    fn ended(&mut self, id: StepId, result: &StepResult) -> Result<(), Rejected> {
        let Next::Run(expected, step) = self.next() else {
            return Err(Rejected(format!("{id} ended after the end")));
        };
        if self.running != Some(id) || id != expected {
            return Err(Rejected(format!("{id} ended without having begun")));
        }
        self.running = None;
        match result {
            StepResult::Done => self.advance(),
            StepResult::Inconclusive { reason } => self.inconclusive(&step, reason),
            StepResult::Failed { reason, units } => self.step_failed(&step, reason, units),
        }
        Ok(())
    }

    fn advance(&mut self) {
        match &mut self.position {
            Position::Forward(index) => *index += 1,
            Position::Recovery { index, .. } => *index += 1,
            Position::Detour {
                steps, index, resume, ..
            } => {
                *index += 1;
                if *index == steps.len() {
                    self.position = Position::Forward(*resume);
                }
            }
            Position::Completion => {
                self.position = Position::Halted {
                    from: Box::new(Position::Forward(self.promotion())),
                };
            }
            Position::Halted { .. } | Position::Finished(_) => {}
        }
    }

    fn inconclusive(&mut self, step: &Step, reason: &str) {
        let policy = match step {
            Step::Observe(Watch::Traffic { thresholds, .. }) => thresholds.on_inconclusive,
            _ => OnInconclusive::Rollback,
        };
        match policy {
            // What was seen stands in the verdict; to go on is what was configured for it.
            OnInconclusive::Promote => self.advance(),
            OnInconclusive::Rollback => self.step_failed(step, reason, &[]),
            OnInconclusive::Pause => {
                self.cause.get_or_insert_with(|| reason.to_owned());
                // A person who resumes has decided: the next step comes, not the same watch again.
                self.advance();
                self.halt();
            }
        }
    }

    fn step_failed(&mut self, step: &Step, reason: &str, units: &[UnitFailure]) {
        match &self.position {
            Position::Forward(index) if *index == self.promotion() => {
                self.cause.get_or_insert_with(|| reason.to_owned());
                self.position = Position::Completion;
            }
            Position::Forward(index) if *index > self.promotion() => self.warn_and_advance(reason),
            Position::Forward(index) => {
                let index = *index;
                if !self.detour(step, units, index) {
                    self.cause.get_or_insert_with(|| reason.to_owned());
                    self.turn_back();
                }
            }
            Position::Detour { .. } => {
                self.cause.get_or_insert_with(|| reason.to_owned());
                self.turn_back();
            }
            Position::Recovery { .. } if matches!(step, Step::Retire { .. }) => self.warn_and_advance(reason),
            Position::Recovery { .. } | Position::Completion => {
                self.warnings.push(reason.to_owned());
                self.halt();
            }
            Position::Halted { .. } | Position::Finished(_) => {}
        }
    }

    fn warn_and_advance(&mut self, reason: &str) {
        self.warnings.push(reason.to_owned());
        self.advance();
    }

    /// Whether the failed units are few enough to put only them back and go on.
    fn detour(&mut self, step: &Step, units: &[UnitFailure], index: usize) -> bool {
        let about_units = matches!(
            step,
            Step::Stage { .. }
                | Step::AwaitReady {
                    side: Side::Candidate,
                    ..
                }
        );
        let total = self.failed.len() + units.len();
        let wanted = self
            .plan
            .placements
            .iter()
            .filter(|place| place.candidate.is_some())
            .count();
        // With every unit given up there would be nothing to promote.
        let most = (self.plan.policy.max_failures as usize).min(wanted.saturating_sub(1));
        if !about_units || units.is_empty() || total > most {
            return false;
        }
        // Each detour names its steps apart from those of the detours before it.
        let offset = self.failed.len() * recovery::MOST_STEPS;
        for failure in units {
            self.failed.insert(failure.unit.clone(), failure.reason.clone());
            self.warnings.push(format!(
                "{} keeps its previous version: {}",
                failure.unit, failure.reason
            ));
        }
        let only: BTreeSet<UnitId> = units.iter().map(|failure| failure.unit.clone()).collect();
        let steps = recovery::steps(&self.plan, &self.ground, Some(&only));
        self.position = if steps.is_empty() {
            Position::Forward(index + 1)
        } else {
            Position::Detour {
                steps,
                index: 0,
                offset,
                resume: index + 1,
            }
        };
        true
    }

    /// The way back, or a halt where there is none.
    fn turn_back(&mut self) {
        if self.irreversible || !self.plan.policy.automatic {
            self.halt();
        } else {
            self.recover();
        }
    }

    fn recover(&mut self) {
        let steps = recovery::steps(&self.plan, &self.ground, None);
        self.position = Position::Recovery { steps, index: 0 };
    }

    fn halt(&mut self) {
        let from = std::mem::replace(&mut self.position, Position::Finished(Outcome::Halted));
        self.position = Position::Halted { from: Box::new(from) };
    }

    fn interrupted(&mut self, signal: &str) {
        let waiting = match &self.position {
            Position::Forward(_) => !self.promoting,
            Position::Detour { .. } => true,
            Position::Recovery { .. }
            | Position::Completion
            | Position::Halted { .. }
            | Position::Finished(_) => false,
        };
        if waiting {
            self.running = None;
            self.cause
                .get_or_insert_with(|| format!("interrupted by {signal}"));
            self.turn_back();
        }
    }

    fn resumed(&mut self) {
        if let Position::Halted { from } = &mut self.position {
            let from = std::mem::replace(from.as_mut(), Position::Finished(Outcome::Halted));
            self.position = from;
            self.cause = None;
        }
        // A dead process's step comes again; a step that was begun stays begun.
    }

    fn aborted(&mut self, who: &str) -> Result<(), Rejected> {
        if !self.can_abort() {
            return Err(Rejected("promotion has begun: the way back is a rollback".into()));
        }
        self.running = None;
        if let Position::Halted { from } = &self.position {
            self.position = from.as_ref().clone();
        }
        if !matches!(self.position, Position::Recovery { .. }) {
            self.cause.get_or_insert_with(|| format!("aborted by {who}"));
            self.recover();
        }
        Ok(())
    }

    fn finished(&mut self, outcome: Outcome) -> Result<(), Rejected> {
        if self.next() != Next::Finished(outcome) {
            return Err(Rejected(format!("finished as {outcome}, which it is not")));
        }
        if outcome != Outcome::Halted {
            self.position = Position::Finished(outcome);
        }
        Ok(())
    }

    fn promotion(&self) -> usize {
        self.plan
            .steps
            .iter()
            .position(|step| *step == Step::Promote)
            .unwrap_or(self.plan.steps.len())
    }
}
