//! What is told beside the summary: a rollout that goes on, one that was refused, and the comment on a pull
//! request.

use super::escape::{code, fence, link, short, text};
use super::first::{advice_text, reasons, sign};
use crate::domain::model::{Digest, EnvironmentName};
use crate::domain::rollout::Plan;
use crate::report::{RunReport, foreign};
use std::fmt::Write as _;

/// Most conditions that are listed, and the longest that is said about each, in characters.
const UNMET: usize = 100;
const LONGEST: usize = 1_000;
/// The longest heading, in characters.
const HEADING: usize = 300;
/// The most of a console's text that is shown.
const LINES: usize = 500;
const BYTES: usize = 60_000;

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

/// Every condition that is not met, with what to do about it. A list and no table: a digest in one column would
/// push the other out of sight.
pub fn refused(unmet: &[Unmet]) -> String {
    let mut shown = String::from("Nothing was touched.\n\n");
    for condition in unmet.iter().take(UNMET) {
        let reason = advice_text(&foreign::clip(&condition.reason, LONGEST));
        // Writing to a String cannot fail.
        let _ = write!(shown, "- **{}**: {reason}", text(&condition.what));
        if !condition.fix.is_empty() {
            let fix = advice_text(&foreign::clip(&condition.fix, LONGEST));
            let _ = write!(shown, "<br>**What to do:** {fix}");
        }
        shown.push('\n');
    }
    if let Some(more) = unmet.len().checked_sub(UNMET).filter(|more| *more > 0) {
        let _ = writeln!(shown, "\n{more} more are in the log of the run.");
    }
    shown
}

/// A run that was refused, as a summary of its own. `place` is where it was to go, where that is known.
pub fn refusal(place: Option<&EnvironmentName>, unmet: &[Unmet]) -> String {
    let place = place.map_or_else(String::new, |name| format!(" in {}", text(name.as_str())));
    let conditions = match unmet.len() {
        1 => "1 condition is not met".to_owned(),
        count => format!("{count} conditions are not met"),
    };
    format!("## ⛔ Refused{place}: {conditions}\n\n{}", refused(unmet))
}

/// A command that ended with an error: its first line, then all that was said on the console, where that is more.
pub fn failed(place: Option<&EnvironmentName>, error: &str, told: &str) -> String {
    let place = place.map_or_else(String::new, |name| format!("{}: ", text(name.as_str())));
    let first = error.lines().next().unwrap_or_default();
    let mut summary = format!("## ❌ {place}{}\n", advice_text(&foreign::clip(first, HEADING)));
    let all = foreign::tail(told, LINES, BYTES);
    if all.lines().count() > 1 || first.chars().count() > HEADING {
        let _ = write!(summary, "\n{}", fence(&all));
    }
    summary
}

/// What a command showed, under a heading of ours: lines of columns, which stay as they are.
pub fn shown(heading: &str, lines: &str) -> String {
    format!(
        "## {}\n\n{}",
        short(heading, HEADING),
        fence(&foreign::tail(lines, LINES, BYTES))
    )
}

/// That there was nothing to do, and why.
pub fn nothing(why: &str) -> String {
    format!("{}\n", advice_text(&foreign::clip(why, LONGEST)))
}

/// An image that was built.
pub fn built(place: &EnvironmentName, service: &str, version: &str, image: &str, tags: &[&str]) -> String {
    let tags: Vec<String> = tags.iter().take(UNMET).map(|tag| code(tag)).collect();
    let tags = if tags.is_empty() {
        "–".to_owned()
    } else {
        tags.join("<br>")
    };
    format!(
        "## 📦 {} {} is built for {}\n\n| Image | Tags |\n|---|---|\n| {} | {tags} |\n",
        short(service, 100),
        short(version, 100),
        text(place.as_str()),
        code(&foreign::clip(image, LONGEST))
    )
}

/// How anybody can prove later that the ledger was not rewritten since.
pub fn evidence(environment: &EnvironmentName, head: &Digest) -> String {
    format!(
        "Ledger head: {}\n\nProof that nothing was changed since: {}\n",
        code(head.as_str()),
        code(&format!("greenroom audit verify {environment} --head {head}"))
    )
}

/// The comment on a pull request: outcome, where it failed why and what to do next, version, address, run, and
/// which deployment of the environment it is.
pub fn comment(report: &RunReport, run: Option<&str>, count: Option<Count>) -> String {
    let sign = sign(report);
    let mut body = format!("### {sign} {}\n\n", short(&report.headline(), 400));
    body.push_str(&reasons(report));
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
    use super::*;

    fn environment() -> EnvironmentName {
        "production".parse().unwrap()
    }

    #[test]
    fn a_refusal_lists_each_condition_with_its_way_out() {
        let unmet = |what: &str, reason: &str, fix: &str| Unmet {
            what: what.to_owned(),
            reason: reason.to_owned(),
            fix: fix.to_owned(),
        };
        let shown = refusal(
            Some(&environment()),
            &[
                unmet(
                    "lock",
                    "locked | <b>since</b> noon",
                    "`greenroom unlock production`",
                ),
                unmet("event", "a fork", ""),
            ],
        );
        assert_eq!(
            shown,
            "## ⛔ Refused in production: 2 conditions are not met\n\nNothing was touched.\n\n\
             - **lock**: locked &#124; &#60;b&#62;since&#60;/b&#62; noon<br>**What to do:** \
             <code>greenroom unlock production</code>\n- **event**: a fork\n"
        );
    }

    #[test]
    fn an_error_of_one_line_is_a_heading_and_a_longer_one_is_shown_whole() {
        assert_eq!(
            failed(None, "no such `tag`", "error: no such `tag`"),
            "## ❌ no such <code>tag</code>\n"
        );
        assert_eq!(
            failed(
                Some(&environment()),
                "lint failed\n``` <b>",
                "error: lint failed\n``` <b>"
            ),
            "## ❌ production: lint failed\n\n````text\nerror: lint failed\n``` <b>\n````\n"
        );
    }

    #[test]
    fn an_image_without_tags_is_still_an_image() {
        let shown = built(&environment(), "shop", "1.3.0", "shop@sha256:1", &[]);
        assert!(shown.ends_with("| <code>shop@sha256:1</code> | – |\n"), "{shown}");
    }

    #[test]
    fn numbers_are_counted_as_people_say_them() {
        let said = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111, 113].map(ordinal);
        assert_eq!(
            said.join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th 113th"
        );
    }
}
