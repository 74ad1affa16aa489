//! Running an environment's suites against what runs there, outside of any rollout.

use super::attended::Attended;
use super::error::AppError;
use super::record::EnvironmentRecord;
use super::workspace::Workspace;
use super::world::probe;
use crate::config::{Environment, Part};
use crate::domain::analysis::{CheckFinding, expect, suite};
use crate::domain::model::{
    Check, Endpoint, Explanation, Percent, Period, ProbeSpec, Release, Strategy, Suite, Verdict,
};
use crate::domain::rollout::{
    Event, Kind, Phase, Plan, Readiness, RollbackPolicy, Samples, Step, StepId, StepResult, Watch,
};
use crate::ports::{Interrupted, Probe, Runner};
use crate::report::{Recorded, RunReport};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What is verified.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Only this suite; every suite of the environment where `None`.
    pub suite: Option<String>,
    /// Another base URL than the configured one.
    pub url: Option<Endpoint>,
    /// The longest that all of it may take; each check has its own limit in any case.
    pub limit: Option<Period>,
}

/// What the suites came to.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What happened, beginning with a plan that only observes.
    pub events: Vec<Recorded>,
    /// Whether all of them passed.
    pub verdict: Verdict,
    /// The signal that ended it before its end.
    pub interrupted: Option<Interrupted>,
}

impl Verified {
    /// Returns the report of the suites, as one of a rollout that changed nothing.
    ///
    /// # Errors
    /// When the events do not begin with a plan.
    pub fn report(&self) -> Result<RunReport, AppError> {
        Ok(RunReport::of_record(&self.events, None)?.of_checks(self.verdict))
    }
}

/// Runs the suites; every check is run, also after one has failed. The events read like those of a
/// rollout that only observes, so that every report can be made of them.
///
/// # Errors
/// When there is nothing to run, no address to run it against, or a suite that this version cannot run.
pub fn verify(
    workspace: &Workspace,
    environment: &Environment,
    wish: &VerifyOptions,
) -> Result<Verified, AppError> {
    workspace.require(&[Part::Suite], Some(environment))?;
    let suites = suites(workspace, environment, wish)?;
    let url = wish
        .url
        .clone()
        .or_else(|| environment.address())
        .ok_or_else(|| {
            AppError::project(
                Explanation::new(format!("{} has no address", environment.name.value))
                    .fix("give it a `url:`, or name one with --url"),
            )
        })?;
    let release = live(workspace, environment)?;
    let attended: OnceLock<Arc<Attended>> = OnceLock::new();
    let clock = &workspace.context.clock;
    let probe = probe(workspace, environment, &release, &|runner| {
        let made = attended.get_or_init(|| Arc::new(Attended::new(runner, Arc::clone(clock))));
        Arc::clone(made) as Arc<dyn Runner>
    })?;
    let plan = plan(workspace, environment, release, suites.clone(), url.clone())?;
    let mut record = Record {
        workspace,
        events: Vec::new(),
        until: wish
            .limit
            .map(|limit| (limit, clock.monotonic() + limit.as_duration())),
        interrupted: None,
    };
    record.add(Event::Planned(Box::new(plan)));
    let mut verdict = Verdict::Pass;
    for (index, suite) in suites.iter().enumerate() {
        let step = StepId {
            phase: Phase::Forward,
            index: u32::try_from(index).unwrap_or(u32::MAX),
        };
        record.add(Event::Began { step });
        let signal = || attended.get().and_then(|attended| attended.interrupted());
        let finding = record.run(
            step,
            suite,
            &|check: &Check| sample(check, probe.as_ref(), &url),
            &signal,
        );
        if finding.verdict != Verdict::Pass {
            verdict = Verdict::Fail;
        }
        let result = result_of(finding);
        record.add(Event::Ended { step, result });
        if record.interrupted.is_some() {
            break;
        }
    }
    Ok(Verified {
        events: record.events,
        verdict,
        interrupted: record.interrupted,
    })
}

fn result_of(CheckFinding { verdict, reason, .. }: CheckFinding) -> StepResult {
    match verdict {
        Verdict::Pass => StepResult::Done,
        Verdict::Fail => StepResult::Failed {
            reason,
            units: Vec::new(),
        },
        Verdict::Inconclusive => StepResult::Inconclusive { reason },
    }
}

struct Record<'a> {
    workspace: &'a Workspace,
    events: Vec<Recorded>,
    /// The limit, and when by the clock it is over.
    until: Option<(Period, Duration)>,
    interrupted: Option<Interrupted>,
}

/// Takes one sample and judges it.
type Sample<'a> = dyn Fn(&Check) -> (CheckFinding, Period) + 'a;

