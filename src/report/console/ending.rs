//! The last lines of a run: the outcome, and after a failure its reasons, the evidence and what to do
//! next.

use super::style::Tone;
use super::{Console, elapsed};
use crate::domain::model::Timestamp;
use crate::domain::rollout::{Outcome, StepResult};
use crate::report::advice::advice;
use crate::report::describe::Names;
use crate::report::{Redact, foreign};

/// Most units whose logs are shown, and how much of each; all of it is in the ledger.
const UNITS: usize = 5;
const LOG_LINES: usize = 20;
const LOG_BYTES: usize = 4 * 1024;

/// What is known about one failed step.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    title: String,
    reason: String,
    units: Vec<(String, String)>,
    left_out: usize,
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

impl Console {
    /// The lines that end a run.
    pub(super) fn finished(
        &self,
        outcome: Outcome,
        summary: &str,
        warnings: &[String],
        at: Timestamp,
    ) -> Vec<String> {
        let Some(plan) = &self.plan else {
            return Vec::new();
        };
        let took = elapsed(self.began.map_or(0, |began| at.since(began).as_millis()));
        let tone = match outcome {
            Outcome::Succeeded => Tone::Good,
            Outcome::RolledBack => Tone::Doubt,
            Outcome::Halted => Tone::Bad,
        };
        let mut lines: Vec<String> = warnings
            .iter()
            .map(|warning| self.style.paint(Tone::Doubt, &format!("warning: {warning}")))
            .collect();
        let sign = if outcome == Outcome::Succeeded {
            format!("{} ", self.style.sign(tone))
        } else {
            String::new()
        };
        lines.push(
            self.style
                .paint(tone, &format!("{sign}{outcome} after {took}: {summary}")),
        );
        if outcome != Outcome::Succeeded {
            for evidence in &self.evidence {
                lines.extend(self.evidence_lines(evidence, summary));
            }
            let names = Names::of(plan);
            let previous = (!names.first).then_some(names.previous.as_str());
            let advice = advice(plan.kind, Some(outcome), &plan.environment, previous);
            lines.extend(advice.map(|advice| self.style.paint(Tone::Plain, &format!("  next: {advice}"))));
        }
        lines
    }

    /// What the summary does not say already: other reasons, and what the units wrote last.
    fn evidence_lines(&self, evidence: &Evidence, summary: &str) -> Vec<String> {
        let paint = |tone, text: &str| self.style.paint(tone, text);
        let mut lines = vec![paint(Tone::Bad, &format!("  failed: {}", evidence.title))];
        if !summary.contains(&evidence.reason) {
            lines.push(paint(Tone::Plain, &format!("    {}", evidence.reason)));
        }
        for (unit, logs) in &evidence.units {
            if !evidence.reason.contains(unit) || !logs.is_empty() {
                lines.push(paint(Tone::Plain, &format!("    {unit}")));
            }
            lines.extend(
                logs.lines()
                    .map(|line| paint(Tone::Faint, &format!("      | {line}"))),
            );
        }
        if evidence.left_out > 0 {
            lines.push(paint(
                Tone::Plain,
                &format!("    and {} more units", evidence.left_out),
            ));
        }
        lines
    }
}
