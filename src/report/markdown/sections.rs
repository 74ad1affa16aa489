//! The parts of a summary, in the order in which they are read.

use super::escape::{code, short, text};
use super::first::{logs, outcome};
use super::fit::Section;
use super::timeline::chart;
use crate::domain::model::{CheckKind, Verdict};
use crate::report::annotations::Annotation;
use crate::report::describe::place;
use crate::report::elapsed::elapsed;
use crate::report::{Change, CheckRow, RunReport, StepState, foreign};

/// Rows of a table in full and in its shorter form.
const ROWS: usize = 2_000;
const FEW: usize = 25;
/// Most checks that are all in sight.
const IN_SIGHT: usize = 12;
/// The longest that two values beside each other may be, in characters, so that they fit a comment's width.
const BESIDE: usize = 70;

/// Every section that has something to say.
pub(super) fn all(report: &RunReport, overflow: &[Annotation]) -> Vec<Section> {
    let sections = [
        ("outcome", 9, vec![outcome(report)]),
        ("logs", 8, logs(report)),
        ("warnings", 6, warnings(report)),
        ("checks", 5, checks(report)),
        ("changes", 4, changes(report)),
        ("traffic", 3, Vec::from_iter(traffic(report))),
        (
            "timeline",
            3,
            Vec::from_iter(chart(report).map(|chart| format!("\n### Timeline\n\n{chart}"))),
        ),
        ("steps", 2, steps(report)),
        ("further annotations", 1, annotations(overflow)),
        ("history", 7, vec![history(report)]),
    ];
    // Checks alone are no rollout: they have no way through time, and no records in the ledger.
    let of_rollouts = |name: &str| ["timeline", "traffic", "changes", "steps", "history"].contains(&name);
    sections
        .into_iter()
        .filter(|(name, _, _)| report.verified.is_none() || !of_rollouts(name))
        .filter(|(_, _, forms)| forms.iter().any(|form| !form.is_empty()))
        .map(|(name, rank, forms)| Section { name, rank, forms })
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

/// What did not pass is always in sight, and comes first because a table may be cut; what passed is folded
/// away where it would fill the screen.
fn checks(report: &RunReport) -> Vec<String> {
    let totals = &report.totals;
    let (passed, mut others): (Vec<&CheckRow>, Vec<&CheckRow>) = report
        .checks
        .iter()
        .partition(|check| check.verdict == Verdict::Pass);
    others.sort_by_key(|check| check.verdict == Verdict::Inconclusive);
    let counts: Vec<String> = [
        (totals.checks_passed, "passed"),
        (totals.checks_failed, "failed"),
        (totals.checks_inconclusive, "inconclusive"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let count = format!(
        "\n### Checks\n\n{}, from {} samples\n",
        counts.join(", "),
        totals.samples
    );
    let head = "\n| | Check | Unit | Traffic | Evidence | Samples | p95 | Time |\n|---|---|---|--:|---|--:|--:|--:|\n";
    let rows =
        |checks: &[&CheckRow]| -> Vec<String> { checks.iter().map(|check| check_row(check)).collect() };
    let mut forms = if report.checks.len() <= IN_SIGHT {
        listed(
            &format!("{count}{head}"),
            &rows(&[others, passed].concat()),
            [ROWS, FEW],
        )
    } else {
        let seen = listed(head, &rows(&others), [ROWS, FEW]);
        let folded = format!(
            "\n<details><summary>{} that passed</summary>\n{head}",
            passed.len()
        );
        let folded = close_details(listed(&folded, &rows(&passed), [ROWS, FEW]));
        let form = |forms: &[String], at: usize| forms.get(at).or(forms.last()).cloned().unwrap_or_default();
        (0..2)
            .map(|at| format!("{count}{}{}", form(&seen, at), form(&folded, at)))
            .collect()
    };
    forms.dedup();
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
    // A unit that comes up answers late and not wrongly: only what it took is worth a number.
    let came_up = check.verdict == Verdict::Pass && check.kind == CheckKind::Health && check.suite.is_none();
    let samples = match check.samples_failed {
        failed if failed > 0 && !came_up => format!("{failed} of {} failed", check.samples),
        _ => check.samples.to_string(),
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
            .map_or_else(|| "–".to_owned(), |millis| format!("{millis}ms")),
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
                .map(|name| format!("| Secret {} | {what} |\n", code(name))),
        );
    }
    listed(
        "\n### What changed\n\n| | Before → after |\n|---|---|\n",
        &lines,
        [ROWS, FEW],
    )
}

/// Two values stand beside each other where both are short, else below each other: a table that is wider than
/// the page hides what is new.
fn change_row(name: &str, change: &Change) -> String {
    let cell = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "–".to_owned(), |value| code(&foreign::clip(value, 300)))
    };
    let length = |value: &Option<String>| value.as_deref().map_or(0, |value| value.chars().count());
    let parted = if length(&change.before) + length(&change.after) > BESIDE {
        "<br>→"
    } else {
        " →"
    };
    format!(
        "| {name} | {}{parted} {} |\n",
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
