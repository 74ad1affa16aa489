//! Readiness: every instance is asked until it answers as it should.

use super::judged::About;
use super::session::{Broken, DriveError, Session};
use super::stage::outcome;
use crate::domain::analysis::readiness::{ReadinessProgress, ReadinessSettings, ReadinessWatch};
use crate::domain::analysis::{CheckFinding, Judgement, Summary, expect};
use crate::domain::model::{CheckKind, ErrorKind, Instance, Period, PortError, Timestamp, UnitId};
use crate::parallel::each;

use crate::domain::rollout::{Side, StepId, StepResult, UnitFailure};
use std::time::Duration;

/// The shortest wait between two rounds, whatever the configuration says.
const SHORTEST: Duration = Duration::from_millis(1);

/// One unit on its way.
struct Waiting {
    unit: UnitId,
    readiness: ReadinessWatch,
    /// When what runs there was started, as far as the first look could tell.
    started: Option<Timestamp>,
}

/// One look at a unit.
struct Seen {
    started: Option<Timestamp>,
    look: Look,
}

/// What one look at a unit came to.
enum Look {
    Sampled(CheckFinding),
    Ended(Option<String>),
    Broken(PortError),
}

impl Session<'_> {
    pub(super) fn await_ready(
        &mut self,
        id: StepId,
        side: Side,
        units: &[UnitId],
    ) -> Result<StepResult, Broken> {
        if units.is_empty() {
            return Ok(StepResult::Done);
        }
        let began = self.now();
        let settings = {
            let readiness = &self.rollout.plan().readiness;
            ReadinessSettings::new(readiness.interval, readiness.timeout)
        };
        let mut waiting: Vec<Waiting> = units
            .iter()
            .map(|unit| Waiting {
                unit: unit.clone(),
                readiness: ReadinessWatch::new(settings, began),
                started: None,
            })
            .collect();
        let (mut failures, mut samples) = (Vec::new(), Summary::default());
        while !waiting.is_empty() {
            let looks = each(&waiting, self.parallelism(), |waiting| {
                self.look_at(side, &waiting.unit)
            });
            let now = self.now();
            let mut next = settings.interval;
            let mut still = Vec::new();
            for (mut unit, Seen { started, look }) in waiting.into_iter().zip(looks) {
                samples.count += 1;
                let started = *unit
                    .started
                    .get_or_insert_with(|| self.started(&unit.unit, started, began));
                match progress(&mut unit, now, look) {
                    ReadinessProgress::Waiting { next: wait } => {
                        next = next.min(wait);
                        still.push(unit);
                        samples.failed += 1;
                    }
                    ReadinessProgress::Ready { .. } => {
                        self.ready_after.insert(unit.unit, now.since(started));
                    }
                    ReadinessProgress::Failed { reason } => {
                        let logs = self.logs(side, &unit.unit);
                        failures.push(UnitFailure {
                            unit: unit.unit,
                            reason,
                            logs,
                        });
                        samples.failed += 1;
                    }
                }
            }
            waiting = still;
            if !waiting.is_empty() {
                self.wait(next.as_duration().max(SHORTEST))?;
            }
        }
        let result = outcome(failures, units.len(), "did not become ready");
        let took = self.now().since(began);
        self.record_readiness(id, &result, samples, took)?;
        Ok(result)
    }

    /// When the instance was started. The word of the target counts within what this session saw, since
    /// its clock may be another one; an instance that ran before this session is measured from now on.
    fn started(&self, unit: &UnitId, said: Option<Timestamp>, began: Timestamp) -> Timestamp {
        let earliest = self.staged.get(unit).copied().unwrap_or(began).min(began);
        said.map_or(began, |said| said.clamp(earliest, began))
    }

    fn record_readiness(
        &mut self,
        id: StepId,
        result: &StepResult,
        samples: Summary,
        took: Period,
    ) -> Result<(), DriveError> {
        let finding = match result {
            StepResult::Done => CheckFinding::pass(format!("ready after {took}")),
            StepResult::Failed { reason, .. } => CheckFinding::fail(reason.clone()),
            StepResult::Inconclusive { reason } => CheckFinding::inconclusive(reason.clone()),
        };
        let check = self
            .rollout
            .plan()
            .readiness
            .check
            .as_ref()
            .map(|check| check.name.clone());
        let name = check.as_deref().unwrap_or("running");
        let about = About::service(id, name, CheckKind::Health);
        self.judged(&about, &Judgement::new(finding, samples), took)
    }

    /// Looks once whether the unit runs and answers. Each look may be a call or a process of the
    /// target's, so that there is one.
    fn look_at(&self, side: Side, unit: &UnitId) -> Seen {
        let instance = match self.instance(side, unit) {
            Ok(Some(instance)) => instance,
            Ok(None) => return Look::Ended(Some("nothing runs there".to_owned())).without_start(),
            Err(error) => return Look::Broken(error).without_start(),
        };
        Seen {
            started: Some(instance.started),
            look: self.ask(instance),
        }
    }

    fn ask(&self, instance: Instance) -> Look {
        if !instance.running {
            return Look::Ended(instance.note);
        }
        match (&self.rollout.plan().readiness.check, &instance.address) {
            (None, _) => Look::Sampled(CheckFinding::pass("it runs")),
            (Some(check), Some(address)) => match self.site.probe.sample(check, address) {
                Ok(sample) => Look::Sampled(expect::judge(check, &sample)),
                Err(error) => Look::Broken(error),
            },
            // A target without addresses of its own is asked through the public one.
            (Some(check), None) => match &self.rollout.plan().url {
                Some(url) => match self.site.probe.sample(check, url) {
                    Ok(sample) => Look::Sampled(expect::judge(check, &sample)),
                    Err(error) => Look::Broken(error),
                },
                None => Look::Sampled(CheckFinding::pass("it runs, and has no address to ask")),
            },
        }
    }
}

impl Look {
    fn without_start(self) -> Seen {
        Seen {
            started: None,
            look: self,
        }
    }
}

fn progress(unit: &mut Waiting, now: Timestamp, look: Look) -> ReadinessProgress {
    match look {
        Look::Sampled(finding) => unit.readiness.observe(now, &finding),
        Look::Ended(note) => unit.readiness.ended(now, note.as_deref()),
        // What may pass is waited for like an answer that is not there yet.
        Look::Broken(error) if error.kind == ErrorKind::Transient => unit
            .readiness
            .observe(now, &CheckFinding::fail(error.to_string())),
        Look::Broken(error) => ReadinessProgress::Failed {
            reason: format!("cannot be measured: {error}"),
        },
    }
}
