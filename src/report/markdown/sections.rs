//! The parts of a summary, in the order in which they are read.

use super::escape::{code, fence, link, text};
use super::fit::Section;
use super::timeline::chart;
use crate::model::Verdict;
use crate::report::annotations::Annotation;
use crate::report::describe::place;
use crate::report::elapsed::elapsed;
use crate::report::{Change, CheckRow, RunReport, StepState, foreign};
use crate::rollout::Outcome;
use std::fmt::Write as _;

/// Units whose logs are shown, and how much of each.
const UNITS: usize = 10;
const LOG_LINES: usize = 50;
const LOG_BYTES: usize = 8 * 1024;
/// Rows of a table in full and in its shorter form.
const ROWS: usize = 2_000;
const FEW: usize = 25;

/// Every section that has something to say.
pub(super) fn all(report: &RunReport, overflow: &[Annotation]) -> Vec<Section> {
    let sections = [
        ("outcome", 9, vec![outcome(report)]),
        ("cause", 8, cause(report)),
        ("warnings", 6, warnings(report)),
        ("checks", 5, checks(report)),
        (
            "timeline",
            3,
            Vec::from_iter(chart(report).map(|chart| format!("\n### Timeline\n\n{chart}"))),
        ),
        ("traffic", 3, Vec::from_iter(traffic(report))),
        ("changes", 4, changes(report)),
        ("steps", 2, steps(report)),
        ("further annotations", 1, annotations(overflow)),
        ("history", 7, vec![history(report)]),
    ];
    sections
        .into_iter()
        .filter(|(_, _, forms)| forms.iter().any(|form| !form.is_empty()))
        .map(|(name, rank, forms)| Section { name, rank, forms })
        .collect()
}

fn short(foreign_text: &str, most: usize) -> String {
    text(&foreign::clip(foreign_text, most))
}

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

fn outcome(report: &RunReport) -> String {
    let sign = sign(report);
    let version = match report.previous_version() {
        _ if report.verified.is_some() => code(report.version()),
        Some(previous) => format!("{} → {}", code(previous), code(report.version())),
        None => format!("{} (first deployment)", code(report.version())),
    };
    let origin = &report.origin;
    let mut section = format!("## {sign} {}\n\n", short(&report.headline(), 400));
    if let Some(summary) = &report.summary {
        // Writing to a String cannot fail.
        let _ = writeln!(section, "{}\n", short(summary, 500));
    }
    let run = origin
        .run
        .as_deref()
        .map(|run| format!(" ({})", link("run", &foreign::clip(run, 300))));
    let url = report
        .url
        .as_deref()
        .map_or_else(|| "–".to_owned(), |url| link(url, url));
    let _ = writeln!(
        section,
        "| Version | Environment | Strategy | Units | Duration | URL |"
    );
    let _ = writeln!(section, "|---|---|---|--:|--:|---|");
    let _ = writeln!(
        section,
        "| {version} | {} | {} | {} | {} | {url} |",
        text(report.environment.as_str()),
        text(&report.strategy),
        report.units,
        elapsed(report.duration_ms)
    );
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

/// With the last lines of the logs, then without.
fn cause(report: &RunReport) -> Vec<String> {
    if report.succeeded() {
        return Vec::new();
    }
    let mut bare = String::from("\n### Why\n\n");
    if let Some(cause) = &report.cause {
        let _ = writeln!(bare, "**{}**\n", short(cause, 1_000));
    }
    let of_units = report
        .failures
        .iter()
        .rev()
        .filter_map(|failure| failure.unit.as_ref().map(|unit| (unit, failure)));
    for (unit, failure) in of_units.clone().take(UNITS) {
        let _ = writeln!(bare, "- {}: {}", code(unit.as_str()), short(&failure.reason, 300));
    }
    let advice = report
        .next_action()
        .map(|advice| format!("\n**Next:** {}\n", advice_text(&advice)));
    let advice = advice.unwrap_or_default();
    let mut full = bare.clone();
    for (unit, failure) in of_units
        .clone()
        .filter(|(_, failure)| !failure.logs.is_empty())
        .take(UNITS)
    {
        let logs = foreign::tail(&failure.logs, LOG_LINES, LOG_BYTES);
        let _ = write!(
            full,
            "\n<details open><summary>Last lines of {}</summary>\n\n{}\n</details>\n",
            text(unit.as_str()),
            fence(&logs)
        );
    }
    let more = of_units.count().saturating_sub(UNITS);
    if more > 0 {
        let _ = writeln!(full, "\n{more} earlier failures are in the JSON report.");
    }
    vec![full + &advice, bare + &advice]
}

/// Our own words, with commands between backticks, which stay code.
fn advice_text(advice: &str) -> String {
    let parts = advice.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { code(part) } else { text(part) })
        .collect()
}

