//! Events → [`RunReport`].

use super::run::{
    CheckRow, FailureRow, HistoryPointer, Note, OriginRow, RunReport, StepRow, StepState, Totals,
    TrafficPoint,
};
use super::{Acts, Changes, Recorded, Redact, describe_step, foreign};
use crate::domain::model::{Digest, Origin, Percent, Period, Signed, Timestamp, UnitId, Verdict};
use crate::domain::rollout::{
    Event, Outcome, Phase, Plan, Side, Step, StepId, StepResult, UnitFailure, acts,
};
use std::collections::BTreeMap;
use thiserror::Error;

/// Lines and bytes of each unit's log that a report keeps.
const LOG_LINES: usize = 200;
const LOG_BYTES: usize = 32 * 1024;

/// A list of events that is no run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportError {
    /// The list is empty, or its beginning is missing.
    #[error("reading the events of a run: the first one is not its plan")]
    NoPlan,
}

impl RunReport {
    /// Reads what is on record of one run: `events`, the first of which is its plan, and the hash of the newest
    /// record where it is known. Secrets were taken out before the events were recorded.
    ///
    /// # Errors
    /// [`ReportError::NoPlan`] when the first event is not a plan.
    pub fn of_record(events: &[Recorded], head: Option<&Digest>) -> Result<Self, ReportError> {
        let steps = match events.first().map(|recorded| &recorded.event) {
            Some(Event::Planned(plan)) => acts(plan, events.iter().skip(1).map(|recorded| &recorded.event)),
            _ => BTreeMap::new(),
        };
        let report = Self::fold(events, &|id| steps.get(&id).cloned(), &str::to_owned)?;
        Ok(match head {
            Some(head) => report.with_ledger_head(head.clone()),
            None => report,
        })
    }

    /// Reads the events of one run, the first of which is its plan.
    ///
    /// # Errors
    /// [`ReportError::NoPlan`] when it is not.
    pub fn fold(events: &[Recorded], acts: Acts<'_>, redact: Redact<'_>) -> Result<Self, ReportError> {
        let Some((first, rest)) = events.split_first() else {
            return Err(ReportError::NoPlan);
        };
        let Event::Planned(plan) = &first.event else {
            return Err(ReportError::NoPlan);
        };
        let mut fold = Fold {
            plan,
            acts,
            redact,
            shares: BTreeMap::new(),
            places: BTreeMap::new(),
            report: empty(plan, first, redact),
        };
        if plan.routed {
            fold.note_traffic(first.at);
        }
        for recorded in rest {
            fold.apply(recorded);
        }
        Ok(fold.finish())
    }
}

struct Fold<'a> {
    plan: &'a Plan,
    acts: Acts<'a>,
    redact: Redact<'a>,
    shares: BTreeMap<UnitId, Percent>,
    /// Where each step that began is in the report.
    places: BTreeMap<StepId, usize>,
    report: RunReport,
}

