//! The report of one run as data: the JSON form is this, field by field.

use super::advice::advice;
use super::change::Changes;
use crate::domain::model::{
    Approver, CheckKind, CommitId, DeploymentId, Digest, EnvironmentName, Percent, Proof, Signed, Timestamp,
    UnitId, Verdict,
};
use crate::domain::rollout::{Kind, Outcome, StepId};
use serde::Serialize;

/// Everything there is to say about one run, redacted and free of control characters, ready for any
/// sink. Times are RFC 3339, lengths of time are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// `greenroom.run/1`. Fields may be added to version 1; none is removed or changes its meaning.
    pub schema: &'static str,
    /// The deployment.
    pub deployment: DeploymentId,
    /// Deploy or rollback.
    pub kind: Kind,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: EnvironmentName,
    /// The word for the strategy: `canary`.
    pub strategy: String,
    /// Where clients reach the service.
    pub url: Option<String>,
    /// Who asked for it, why, from where.
    pub origin: OriginRow,
    /// Who signed the image, where signatures are asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signed>,
    /// How many units there are.
    pub units: usize,
    /// What is different between the release before and this one.
    pub changes: Changes,
    /// That the image succeeded in the environment before, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Who approved, where somebody had to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Approver>,
    /// When the plan was settled.
    pub started: Timestamp,
    /// When the last event happened.
    pub ended: Timestamp,
    /// From the first event to the last.
    pub duration_ms: u64,
    /// How it ended; absent while it has not.
    pub outcome: Option<Outcome>,
    /// What the checks came to, where nothing was rolled out and only they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verdict>,
    /// In one or two sentences, for people.
    pub summary: Option<String>,
    /// What went wrong without changing the outcome.
    pub warnings: Vec<String>,
    /// Why it did not succeed, in one sentence; absent when it did.
    pub cause: Option<String>,
    /// Every step: first those that began, in that order, then those of the plan that did not.
    pub steps: Vec<StepRow>,
    /// Every verdict, in the order in which they came.
    pub checks: Vec<CheckRow>,
    /// The candidate's share of the service's traffic over time; empty without a router.
    pub traffic: Vec<TrafficPoint>,
    /// Every step that failed or stayed inconclusive, with the evidence.
    pub failures: Vec<FailureRow>,
    /// What people and signals did to it.
    pub notes: Vec<Note>,
    /// Sums.
    pub totals: Totals,
    /// Where in the ledger it is.
    pub history: HistoryPointer,
}

/// Who asked, why, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OriginRow {
    /// A login or user name.
    pub actor: String,
    /// What vouches for the name.
    pub via: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Web address of the CI run.
    pub run: Option<String>,
    /// The commit.
    pub commit: Option<CommitId>,
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// It is in the plan and did not begin.
    NotRun,
    /// It began and did not end.
    Running,
    /// It was done.
    Done,
    /// It failed.
    Failed,
    /// Too little was seen to say.
    Inconclusive,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRow {
    /// Which one.
    pub id: StepId,
    /// What it does, in words.
    pub description: String,
    /// How far it has come.
    pub state: StepState,
    /// When it last began.
    pub started: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// How often it began: more than once after a resume.
    pub attempts: u32,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRow {
    /// The step it belongs to.
    pub step: StepId,
    /// When it was judged.
    pub at: Timestamp,
    /// Name of the check.
    pub name: String,
    /// Suite, where it belongs to one.
    pub suite: Option<String>,
    /// What it is about.
    pub kind: CheckKind,
    /// The unit; absent for the service as a whole.
    pub unit: Option<UnitId>,
    /// The candidate's share of traffic at the time.
    pub share: Percent,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, with the measured and the expected value.
    pub reason: String,
    /// How many samples there were.
    pub samples: u64,
    /// How many of them did not meet the expectation.
    pub samples_failed: u64,
    /// Median of the time each took.
    pub p50_ms: Option<u64>,
    /// 95th percentile of the time each took.
    pub p95_ms: Option<u64>,
    /// How long judging took.
    pub duration_ms: u64,
}

/// The share of traffic from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrafficPoint {
    /// From when on.
    pub at: Timestamp,
    /// The candidate's share, the mean over all units.
    pub share: Percent,
}

