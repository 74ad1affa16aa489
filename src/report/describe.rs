//! One sentence for each step, in the words of a person.

use super::foreign;
use crate::domain::model::{OnInconclusive, Percent, Slot, Suite, Thresholds, UnitId};
use crate::domain::rollout::{Phase, Placement, Plan, Side, Step, StepId, Watch};

/// What `step` does, as a phrase that reads well after "3/7":
/// `send 25% of traffic to 1.3.0 and the rest to 1.2.0`. Names of hooks and suites stand in it as
/// they were written: the caller redacts it and passes it through [`foreign::line`].
pub fn describe_step(plan: &Plan, step: &Step) -> String {
    let names = Names::of(plan);
    match step {
        Step::Hook(hook) if hook.reversible => format!("run the hook {}", hook.name),
        Step::Hook(hook) => format!("run the hook {}, which cannot be undone", hook.name),
        Step::Stage { units } => stage(plan, &names, units),
        Step::Restore { units } => format!("put {} back on {}", names.previous, foreign::list(&strs(units))),
        Step::AwaitReady { side, units } => {
            format!(
                "wait until {} is ready on {}",
                names.side(*side),
                foreign::list(&strs(units))
            )
        }
        Step::Shift { units, percent } => shift(plan, &names, units, *percent),
        Step::Observe(watch) => observe(plan, &names, watch),
        Step::Backup { units } => format!("save {}", foreign::list(&strs(units))),
        Step::PruneBackups { units, keep } => {
            format!(
                "keep the newest {keep} backups of {}",
                foreign::list(&strs(units))
            )
        }
        Step::Pause { period } => format!("wait {period}"),
        Step::Promote => format!("make {} the live version", names.candidate),
        Step::Retire { side, units } => {
            format!("stop {} on {}", names.side(*side), foreign::list(&strs(units)))
        }
    }
}

/// The place of a step in its part of the run: `3`, `back 1`.
pub(super) fn place(id: StepId) -> String {
    let part = match id.phase {
        Phase::Forward => "",
        Phase::Detour => "aside ",
        Phase::Recovery => "back ",
        Phase::Completion => "finish ",
    };
    format!("{part}{}", id.index + 1)
}

/// What the two releases are called: by version, and where both have the same, as old and new.
pub(super) struct Names {
    pub(super) candidate: String,
    pub(super) previous: String,
    pub(super) first: bool,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Self {
        let candidate = foreign::line(plan.candidate.version.as_str());
        match &plan.previous {
            None => Self {
                candidate,
                previous: "what was there before".to_owned(),
                first: true,
            },
            Some(previous) if previous.version == plan.candidate.version => Self {
                candidate: format!("the new {candidate}"),
                previous: format!("the old {candidate}"),
                first: false,
            },
            Some(previous) => Self {
                candidate,
                previous: foreign::line(previous.version.as_str()),
                first: false,
            },
        }
    }

    fn side(&self, side: Side) -> &str {
        match side {
            Side::Candidate => &self.candidate,
            Side::Previous => &self.previous,
        }
    }
}

fn strs(units: &[UnitId]) -> Vec<&str> {
    units.iter().map(UnitId::as_str).collect()
}

fn stage(plan: &Plan, names: &Names, units: &[UnitId]) -> String {
    let placement = |unit: &UnitId| plan.placements.iter().find(|placement| placement.unit == *unit);
    let in_place =
        |placement: &Placement| placement.candidate.is_some() && placement.candidate == placement.previous;
    let placements: Vec<&Placement> = units.iter().filter_map(placement).collect();
    if !names.first && !placements.is_empty() && placements.iter().all(|placement| in_place(placement)) {
        return format!(
            "replace {} by {} on {}",
            names.previous,
            names.candidate,
            foreign::list(&strs(units))
        );
    }
    let parts: Vec<String> = Slot::BOTH
        .into_iter()
        .filter_map(|slot| {
            let there: Vec<&str> = placements
                .iter()
                .filter(|placement| placement.candidate == Some(slot))
                .map(|placement| placement.unit.as_str())
                .collect();
            (!there.is_empty()).then(|| format!("the {slot} slot of {}", foreign::list(&there)))
        })
        .collect();
    if parts.is_empty() {
        format!("start {} on {}", names.candidate, foreign::list(&strs(units)))
    } else {
        format!("start {} in {}", names.candidate, parts.join(" and "))
    }
}

fn shift(plan: &Plan, names: &Names, units: &[UnitId], percent: Percent) -> String {
    let candidate = &names.candidate;
    let what = match percent {
        Percent::ALL => format!("send all traffic to {candidate}"),
        Percent::ZERO if names.first => format!("send no traffic to {candidate}"),
        Percent::ZERO => format!("send all traffic to {}", names.previous),
        _ if names.first => format!("send {percent} of traffic to {candidate}"),
        _ => format!(
            "send {percent} of traffic to {candidate} and the rest to {}",
            names.previous
        ),
    };
    if units.len() >= plan.placements.len() {
        what
    } else {
        format!("{what} on {}", foreign::list(&strs(units)))
    }
}

fn observe(plan: &Plan, names: &Names, watch: &Watch) -> String {
    let candidate = &names.candidate;
    match watch {
        Watch::Preview { suite, units } => format!(
            "check {candidate} on {} before it has traffic ({})",
            foreign::list(&strs(units)),
            suite_phrase(suite)
        ),
        Watch::Service { suite } => {
            let place = plan
                .url
                .as_ref()
                .map_or_else(|| "the service".to_owned(), ToString::to_string);
            format!("check {place} ({})", suite_phrase(suite))
        }
        Watch::Traffic { period, thresholds } => {
            format!(
                "watch the traffic that reaches {candidate} for {period} ({})",
                bounds(thresholds)
            )
        }
        Watch::Health { period } => format!("watch the health of the service for {period}"),
    }
}

fn suite_phrase(suite: &Suite) -> String {
    let count = suite.checks.len();
    let noun = if count == 1 { "check" } else { "checks" };
    format!("suite {}, {count} {noun}", suite.name)
}

/// The bounds in words: `at most 1% errors, p95 at most 300ms, at least 20 requests`.
fn bounds(thresholds: &Thresholds) -> String {
    // Two decimals are enough for a bound that people write; trailing zeros go.
    let percent = format!("{:.2}", thresholds.error_rate * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    let latency = thresholds
        .p95
        .map(|p95| format!(", p95 at most {p95}"))
        .unwrap_or_default();
    format!(
        "at most {percent}% errors{latency}, at least {} requests",
        thresholds.min_requests
    )
}

/// What follows when too little was seen, in words.
pub(super) fn inconclusive(choice: OnInconclusive) -> &'static str {
    match choice {
        OnInconclusive::Pause => "halt and wait for a person",
        OnInconclusive::Rollback => "turn back",
        OnInconclusive::Promote => "go on",
    }
}