impl Fold<'_> {
    fn text(&self, text: &str) -> String {
        foreign::line(&(self.redact)(text))
    }

    fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        self.report.ended = at;
        self.report.history.last_seq = recorded.seq;
        match &recorded.event {
            Event::Planned(_) => {}
            Event::Began { step } => self.began(*step, at),
            Event::Judged { .. } => self.judged(&recorded.event, at),
            Event::Ended { step, result } => self.ended(*step, result, at),
            Event::BackedUp { unit, backup, .. } => {
                let text = format!("saved {unit} as {}", self.text(backup.as_str()));
                self.report.notes.push(Note { at, text });
            }
            Event::Interrupted { signal } => {
                let text = format!("interrupted by {}", self.text(signal));
                self.note(text, at);
            }
            Event::Resumed { origin } => {
                let text = format!("resumed by {}", self.person(origin));
                self.note(text, at);
                (self.report.outcome, self.report.summary, self.report.cause) = (None, None, None);
            }
            Event::Aborted { origin } => {
                let text = format!("aborted by {}", self.person(origin));
                self.note(text, at);
            }
            Event::Finished {
                outcome,
                summary,
                warnings,
            } => {
                self.report.outcome = Some(*outcome);
                self.report.summary = Some(self.text(summary));
                self.report.warnings = warnings.iter().map(|warning| self.text(warning)).collect();
            }
        }
    }

    fn person(&self, origin: &Origin) -> String {
        format!("{}: {}", self.text(&origin.actor.name), self.text(&origin.reason))
    }

    /// A signal or a person turned the run round, unless something had failed before.
    fn note(&mut self, text: String, at: Timestamp) {
        self.report.cause.get_or_insert_with(|| text.clone());
        self.report.notes.push(Note { at, text });
    }

    fn act(&self, id: StepId) -> Option<Step> {
        (self.acts)(id).or_else(|| planned(self.plan, id).cloned())
    }

    fn began(&mut self, id: StepId, at: Timestamp) {
        if let Some(row) = self.row(id) {
            row.attempts += 1;
            (row.state, row.started, row.duration_ms) = (StepState::Running, Some(at), None);
            return;
        }
        let description = describe_known(self.plan, id, self.act(id).as_ref());
        self.places.insert(id, self.report.steps.len());
        self.report.steps.push(StepRow {
            id,
            description: self.text(&description),
            state: StepState::Running,
            started: Some(at),
            duration_ms: None,
            attempts: 1,
        });
    }

    fn row(&mut self, id: StepId) -> Option<&mut StepRow> {
        let place = self.places.get(&id)?;
        self.report.steps.get_mut(*place)
    }

    fn judged(&mut self, event: &Event, at: Timestamp) {
        let Event::Judged {
            step,
            check,
            suite,
            kind,
            unit,
            share,
            verdict,
            reason,
            samples,
            took,
        } = event
        else {
            return;
        };
        let row = CheckRow {
            step: *step,
            at,
            name: self.text(check),
            suite: suite.as_ref().map(|suite| self.text(suite)),
            kind: *kind,
            unit: unit.clone(),
            share: *share,
            verdict: *verdict,
            reason: self.text(reason),
            samples: samples.count,
            samples_failed: samples.failed,
            p50_ms: samples.p50.map(Period::as_millis),
            p95_ms: samples.p95.map(Period::as_millis),
            duration_ms: took.as_millis(),
        };
        self.report.checks.push(row);
    }

    fn ended(&mut self, id: StepId, result: &StepResult, at: Timestamp) {
        let state = match result {
            StepResult::Done => StepState::Done,
            StepResult::Failed { .. } => StepState::Failed,
            StepResult::Inconclusive { .. } => StepState::Inconclusive,
        };
        if let Some(row) = self.row(id) {
            row.state = state;
            row.duration_ms = row.started.map(|started| at.since(started).as_millis());
        }
        match result {
            StepResult::Done => self.move_traffic(id, at),
            StepResult::Failed { reason, units } => {
                self.fail(id, at, reason, None);
                for failure in units {
                    self.fail(id, at, &failure.reason, Some(failure));
                }
                self.blame(id, reason);
            }
            StepResult::Inconclusive { reason } => {
                self.fail(id, at, reason, None);
                if let Some(failure) = self.report.failures.last_mut() {
                    failure.inconclusive = true;
                }
                self.blame(id, reason);
            }
        }
    }

    fn fail(&mut self, id: StepId, at: Timestamp, reason: &str, of_unit: Option<&UnitFailure>) {
        let logs = of_unit.map_or("", |failure| &failure.logs);
        let row = FailureRow {
            step: id,
            description: self.description(id),
            at,
            inconclusive: false,
            unit: of_unit.map(|failure| failure.unit.clone()),
            reason: self.text(reason),
            logs: foreign::tail(&(self.redact)(logs), LOG_LINES, LOG_BYTES),
        };
        self.report.failures.push(row);
    }

    fn description(&self, id: StepId) -> String {
        let row = self
            .places
            .get(&id)
            .and_then(|place| self.report.steps.get(*place));
        row.map_or_else(|| id.to_string(), |row| row.description.clone())
    }

    /// The last failure on the way forward is why a run turned back; what fails on the way back is
    /// added to it.
    fn blame(&mut self, id: StepId, reason: &str) {
        let cause = format!("{} (in the step: {})", self.text(reason), self.description(id));
        self.report.cause = match (&self.report.cause, id.phase) {
            (Some(before), Phase::Recovery | Phase::Completion) => Some(foreign::clip(
                &format!("{before}; then {cause}"),
                2 * foreign::LINE,
            )),
            _ => Some(cause),
        };
    }

    fn move_traffic(&mut self, id: StepId, at: Timestamp) {
        if !self.plan.routed {
            return;
        }
        match self.act(id) {
            Some(Step::Shift { units, percent }) => {
                self.shares.extend(units.into_iter().map(|unit| (unit, percent)));
            }
            Some(Step::Promote) => {
                let units = self
                    .plan
                    .placements
                    .iter()
                    .map(|placement| placement.unit.clone());
                self.shares.extend(units.map(|unit| (unit, Percent::ALL)));
            }
            Some(Step::Retire {
                side: Side::Candidate,
                units,
            }) => {
                self.shares
                    .extend(units.into_iter().map(|unit| (unit, Percent::ZERO)));
            }
            _ => return,
        }
        self.note_traffic(at);
    }

    fn note_traffic(&mut self, at: Timestamp) {
        let sum: usize = self.shares.values().map(|share| usize::from(share.get())).sum();
        let mean = sum / self.plan.placements.len().max(1);
        let share = u8::try_from(mean)
            .ok()
            .and_then(|mean| Percent::try_from(mean).ok())
            .unwrap_or(Percent::ALL);
        if self.report.traffic.last().is_none_or(|last| last.share != share) {
            self.report.traffic.push(TrafficPoint { at, share });
        }
    }

    fn finish(mut self) -> RunReport {
        for (index, step) in (0..).zip(&self.plan.steps) {
            let id = StepId {
                phase: Phase::Forward,
                index,
            };
            if !self.places.contains_key(&id) {
                let description = self.text(&describe_step(self.plan, step));
                self.report.steps.push(StepRow {
                    id,
                    description,
                    state: StepState::NotRun,
                    started: None,
                    duration_ms: None,
                    attempts: 0,
                });
            }
        }
        let mut report = self.report;
        if report.outcome == Some(Outcome::Succeeded) {
            report.cause = None;
        }
        report.duration_ms = report.ended.since(report.started).as_millis();
        report.totals = totals(&report);
        report
    }
}