fn warnings(report: &RunReport) -> Vec<String> {
    let lines: Vec<String> = report
        .warnings
        .iter()
        .map(|warning| format!("- {}\n", short(warning, 300)))
        .chain(
            report
                .notes
                .iter()
                .map(|note| format!("- {}: {}\n", note.at.human(), short(&note.text, 300))),
        )
        .collect();
    listed("\n### Worth knowing\n\n", &lines, [ROWS, FEW])
}

/// A heading and its lines, once for each number of lines at most; nothing for no lines.
fn listed(head: &str, lines: &[String], most: [usize; 2]) -> Vec<String> {
    if lines.is_empty() {
        return Vec::new();
    }
    let mut forms: Vec<String> = Vec::new();
    for most in most {
        let rest = lines.len().saturating_sub(most);
        let more = if rest > 0 {
            format!("\n{rest} more are in the JSON report.\n")
        } else {
            String::new()
        };
        let form = format!("{head}{}{more}", lines[..lines.len() - rest].concat());
        if forms.last() != Some(&form) {
            forms.push(form);
        }
    }
    forms
}

/// Failed checks first, because a table may be cut.
fn checks(report: &RunReport) -> Vec<String> {
    let totals = &report.totals;
    let mut rows: Vec<&CheckRow> = report.checks.iter().collect();
    rows.sort_by_key(|check| match check.verdict {
        Verdict::Fail => 0,
        Verdict::Inconclusive => 1,
        Verdict::Pass => 2,
    });
    let lines: Vec<String> = rows.into_iter().map(check_row).collect();
    let count = format!(
        "\n### Checks\n\n{} passed, {} failed, {} inconclusive, from {} samples\n",
        totals.checks_passed, totals.checks_failed, totals.checks_inconclusive, totals.samples
    );
    let head = format!(
        "{count}\n| | Check | Unit | Traffic | Evidence | Samples | p95 | Time |\n|---|---|---|--:|---|--:|--:|--:|\n"
    );
    let mut forms = listed(&head, &lines, [ROWS, FEW]);
    if !forms.is_empty() {
        forms.push(count);
    }
    forms
}

fn check_row(check: &CheckRow) -> String {
    let sign = match check.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "❔",
    };
    let suite = check
        .suite
        .as_ref()
        .map(|suite| format!("{}: ", short(suite, 80)))
        .unwrap_or_default();
    let samples = match check.samples_failed {
        0 => check.samples.to_string(),
        failed => format!("{failed} of {} failed", check.samples),
    };
    format!(
        "| {sign} | {suite}{} | {} | {} | {} | {samples} | {} | {} |\n",
        short(&check.name, 120),
        check
            .unit
            .as_ref()
            .map_or_else(|| "all".to_owned(), |unit| text(unit.as_str())),
        check.share,
        short(&check.reason, 300),
        check
            .p95_ms
            .map_or_else(|| "–".to_owned(), |millis| format!("{millis} ms")),
        elapsed(check.duration_ms)
    )
}

/// Where the traffic went; `None` where it never moved.
fn traffic(report: &RunReport) -> Option<String> {
    const POINTS: usize = 40;
    let points = &report.traffic;
    if points.len() < 2 {
        return None;
    }
    let shown: Vec<String> = points
        .iter()
        .take(POINTS)
        .map(|point| {
            let after = point.at.since(report.started).as_millis();
            format!("**{}** after {}", point.share, elapsed(after))
        })
        .collect();
    let more = if points.len() > POINTS {
        format!(" → … ({} more)", points.len() - POINTS)
    } else {
        String::new()
    };
    Some(format!(
        "\n### Traffic to {}\n\n{}{more}\n",
        code(report.version()),
        shown.join(" → ")
    ))
}

