//! Events: the one list that is the ledger, the resume point, the console and every report.

use super::plan::Plan;
use super::step::StepId;
use crate::domain::model::{BackupId, CheckKind, Origin, Percent, Period, UnitId, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The candidate is live.
    Succeeded,
    /// The previous release is live again (after a first deployment: nothing is).
    RolledBack,
    /// It stopped where it could do no more by itself: a person is needed.
    Halted,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled back",
            Self::Halted => "halted",
        })
    }
}

/// One unit's failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFailure {
    /// The unit.
    pub unit: UnitId,
    /// What happened, in words.
    pub reason: String,
    /// The last lines it wrote, redacted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logs: String,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepResult {
    /// Done.
    Done,
    /// It failed: a check did not hold, a unit did not become ready, an act was refused.
    Failed {
        /// What happened, in one sentence.
        reason: String,
        /// The units that failed, where the step is about units.
        #[serde(default)]
        units: Vec<UnitFailure>,
    },
    /// Too little was seen to say.
    Inconclusive {
        /// What was missing.
        reason: String,
    },
}

/// What the samples behind a verdict looked like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// How many there were.
    pub count: u64,
    /// How many of them did not meet the expectation.
    pub failed: u64,
    /// Median of the time each took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Period>,
    /// 95th percentile of the time each took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Period>,
}

/// Something that happened in a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// The plan was settled; nothing has been touched.
    Planned(Box<Plan>),
    /// A step is about to be performed. Recorded before the act.
    Began {
        /// The step.
        step: StepId,
    },
    /// What ran in a unit was saved.
    BackedUp {
        /// The step it belongs to.
        step: StepId,
        /// The unit.
        unit: UnitId,
        /// What names the backup where it is kept.
        backup: BackupId,
    },
    /// A check came to a verdict.
    Judged {
        /// The step it belongs to.
        step: StepId,
        /// Name of the check.
        check: String,
        /// Suite, where the check belongs to one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suite: Option<String>,
        /// What it is about.
        kind: CheckKind,
        /// The unit it was about; `None` for the service as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitId>,
        /// The candidate's share of traffic at the time.
        share: Percent,
        /// The verdict.
        verdict: Verdict,
        /// Why, with the measured and the expected value.
        reason: String,
        /// The samples behind it.
        samples: Samples,
        /// How long judging took.
        took: Period,
    },
    /// A step was performed. Recorded after the act.
    Ended {
        /// The step.
        step: StepId,
        /// How it ended.
        result: StepResult,
    },
    /// A signal asked greenroom to stop.
    Interrupted {
        /// `SIGINT` or `SIGTERM`.
        signal: String,
    },
    /// A person took up a rollout that was halted or whose process died.
    Resumed {
        /// Who, why, from where.
        origin: Origin,
    },
    /// A person asked for the way back.
    Aborted {
        /// Who, why, from where.
        origin: Origin,
    },
    /// It is over.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// In one or two sentences, for people.
        summary: String,
        /// What went wrong without changing the outcome.
        #[serde(default)]
        warnings: Vec<String>,
    },
}
