//! What a step that failed leaves to be shown at the end.

use crate::domain::rollout::StepResult;
use crate::report::{Redact, foreign};

/// Most units whose logs are shown, and how much of each; all of it is in the ledger.
const UNITS: usize = 5;
const LOG_LINES: usize = 20;
const LOG_BYTES: usize = 4 * 1024;

/// What is known about one failed step.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) title: String,
    pub(super) reason: String,
    pub(super) units: Vec<(String, String)>,
    pub(super) left_out: usize,
}

impl Evidence {
    /// Keeps the reasons and the ends of the logs.
    pub(super) fn of(title: &str, reason: &str, result: &StepResult, redact: Redact<'_>) -> Self {
        let units = match result {
            StepResult::Failed { units, .. } => units.as_slice(),
            StepResult::Done | StepResult::Inconclusive { .. } => &[],
        };
        Self {
            title: title.to_owned(),
            reason: reason.to_owned(),
            units: units
                .iter()
                .take(UNITS)
                .map(|failure| {
                    let reason = foreign::line(&redact(&failure.reason));
                    let logs = foreign::tail(&redact(&failure.logs), LOG_LINES, LOG_BYTES);
                    (format!("{}: {reason}", failure.unit), logs)
                })
                .collect(),
            left_out: units.len().saturating_sub(UNITS),
        }
    }
}
