//! Verdicts on their way into the record.

use super::session::{DriveError, Session};
use crate::domain::analysis::Judgement;
use crate::domain::model::{CheckKind, Period, UnitId};
use crate::domain::rollout::{Event, Samples, StepId};

/// What a verdict is about.
pub(super) struct About<'a> {
    pub(super) step: StepId,
    pub(super) check: &'a str,
    pub(super) suite: Option<&'a str>,
    pub(super) kind: CheckKind,
    pub(super) unit: Option<&'a UnitId>,
}

impl<'a> About<'a> {
    /// A check of the service as a whole, outside any suite.
    pub(super) fn service(step: StepId, check: &'a str, kind: CheckKind) -> Self {
        Self {
            step,
            check,
            suite: None,
            kind,
            unit: None,
        }
    }
}

impl Session<'_> {
    pub(super) fn judged(
        &mut self,
        about: &About<'_>,
        judgement: &Judgement,
        took: Period,
    ) -> Result<(), DriveError> {
        let summary = &judgement.samples;
        self.record(Event::Judged {
            step: about.step,
            check: about.check.to_owned(),
            suite: about.suite.map(str::to_owned),
            kind: about.kind,
            unit: about.unit.cloned(),
            share: self.rollout.candidate_share(),
            verdict: judgement.verdict,
            reason: judgement.reason.clone(),
            samples: Samples {
                count: summary.count,
                failed: summary.failed,
                p50: summary.p50,
                p95: summary.p95,
            },
            took,
        })
    }
}
