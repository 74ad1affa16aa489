//! What is told beside the summary: a rollout that goes on, one that was refused, and the comment on a pull
//! request.

use super::escape::{code, link, text};
use super::sections::sign;
use crate::model::{Digest, EnvironmentName};
use crate::report::{RunReport, foreign};
use crate::rollout::Plan;
use std::fmt::Write as _;

/// Most conditions that are listed, and the longest that is said about each, in characters.
const UNMET: usize = 100;
const LONGEST: usize = 1_000;

/// A condition that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What it is about, in one word: `freeze`.
    pub what: String,
    /// Why it is not met.
    pub reason: String,
    /// What to do about it; empty where nothing is known.
    pub fix: String,
}

/// How many deployments an environment has had, this one among them.
pub type Count = usize;

fn short(foreign_text: &str, most: usize) -> String {
    text(&foreign::clip(foreign_text, most))
}

/// A rollout that has begun.
pub fn underway(plan: &Plan) -> String {
    let version = match &plan.previous {
        Some(previous) => format!(
            "{} → {}",
            code(previous.version.as_str()),
            code(plan.candidate.version.as_str())
        ),
        None => format!("{} (first deployment)", code(plan.candidate.version.as_str())),
    };
    let origin = &plan.origin;
    format!(
        "{version} in {}: {}, {} steps on {} units\n\nAsked for by {} ({}): {}\n",
        text(plan.environment.as_str()),
        text(plan.strategy.as_str()),
        plan.steps.len(),
        plan.placements.len(),
        short(&origin.actor.name, 100),
        short(&origin.actor.via, 100),
        short(&origin.reason, 300)
    )
}

/// Every condition that is not met, with what to do about it.
pub fn refused(unmet: &[Unmet]) -> String {
    let mut shown = String::from("Nothing was touched.\n\n| | Why | What to do |\n|---|---|---|\n");
    for condition in unmet.iter().take(UNMET) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            shown,
            "| {} | {} | {} |",
            code(&condition.what),
            short(&condition.reason, LONGEST),
            short(&condition.fix, LONGEST)
        );
    }
    if let Some(more) = unmet.len().checked_sub(UNMET).filter(|more| *more > 0) {
        let _ = writeln!(shown, "\n{more} more are in the log of the run.");
    }
    shown
}

/// How anybody can prove later that the ledger was not rewritten since.
pub fn evidence(environment: &EnvironmentName, head: &Digest) -> String {
    format!(
        "Ledger head: {}\n\nProof that nothing was changed since: {}\n",
        code(head.as_str()),
        code(&format!("greenroom audit verify {environment} --head {head}"))
    )
}

/// The comment on a pull request: outcome, version, address, run, and which deployment of the environment it
/// is.
pub fn comment(report: &RunReport, run: Option<&str>, count: Option<Count>) -> String {
    let sign = sign(report);
    let mut body = format!("### {sign} {}\n\n", short(&report.headline(), 400));
    if let Some(cause) = report.cause.as_ref().filter(|_| !report.succeeded()) {
        let _ = writeln!(body, "**{}**\n", short(cause, LONGEST));
    }
    let dash = || "–".to_owned();
    let url = report.url.as_deref().map_or_else(dash, |url| link(url, url));
    let run = run.map_or_else(dash, |run| link("log", &foreign::clip(run, 300)));
    let environment = text(report.environment.as_str());
    let count = count.map_or_else(
        || environment.clone(),
        |count| format!("{environment}, its {}", ordinal(count)),
    );
    let _ = write!(
        body,
        "| Version | URL | Run | Deployment |\n|---|---|---|---|\n| {} | {url} | {run} | {} ({count}) |\n",
        code(report.version()),
        code(report.deployment.as_str())
    );
    if let Some(head) = &report.history.head {
        let _ = writeln!(body, "\nLedger head {}", code(head.as_str()));
    }
    body
}

/// `1st`, `12th`, `23rd`.
fn ordinal(count: Count) -> String {
    let ending = match (count % 10, count % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{count}{ending}")
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn numbers_are_counted_as_people_say_them() {
        let said = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111, 113].map(ordinal);
        assert_eq!(
            said.join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th 113th"
        );
    }
}