fn empty(plan: &Plan, first: &Recorded, redact: Redact<'_>) -> RunReport {
    let show = |text: &str| foreign::line(&redact(text));
    RunReport {
        schema: RunReport::SCHEMA,
        deployment: plan.deployment.clone(),
        kind: plan.kind,
        service: show(&plan.service),
        environment: plan.environment.clone(),
        strategy: plan.strategy.as_str().to_owned(),
        url: plan.url.as_ref().map(|url| show(url.as_str())),
        origin: OriginRow {
            actor: show(&plan.origin.actor.name),
            via: show(&plan.origin.actor.via),
            reason: show(&plan.origin.reason),
            run: plan.origin.run.as_deref().map(show),
            commit: plan.origin.commit.clone(),
        },
        signatures: plan
            .signatures
            .iter()
            .map(|signed| Signed {
                signer: show(&signed.signer),
                issuer: signed.issuer.as_deref().map(show),
                predicate: signed.predicate.as_deref().map(show),
                ..signed.clone()
            })
            .collect(),
        units: plan.placements.len(),
        proof: plan.grounds.proof.clone(),
        approvers: plan.grounds.approvers.clone(),
        changes: Changes::between(plan.previous.as_ref(), &plan.candidate, redact),
        started: first.at,
        ended: first.at,
        duration_ms: 0,
        outcome: None,
        verified: None,
        summary: None,
        warnings: Vec::new(),
        cause: None,
        steps: Vec::new(),
        checks: Vec::new(),
        traffic: Vec::new(),
        failures: Vec::new(),
        notes: Vec::new(),
        totals: Totals::default(),
        history: HistoryPointer {
            first_seq: first.seq,
            last_seq: first.seq,
            head: None,
        },
    }
}

/// The step of the plan that has this id.
pub(super) fn planned(plan: &Plan, id: StepId) -> Option<&Step> {
    let index = usize::try_from(id.index).ok()?;
    plan.steps.get(index).filter(|_| id.phase == Phase::Forward)
}

/// What a step does, or, when nobody knows the step, the part of the run it belongs to.
pub(super) fn describe_known(plan: &Plan, id: StepId, act: Option<&Step>) -> String {
    act.map_or_else(
        || {
            let part = match id.phase {
                Phase::Forward => "the way forward",
                Phase::Detour => "putting a failed unit back",
                Phase::Recovery => "the way back",
                Phase::Completion => "finishing on the verified candidate",
            };
            format!("take step {} of {part}", id.index + 1)
        },
        |step| describe_step(plan, step),
    )
}

