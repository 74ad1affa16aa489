//! What happened: the deployments of an environment, from its records.

use super::refs::{forward_step, goes_live};
use super::{Unreadable, event_of, scan_in};
use crate::domain::model::{
    CheckKind, DeploymentId, Digest, Origin, Percent, Period, Record, Timestamp, UnitId, Verdict, Version,
};
use crate::domain::rollout::{Event, Outcome, Plan, Samples, Step, StepId, StepResult};
use crate::domain::scan::ScanRecord;
use serde::Serialize;
use std::collections::BTreeMap;

/// One performance of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRun {
    /// Which step.
    pub id: StepId,
    /// What it is, where it is part of the plan's way forward.
    pub step: Option<Step>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it is under way or when its process died.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub result: Option<StepResult>,
}

/// A verdict, with what led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// When it was reached.
    pub at: Timestamp,
    /// The record that holds it.
    pub seq: u64,
    /// The step it belongs to.
    pub step: StepId,
    /// Name of the check.
    pub check: String,
    /// Suite, where the check belongs to one.
    pub suite: Option<String>,
    /// What it is about.
    pub kind: CheckKind,
    /// The unit it was about; `None` for the service as a whole.
    pub unit: Option<UnitId>,
    /// The candidate's share of traffic at the time.
    pub share: Percent,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, with the measured and the expected value.
    pub reason: String,
    /// The samples behind it.
    pub samples: Samples,
    /// How long judging took.
    pub took: Period,
}

/// Something that came from outside while a rollout was open.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Intervention {
    /// A signal asked to stop.
    Interrupted {
        /// When.
        at: Timestamp,
        /// `SIGINT` or `SIGTERM`.
        signal: String,
    },
    /// A person took it up again.
    Resumed {
        /// When.
        at: Timestamp,
        /// Who, why, from where.
        origin: Origin,
    },
    /// A person asked for the way back.
    Aborted {
        /// When.
        at: Timestamp,
        /// Who, why, from where.
        origin: Origin,
    },
}

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeploymentOutcome {
    /// It is under way.
    Running,
    /// It has not finished and nobody is working on it: its process died.
    Crashed,
    /// It ended, for good or until a person resumes it.
    Ended(Outcome),
}

/// One deployment or rollback.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentEntry {
    /// Its id.
    pub id: DeploymentId,
    /// The record that holds its plan.
    pub planned: u64,
    /// Its newest record.
    pub last: u64,
    /// The plan: kind, service, environment, origin (who, why, run, commit), strategy, releases.
    pub plan: Plan,
    /// When it was planned.
    pub started: Timestamp,
    /// When the candidate became the version on record; `None` when it never did, or was rolled back
    /// after that.
    pub live_since: Option<Timestamp>,
    /// When it ended; `None` while it is open.
    pub finished: Option<Timestamp>,
    /// How it ended; `None` while it is open.
    pub outcome: Option<Outcome>,
    /// The end in one or two sentences; empty while it is open.
    pub summary: String,
    /// Every step that began, in order.
    pub steps: Vec<StepRun>,
    /// Every verdict, in order.
    pub evidence: Vec<Evidence>,
    /// Signals, resumptions and aborts, in order.
    pub interventions: Vec<Intervention>,
    /// What went wrong without changing the outcome.
    pub warnings: Vec<String>,
}

impl DeploymentEntry {
    /// The version that went out.
    pub fn version(&self) -> &Version {
        &self.plan.candidate.version
    }

    /// The image that went out, where the target runs images.
    pub fn digest(&self) -> Option<&Digest> {
        self.plan
            .candidate
            .artifact
            .as_ref()
            .map(|artifact| &artifact.digest)
    }

    /// How long it took, people's pauses included; `None` while it is open.
    pub fn took(&self) -> Option<Period> {
        self.finished.map(|finished| finished.since(self.started))
    }

    /// The version it went back to; `None` when it did not, or when there was none before it.
    pub fn rolled_back_to(&self) -> Option<&Version> {
        match self.outcome {
            Some(Outcome::RolledBack) => self.plan.previous.as_ref().map(|release| &release.version),
            Some(Outcome::Succeeded | Outcome::Halted) | None => None,
        }
    }

    /// How it stands, given whether the environment's lease is held now.
    pub fn standing(&self, lease_is_held: bool) -> DeploymentOutcome {
        match self.outcome {
            Some(outcome) => DeploymentOutcome::Ended(outcome),
            None if lease_is_held => DeploymentOutcome::Running,
            None => DeploymentOutcome::Crashed,
        }
    }

