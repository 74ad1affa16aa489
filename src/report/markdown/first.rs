//! The first screen of a summary: how it ended, why, what to do next, what serves now. Whoever was woken up reads
//! no further; the logs of what failed come right after it.

use super::escape::{code, fence, link, short, text};
use crate::domain::model::Verdict;
use crate::domain::rollout::Outcome;
use crate::report::elapsed::elapsed;
use crate::report::{FailureRow, RunReport, foreign};
use std::cmp::Reverse;
use std::fmt::Write as _;

/// Units whose reasons and logs are shown, and how much of each log.
const UNITS: usize = 10;
const LOG_LINES: usize = 50;
const LOG_BYTES: usize = 8 * 1024;

/// How it ended, in one sign.
pub(super) fn sign(report: &RunReport) -> &'static str {
    match (report.verified, report.outcome) {
        (Some(Verdict::Pass), _) | (None, Some(Outcome::Succeeded)) => "✅",
        (Some(Verdict::Fail), _) => "❌",
        (Some(Verdict::Inconclusive), _) => "❔",
        (None, Some(Outcome::RolledBack)) => "↩️",
        (None, Some(Outcome::Halted)) => "⛔",
        (None, None) => "⏳",
    }
}

/// The headline, the reasons with the way out, and the facts in one table.
pub(super) fn outcome(report: &RunReport) -> String {
    let headline = report.headline();
    let mut section = format!("## {} {}\n\n", sign(report), short(&headline, 400));
    section.push_str(&reasons(report));
    let told = |summary: &&String| adds(report, summary, &headline);
    if let Some(summary) = report.summary.as_ref().filter(told) {
        // Writing to a String cannot fail.
        let _ = writeln!(section, "{}\n", short(summary, 500));
    }
    section.push_str(&facts(report));
    let origin = &report.origin;
    let run = origin
        .run
        .as_deref()
        .map(|run| format!(" ({})", link("run", &foreign::clip(run, 300))));
    let _ = writeln!(
        section,
        "\nAsked for by {} ({}): {}{}",
        short(&origin.actor, 100),
        short(&origin.via, 100),
        short(&origin.reason, 300),
        run.unwrap_or_default()
    );
    section
}

/// Whether the rollout's own summary says anything that the headline and the reasons do not.
fn adds(report: &RunReport, summary: &str, headline: &str) -> bool {
    let said = |reason: &str| !reason.is_empty() && summary.contains(reason);
    match report.outcome {
        Some(Outcome::Succeeded) => !headline.contains(summary.trim_end_matches('.')),
        Some(Outcome::Halted) => !report.failures.iter().any(|failure| said(&failure.reason)),
        Some(Outcome::RolledBack) | None => false,
    }
}

/// One row: what serves now and what was tried, or from which version to which; where, how, how long.
fn facts(report: &RunReport) -> String {
    let candidate = code(report.version());
    let (head, version) = if report.verified.is_some() {
        ("Version", candidate)
    } else if report.outcome == Some(Outcome::Succeeded) {
        let version = match report.previous_version() {
            Some(previous) => format!("{} → {candidate}", code(previous)),
            None => format!("{candidate} (first deployment)"),
        };
        ("Version", version)
    } else {
        ("Live now | Tried", format!("{} | {candidate}", live_now(report)))
    };
    let rule = "---|".repeat(head.split('|').count());
    let url = report
        .url
        .as_deref()
        .map_or_else(|| "–".to_owned(), |url| link(url, url));
    let (environment, took) = (text(report.environment.as_str()), elapsed(report.duration_ms));
    if report.verified.is_some() {
        // Nothing was rolled out, by whatever strategy.
        return format!(
            "| {head} | Environment | Duration | URL |\n|{rule}---|--:|---|\n\
             | {version} | {environment} | {took} | {url} |\n"
        );
    }
    format!(
        "| {head} | Environment | Strategy | Units | Duration | URL |\n|{rule}---|---|--:|--:|---|\n\
         | {version} | {environment} | {} | {} | {took} | {url} |\n",
        text(&report.strategy),
        report.units,
    )
}

/// What clients get at this moment, as far as the run knows.
fn live_now(report: &RunReport) -> String {
    let previous = report
        .previous_version()
        .map_or_else(|| "nothing".to_owned(), code);
    if report.outcome == Some(Outcome::RolledBack) {
        return previous;
    }
    let candidate = code(report.version());
    match report.traffic.last().map(|point| point.share.get()) {
        Some(0) => previous,
        Some(100) => candidate,
        Some(share) => format!("{previous} {}%, {candidate} {share}%", 100 - share),
        // Without a router nobody counted.
        None => format!(
            "see {}",
            code(&format!("greenroom status {} --live", report.environment))
        ),
    }
}

/// Why, of which units, and what to do next; empty where all went well.
pub(super) fn reasons(report: &RunReport) -> String {
    if report.succeeded() {
        return String::new();
    }
    let cause = report.cause.as_deref().unwrap_or_default();
    let mut told = String::new();
    if !cause.is_empty() {
        let _ = writeln!(told, "**Why:** {}\n", short(cause, 1_000));
    }
    let units = failed_units(report);
    // Alone, a unit whose reason is the cause itself would only say it again.
    let said = |failure: &FailureRow| units.len() == 1 && cause.contains(failure.reason.as_str());
    for (unit, failure) in units.iter().take(UNITS).filter(|(_, failure)| !said(failure)) {
        let _ = writeln!(told, "- {}: {}", code(unit), short(&failure.reason, 300));
    }
    let more = units.len().saturating_sub(UNITS);
    if more > 0 {
        let _ = writeln!(told, "- {more} more are in the JSON report");
    }
    if let Some(advice) = report.next_action() {
        let _ = writeln!(told, "\n**Next:** {}\n", advice_text(&advice));
    }
    told
}

/// The failures of single units, the newest step's first.
fn failed_units(report: &RunReport) -> Vec<(&str, &FailureRow)> {
    let mut units: Vec<(&str, &FailureRow)> = report
        .failures
        .iter()
        .filter_map(|failure| failure.unit.as_ref().map(|unit| (unit.as_str(), failure)))
        .collect();
    units.sort_by_key(|(_, failure)| Reverse(failure.at));
    units
}

/// The last lines of each unit that failed. The first is open: units mostly fail for the same reason.
pub(super) fn logs(report: &RunReport) -> Vec<String> {
    if report.succeeded() {
        return Vec::new();
    }
    let units = failed_units(report);
    let with_logs = units.iter().filter(|(_, failure)| !failure.logs.is_empty());
    let mut open = " open";
    let mut blocks: Vec<String> = Vec::new();
    for (unit, failure) in with_logs.take(UNITS) {
        let logs = foreign::tail(&failure.logs, LOG_LINES, LOG_BYTES);
        blocks.push(format!(
            "\n<details{open}><summary>Last lines of {}</summary>\n\n{}\n</details>\n",
            text(unit),
            fence(&logs)
        ));
        open = "";
    }
    let first = blocks.first().cloned();
    let all = blocks.concat();
    let mut forms = vec![all];
    forms.extend(first.filter(|_| blocks.len() > 1));
    forms
}

/// Words with commands between backticks, which stay code. Each part is escaped, whoever wrote it.
pub(super) fn advice_text(advice: &str) -> String {
    let parts = advice.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { code(part) } else { text(part) })
        .collect()
}
