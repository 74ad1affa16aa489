//! The steps as a Mermaid gantt chart.

use super::escape::label;
use crate::domain::rollout::Phase;
use crate::report::describe::place;
use crate::report::{RunReport, StepRow, StepState};
use std::fmt::Write as _;

/// Most steps in the chart: GitHub's Mermaid refuses texts of over 50,000 characters, and a person
/// reads far fewer.
const ROWS: usize = 60;
const LABEL: usize = 60;

/// The chart as a fenced block; `None` before the first step.
pub(super) fn chart(report: &RunReport) -> Option<String> {
    let began: Vec<&StepRow> = report
        .steps
        .iter()
        .filter(|step| step.started.is_some())
        .collect();
    if began.is_empty() {
        return None;
    }
    let axis = axis(report.duration_ms);
    let mut chart =
        format!("```mermaid\ngantt\n    dateFormat x\n    axisFormat {axis}\n    todayMarker off\n");
    let mut phase = None;
    for step in began.iter().take(ROWS) {
        if phase.replace(step.id.phase) != Some(step.id.phase) {
            let name = match step.id.phase {
                Phase::Forward => "Way forward",
                Phase::Detour => "Units put back",
                Phase::Recovery => "Way back",
                Phase::Completion => "Completion",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(chart, "    section {name}");
        }
        chart.push_str(&task(report, step));
    }
    chart.push_str("```\n");
    if began.len() > ROWS {
        let _ = writeln!(chart, "\n{} more steps are not drawn.", began.len() - ROWS);
    }
    Some(chart)
}

/// Times on the axis that differ from each other: it has about eight of them.
fn axis(duration_ms: u64) -> &'static str {
    match duration_ms {
        0..8_000 => "%M:%S.%L",
        8_000..3_600_000 => "%H:%M:%S",
        _ => "%H:%M",
    }
}

/// `name :state, start, end`, times in milliseconds since 1970.
fn task(report: &RunReport, step: &StepRow) -> String {
    let start = step
        .started
        .map_or(0, crate::domain::model::Timestamp::unix_millis);
    let end = match step.duration_ms {
        Some(millis) => start.saturating_add(i64::try_from(millis).unwrap_or(0)),
        None => report.ended.unix_millis(),
    };
    let state = match step.state {
        StepState::Done => "done",
        StepState::Failed => "crit",
        // It was gone on without saying that it is well, which is no failure.
        StepState::Inconclusive if report.succeeded() => "active",
        StepState::Inconclusive => "crit",
        StepState::Running | StepState::NotRun => "active",
    };
    let name = format!("{} {}", place(step.id), step.description);
    format!("    {} :{state}, {start}, {end}\n", label(&name, LABEL))
}