/// One failure of a step; then one for each of its units that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRow {
    /// The step.
    pub step: StepId,
    /// What the step does, in words.
    pub description: String,
    /// When it ended.
    pub at: Timestamp,
    /// Whether it was not a failure but too little to say.
    pub inconclusive: bool,
    /// The unit; absent when it is about the step as a whole.
    pub unit: Option<UnitId>,
    /// What happened.
    pub reason: String,
    /// The last lines that the unit wrote, line by line.
    pub logs: String,
}

/// Something that people or signals did to the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub text: String,
}

/// Sums over the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Steps that were done.
    pub steps_done: usize,
    /// Steps that failed.
    pub steps_failed: usize,
    /// Steps of the plan that did not begin.
    pub steps_not_run: usize,
    /// Checks that passed.
    pub checks_passed: usize,
    /// Checks that failed.
    pub checks_failed: usize,
    /// Checks that said nothing.
    pub checks_inconclusive: usize,
    /// Samples taken.
    pub samples: u64,
}

/// Where in the ledger the run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPointer {
    /// Sequence number of the first event.
    pub first_seq: u64,
    /// Sequence number of the last event.
    pub last_seq: u64,
    /// sha256 of the record of the last event, where it is known: kept outside the ledger, it shows
    /// whether the ledger was rewritten.
    pub head: Option<Digest>,
}

impl RunReport {
    /// The name of the JSON form.
    pub const SCHEMA: &'static str = "greenroom.run/1";

    /// The same report with the ledger's head hash, which the events themselves do not hold.
    #[must_use]
    pub fn with_ledger_head(mut self, head: Digest) -> Self {
        self.history.head = Some(head);
        self
    }

    /// The same report of a run that only observed, with what its checks came to.
    #[must_use]
    pub fn of_checks(mut self, verdict: Verdict) -> Self {
        self.verified = Some(verdict);
        self
    }

    /// The version that goes out.
    pub fn version(&self) -> &str {
        self.changes.version.after.as_deref().unwrap_or_default()
    }

    /// The version that was live before.
    pub fn previous_version(&self) -> Option<&str> {
        self.changes.version.before.as_deref()
    }

    /// How it stands, in one clause: "shop 1.3.0 is live in production".
    pub fn headline(&self) -> String {
        let (service, version, environment) = (&self.service, self.version(), &self.environment);
        if let Some(verdict) = self.verified {
            let what = match verdict {
                Verdict::Pass => "passes its checks",
                Verdict::Fail => "fails its checks",
                Verdict::Inconclusive => "could not be judged",
            };
            return format!("{service} {version} {what} in {environment}");
        }
        match (self.outcome, self.previous_version()) {
            (Some(Outcome::Succeeded), _) => format!("{service} {version} is live in {environment}"),
            (Some(Outcome::RolledBack), Some(previous)) => {
                format!("{service} {version} was taken back in {environment}: {previous} is serving")
            }
            (Some(Outcome::RolledBack), None) => {
                format!(
                    "{service} {version} was removed from {environment}: it was the first deployment, nothing is serving"
                )
            }
            (Some(Outcome::Halted), _) => {
                format!("{service} {version} halted in {environment}: a person is needed")
            }
            (None, _) => format!("{service} {version} has not finished in {environment}"),
        }
    }

    /// What a person does next; `None` when there is nothing to do.
    pub fn next_action(&self) -> Option<String> {
        match self.verified {
            Some(Verdict::Pass) => None,
            Some(Verdict::Fail | Verdict::Inconclusive) => Some(format!(
                "nothing was changed; `greenroom rollback {}` brings the version before back",
                self.environment
            )),
            None => advice(
                self.kind,
                self.outcome,
                &self.environment,
                self.previous_version(),
            ),
        }
    }

    /// Whether the run went as it should.
    pub fn succeeded(&self) -> bool {
        match self.verified {
            Some(verdict) => verdict == Verdict::Pass,
            None => self.outcome == Some(Outcome::Succeeded),
        }
    }
}