fn changes(report: &RunReport) -> Vec<String> {
    let changes = &report.changes;
    let mut lines: Vec<String> = [("Image", &changes.image), ("Commit", &changes.commit)]
        .into_iter()
        .filter(|(_, change)| !change.is_none())
        .map(|(name, change)| change_row(name, change))
        .collect();
    lines.extend(
        changes
            .variables
            .iter()
            .map(|variable| change_row(&code(&variable.name), &variable.change)),
    );
    for (what, names) in [
        ("added", &changes.secrets_added),
        ("removed", &changes.secrets_removed),
        ("from another place", &changes.secrets_moved),
    ] {
        lines.extend(
            names
                .iter()
                .map(|name| format!("| Secret {} | {what} | |\n", code(name))),
        );
    }
    listed(
        "\n### What changed\n\n| | Before | After |\n|---|---|---|\n",
        &lines,
        [ROWS, FEW],
    )
}

fn change_row(name: &str, change: &Change) -> String {
    let cell = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "–".to_owned(), |value| code(&foreign::clip(value, 300)))
    };
    format!(
        "| {name} | {} | {} |\n",
        cell(&change.before),
        cell(&change.after)
    )
}

fn steps(report: &RunReport) -> Vec<String> {
    let lines: Vec<String> = report
        .steps
        .iter()
        .map(|step| {
            let state = match step.state {
                StepState::NotRun => "not run",
                StepState::Running => "running",
                StepState::Done => "done",
                StepState::Failed => "failed",
                StepState::Inconclusive => "inconclusive",
            };
            let again = if step.attempts > 1 {
                format!(" ({} attempts)", step.attempts)
            } else {
                String::new()
            };
            let took = step.duration_ms.map_or_else(|| "–".to_owned(), elapsed);
            format!(
                "| {} | {} | {state}{again} | {took} |\n",
                place(step.id),
                short(&step.description, 300)
            )
        })
        .collect();
    let head = "\n<details><summary>Steps</summary>\n\n| | Step | Result | Time |\n|---|---|---|--:|\n";
    close_details(listed(head, &lines, [ROWS, FEW]))
}

fn annotations(overflow: &[Annotation]) -> Vec<String> {
    let lines: Vec<String> = overflow
        .iter()
        .map(|annotation| {
            format!(
                "- **{}** {}\n",
                short(&annotation.title, 200),
                short(&annotation.message, 300)
            )
        })
        .collect();
    let head = format!(
        "\n<details><summary>{} annotations that GitHub would not have kept</summary>\n\n",
        lines.len()
    );
    close_details(listed(&head, &lines, [ROWS, FEW]))
}

fn close_details(forms: Vec<String>) -> Vec<String> {
    forms
        .into_iter()
        .map(|form| format!("{form}\n</details>\n"))
        .collect()
}

fn history(report: &RunReport) -> String {
    let history = &report.history;
    let head = history
        .head
        .as_ref()
        .map(|head| format!(", head {}", code(head.as_str())));
    let proof = report
        .proof
        .as_ref()
        .map(|proof| format!(" Proof: {}.", code(&proof.to_string())));
    let signed: Vec<String> = report
        .signatures
        .iter()
        .map(|signed| format!("\nSigned by {}\n", short(&signed.to_string(), 500)))
        .collect();
    let approved: Vec<String> = report
        .approvers
        .iter()
        .map(|approver| format!("\nApproved by {}\n", short(&approver.to_string(), 500)))
        .collect();
    format!(
        "{}{}\nDeployment {}, ledger records {} to {}{}.{} Evidence: {}\n",
        approved.concat(),
        signed.concat(),
        code(report.deployment.as_str()),
        history.first_seq,
        history.last_seq,
        head.unwrap_or_default(),
        proof.unwrap_or_default(),
        code(&format!("greenroom history {}", report.environment))
    )
}