impl Record<'_> {
    fn add(&mut self, event: Event) {
        let seq = self.events.len() as u64;
        self.events.push(Recorded {
            seq,
            at: self.workspace.context.clock.now(),
            event,
        });
    }

    /// What is left of the time for `check`; `None` when it is over.
    fn allowed(&self, check: &Check) -> Option<Check> {
        let Some((_, until)) = self.until else {
            return Some(check.clone());
        };
        let left = Period::from(until.saturating_sub(self.workspace.context.clock.monotonic()));
        (!left.is_zero()).then(|| Check {
            timeout: check.timeout.min(left),
            ..check.clone()
        })
    }

    /// Runs the checks in order. After a signal, whether it came while a command ran (`signal`) or between
    /// two checks, the rest is not run.
    fn run(
        &mut self,
        step: StepId,
        suite: &Suite,
        sample: &Sample<'_>,
        signal: &dyn Fn() -> Option<Interrupted>,
    ) -> CheckFinding {
        let mut findings = Vec::new();
        for check in &suite.checks {
            self.interrupted = self
                .interrupted
                .or_else(signal)
                .or_else(|| self.workspace.context.clock.interruption());
            let (finding, took) = match (self.interrupted, self.allowed(check)) {
                (Some(signal), _) => (CheckFinding::fail(format!("not run: {signal}")), Period::ZERO),
                (None, Some(check)) => sample(&check),
                (None, None) => {
                    let limit = self.until.map_or(Period::ZERO, |(limit, _)| limit);
                    (
                        CheckFinding::fail(format!("not run: the {limit} for all of it were over")),
                        Period::ZERO,
                    )
                }
            };
            let reason = self.workspace.redactor().redact(&finding.reason).into_owned();
            self.add(Event::Judged {
                step,
                check: check.name.clone(),
                suite: Some(suite.name.clone()),
                kind: check.kind,
                unit: None,
                share: Percent::ALL,
                verdict: finding.verdict,
                reason: reason.clone(),
                samples: Samples {
                    count: 1,
                    failed: u64::from(!finding.passed()),
                    p50: Some(took),
                    p95: Some(took),
                },
                took,
            });
            findings.push(CheckFinding { reason, ..finding });
        }
        self.interrupted = self.interrupted.or_else(signal);
        let named = suite
            .checks
            .iter()
            .map(|check| check.name.as_str())
            .zip(&findings);
        suite::aggregate(&suite.name, named)
    }
}

fn sample(check: &Check, probe: &dyn Probe, url: &Endpoint) -> (CheckFinding, Period) {
    match probe.sample(check, url) {
        Ok(sample) => (expect::judge(check, &sample), sample.took),
        Err(error) => (
            CheckFinding::fail(format!("cannot be measured: {error}")),
            Period::ZERO,
        ),
    }
}

fn suites(
    workspace: &Workspace,
    environment: &Environment,
    wish: &VerifyOptions,
) -> Result<Vec<Suite>, AppError> {
    let mut suites = match &wish.suite {
        Some(name) => vec![workspace.project.suites.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = workspace.project.suites.keys().map(String::as_str).collect();
            AppError::usage(format!(
                "there is no suite {name}; configured are: {}",
                known.join(", ")
            ))
        })?],
        None => environment.suites.clone(),
    };
    // The time to start is measured when an instance starts, which this does not make happen.
    for suite in &mut suites {
        suite
            .checks
            .retain(|check| !matches!(check.probe, ProbeSpec::Startup(_)));
    }
    suites.retain(|suite| !suite.checks.is_empty());
    if suites.is_empty() {
        return Err(AppError::project(
            Explanation::new(format!("{} has no suite to run", environment.name.value))
                .fix("list one under its `suites:`"),
        ));
    }
    Ok(suites)
}

/// What is on record as live; a release without a version where nothing is.
fn live(workspace: &Workspace, environment: &Environment) -> Result<Release, AppError> {
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &environment.name.value)?;
    Ok(match standing.live {
        Some(plan) => plan.candidate,
        None => Release {
            version: "unknown".parse()?,
            artifact: None,
            commit: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
        },
    })
}

/// A plan that only observes.
fn plan(
    workspace: &Workspace,
    environment: &Environment,
    release: Release,
    suites: Vec<Suite>,
    url: Endpoint,
) -> Result<Plan, AppError> {
    let context = &workspace.context;
    Ok(Plan {
        deployment: context.deployment_id(context.clock.now())?,
        kind: Kind::Deploy,
        service: workspace.project.service.clone(),
        environment: environment.name.value.clone(),
        origin: context.origin("asked to verify what runs", None),
        strategy: Strategy::Direct,
        previous: Some(release.clone()),
        candidate: release,
        placements: Vec::new(),
        url: Some(url),
        routed: false,
        in_place: true,
        readiness: Readiness {
            check: None,
            interval: Period::ZERO,
            timeout: Period::ZERO,
        },
        policy: RollbackPolicy {
            automatic: false,
            clean_up: false,
            max_failures: 0,
        },
        drain: Period::ZERO,
        parallelism: 1,
        grounds: crate::domain::rollout::Grounds::default(),
        signatures: Vec::new(),
        steps: suites
            .into_iter()
            .map(|suite| Step::Observe(Watch::Service { suite }))
            .collect(),
    })
}