    fn new(plan: Plan, record: &Record) -> Self {
        Self {
            id: plan.deployment.clone(),
            planned: record.seq,
            last: record.seq,
            plan,
            started: record.at,
            live_since: None,
            finished: None,
            outcome: None,
            summary: String::new(),
            steps: Vec::new(),
            evidence: Vec::new(),
            interventions: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn apply(&mut self, event: Event, record: &Record) {
        let (at, seq) = (record.at, record.seq);
        self.last = seq;
        if goes_live(&self.plan, &event) {
            self.live_since.get_or_insert(at);
        }
        match event {
            // The first event made this deployment; what was saved is for the rollout itself to find.
            Event::Planned(_) | Event::BackedUp { .. } => {}
            Event::Began { step } => self.steps.push(StepRun {
                id: step,
                step: forward_step(&self.plan, step).cloned(),
                began: at,
                ended: None,
                result: None,
            }),
            Event::Ended { step, result } => {
                if let Some(run) = self.steps.iter_mut().rev().find(|run| run.id == step) {
                    run.ended = Some(at);
                    run.result = Some(result);
                }
            }
            Event::Judged { .. } => self.evidence.extend(evidence(event, at, seq)),
            Event::Interrupted { signal } => {
                self.interventions.push(Intervention::Interrupted { at, signal });
            }
            Event::Resumed { origin } => {
                self.reopen();
                self.interventions.push(Intervention::Resumed { at, origin });
            }
            Event::Aborted { origin } => {
                self.reopen();
                self.interventions.push(Intervention::Aborted { at, origin });
            }
            Event::Finished {
                outcome,
                summary,
                warnings,
            } => {
                self.finished = Some(at);
                self.outcome = Some(outcome);
                self.summary = summary;
                self.warnings.extend(warnings);
                match outcome {
                    Outcome::Succeeded => self.live_since = self.live_since.or(Some(at)),
                    Outcome::RolledBack => self.live_since = None,
                    Outcome::Halted => {}
                }
            }
        }
    }

    /// A halted deployment is taken up again.
    fn reopen(&mut self) {
        self.finished = None;
        self.outcome = None;
        self.summary.clear();
    }
}

fn evidence(event: Event, at: Timestamp, seq: u64) -> Option<Evidence> {
    let Event::Judged {
        step,
        check,
        suite,
        kind,
        unit,
        share,
        verdict,
        reason,
        samples,
        took,
    } = event
    else {
        return None;
    };
    Some(Evidence {
        at,
        seq,
        step,
        check,
        suite,
        kind,
        unit,
        share,
        verdict,
        reason,
        samples,
        took,
    })
}

/// A scan of an image, judged for the environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scanned {
    /// The record that holds it.
    pub seq: u64,
    /// When it was judged.
    pub at: Timestamp,
    /// What it came to.
    #[serde(flatten)]
    pub scan: ScanRecord,
}

/// What happened in one environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// Its deployments, oldest first.
    pub deployments: Vec<DeploymentEntry>,
    /// Scans of images for it, oldest first.
    pub scans: Vec<Scanned>,
    /// Records that could not be taken into account.
    pub unreadable: Vec<Unreadable>,
}

/// The deployments that `records`, in the order of the ledger, tell of.
pub fn timeline<'a>(records: impl IntoIterator<Item = &'a Record>) -> Timeline {
    let mut timeline = Timeline::default();
    let mut places: BTreeMap<DeploymentId, usize> = BTreeMap::new();
    for record in records {
        match scan_in(record) {
            Ok(scan) => timeline.scans.extend(scan.map(|scan| Scanned {
                seq: record.seq,
                at: record.at,
                scan,
            })),
            Err(unreadable) => timeline.unreadable.push(unreadable),
        }
        let event = match event_of(record) {
            Ok(None) => continue,
            Ok(Some(event)) => event,
            Err(unreadable) => {
                timeline.unreadable.push(unreadable);
                continue;
            }
        };
        let place = record.deployment.as_ref().and_then(|id| places.get(id).copied());
        match (place.and_then(|place| timeline.deployments.get_mut(place)), event) {
            (None, Event::Planned(plan)) => {
                places.insert(plan.deployment.clone(), timeline.deployments.len());
                timeline.deployments.push(DeploymentEntry::new(*plan, record));
            }
            (Some(deployment), event) => deployment.apply(event, record),
            (None, _) => timeline.unreadable.push(Unreadable {
                seq: record.seq,
                reason: "it belongs to a deployment that was never planned".to_owned(),
            }),
        }
    }
    timeline
}