fn totals(report: &RunReport) -> Totals {
    let steps = |state| report.steps.iter().filter(|row| row.state == state).count();
    let checks = |verdict| report.checks.iter().filter(|row| row.verdict == verdict).count();
    Totals {
        steps_done: steps(StepState::Done),
        steps_failed: steps(StepState::Failed),
        steps_not_run: steps(StepState::NotRun),
        checks_passed: checks(Verdict::Pass),
        checks_failed: checks(Verdict::Fail),
        checks_inconclusive: checks(Verdict::Inconclusive),
        samples: report.checks.iter().map(|row| row.samples).sum(),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::model::{Percent, Timestamp};
    use crate::domain::rollout::{Outcome, Phase};
    use crate::report::fixtures::{
        acts, failed_health, first_removed, folded, halted_promote, interrupted, no_redaction, resumed,
        success,
    };
    use crate::report::{ReportError, RunReport, StepState};

    #[test]
    fn a_list_that_does_not_begin_with_a_plan_is_no_run() {
        for events in [&[][..], &success()[1..]] {
            assert_eq!(
                RunReport::fold(events, &acts, &no_redaction),
                Err(ReportError::NoPlan)
            );
        }
    }

    #[test]
    fn every_prefix_of_a_run_is_a_report() {
        for events in [
            success(),
            failed_health(),
            halted_promote(),
            first_removed(),
            interrupted(),
            resumed(),
        ] {
            for end in 1..=events.len() {
                let report = RunReport::fold(&events[..end], &acts, &no_redaction).unwrap();
                let last: Timestamp = events[end - 1].at;
                assert_eq!(
                    (report.ended, report.history.last_seq),
                    (last, events[end - 1].seq)
                );
                assert!(report.steps.len() >= 4);
            }
        }
    }

    #[test]
    fn the_cause_is_the_failure_that_turned_the_run_round() {
        let causes: Vec<Option<String>> = [
            success(),
            failed_health(),
            halted_promote(),
            interrupted(),
            resumed(),
        ]
        .iter()
        .map(|events| folded(events).cause)
        .collect();
        insta::assert_debug_snapshot!(causes, @r###"
[
    None,
    Some(
        "web-2 was not ready within 1m (in the step: wait until 1.3.0 is ready on web-1, web-2)",
    ),
    Some(
        "the router refused the new routes (in the step: make 1.3.0 the live version)",
    ),
    Some(
        "interrupted by SIGTERM",
    ),
    None,
]
"###);
    }

    #[test]
    fn traffic_follows_the_shifts_there_and_back() {
        let shares = |events: &[_]| -> Vec<u8> {
            folded(events)
                .traffic
                .iter()
                .map(|point| point.share.get())
                .collect()
        };
        assert_eq!(shares(&success()), [0, 25, 100]);
        assert_eq!(shares(&interrupted()), [0, 25, 0]);
        assert_eq!(shares(&first_removed()), [0u8; 0]);
        assert_eq!(folded(&success()).traffic[0].share, Percent::ZERO);
    }

    #[test]
    fn a_resumed_step_has_one_row_with_two_attempts() {
        let report = folded(&resumed());
        let rows: Vec<_> = report
            .steps
            .iter()
            .filter(|row| row.id.phase == Phase::Forward && row.id.index == 4)
            .collect();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].attempts, rows[0].state), (2, StepState::Done));
        assert_eq!(report.outcome, Some(Outcome::Succeeded));
        assert_eq!(
            report.failures.len(),
            1,
            "the evidence of the first attempt stays"
        );
    }

    #[test]
    fn redaction_comes_before_everything_else() {
        let report =
            RunReport::fold(&failed_health(), &acts, &|text| text.replace("database", "***")).unwrap();
        assert!(report.failures[1].logs.contains("cannot reach ***"));
        let report = RunReport::fold(&failed_health(), &acts, &|text| {
            text.replace("reach database\n  at", "***")
        })
        .unwrap();
        assert!(
            report.failures[1].logs.contains("cannot *** main.js"),
            "a secret of two lines"
        );
    }
}
