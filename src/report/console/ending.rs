//! The last lines of a run: the outcome, and after a failure its reasons, the evidence and what to do
//! next.

use super::evidence::Evidence;
use super::lines::Console;
use super::style::Tone;
use crate::domain::model::Timestamp;
use crate::domain::rollout::Outcome;
use crate::report::advice::advice;
use crate::report::describe::Names;
use crate::report::elapsed::elapsed;

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
