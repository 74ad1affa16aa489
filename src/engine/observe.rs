//! Observing: suites run, traffic and health watched, verdicts recorded.

use super::judged::About;
use super::retry::look;
use super::session::{Broken, Session};
use super::tally::Tally;
use crate::domain::analysis::health_watch::{HealthWatch, WatchProgress, WatchSettings};
use crate::domain::analysis::{CheckFinding, Judgement, Summary, expect, suite, traffic};
use crate::domain::model::{
    Check, CheckKind, Endpoint, Instance, Period, PortError, ProbeSpec, Suite, Thresholds, UnitId, Verdict,
};

use crate::domain::rollout::{Side, StepId, StepResult, Watch};
use std::time::Duration;

/// The most candidates whose health is asked in each round of a watch.
const MOST_ASKED: usize = 8;
/// The longest wait between two looks at the router's counters.
const LOOK: Duration = Duration::from_secs(1);

impl Session<'_> {
    pub(super) fn observe(&mut self, id: StepId, watch: &Watch) -> Result<StepResult, Broken> {
        match watch {
            Watch::Preview { suite, units } => self.preview(id, suite, units),
            Watch::Service { suite } => match self.rollout.plan().url.clone() {
                Some(url) => self.run_suite(id, suite, &url, None),
                None => Ok(StepResult::Done),
            },
            Watch::Traffic { period, thresholds } => self.watch_traffic(id, *period, thresholds),
            Watch::Health { period } => self.watch_health(id, *period),
        }
    }

    fn preview(&mut self, id: StepId, suite: &Suite, units: &[UnitId]) -> Result<StepResult, Broken> {
        for unit in units {
            let address = match self.instance(Side::Candidate, unit) {
                Ok(Some(instance)) if instance.running => instance.address,
                Ok(_) => return Ok(absent(unit)),
                Err(error) => return Ok(unmeasurable(&error)),
            };
            // One without an address is asked through the public one, once it has traffic.
            let Some(address) = address else { continue };
            match self.run_suite(id, suite, &address, Some(unit))? {
                StepResult::Done => {}
                other => return Ok(other),
            }
        }
        Ok(StepResult::Done)
    }

    /// Runs every check once, also after one has failed: one report names all that is wrong.
    fn run_suite(
        &mut self,
        id: StepId,
        suite: &Suite,
        endpoint: &Endpoint,
        unit: Option<&UnitId>,
    ) -> Result<StepResult, Broken> {
        let mut findings = Vec::new();
        for check in &suite.checks {
            self.heed()?;
            let (finding, took) = match self.run_check(check, endpoint, unit) {
                Ok(measured) => measured,
                Err(error) => (
                    CheckFinding::fail(format!("cannot be measured: {error}")),
                    Period::ZERO,
                ),
            };
            let samples = Summary {
                count: 1,
                failed: u64::from(!finding.passed()),
                p50: Some(took),
                p95: Some(took),
            };
            let about = About {
                step: id,
                check: &check.name,
                suite: Some(&suite.name),
                kind: check.kind,
                unit,
            };
            self.judged(&about, &Judgement::new(finding.clone(), samples), took)?;
            // An instance that was ready before this process took the rollout up was not seen to start.
            // That is on record, and no reason to turn back.
            let unseen =
                matches!(check.probe, ProbeSpec::Startup(_)) && finding.verdict == Verdict::Inconclusive;
            if !unseen {
                findings.push((check.name.as_str(), finding));
            }
        }
        if findings.is_empty() {
            return Ok(StepResult::Done);
        }
        let named = findings.iter().map(|(name, finding)| (*name, finding));
        Ok(result(suite::aggregate(&suite.name, named)))
    }

    fn run_check(
        &self,
        check: &Check,
        endpoint: &Endpoint,
        unit: Option<&UnitId>,
    ) -> Result<(CheckFinding, Period), PortError> {
        if let ProbeSpec::Startup(within) = check.probe {
            let measured = unit.map_or_else(
                || self.ready_after.values().max(),
                |unit| self.ready_after.get(unit),
            );
            return Ok((
                suite::judge_startup(within, measured.copied()),
                measured.copied().unwrap_or_default(),
            ));
        }
        let sample = look(self.clock(), || self.site.probe.sample(check, endpoint))?;
        Ok((expect::judge(check, &sample), sample.took))
    }

    fn watch_traffic(
        &mut self,
        id: StepId,
        period: Period,
        thresholds: &Thresholds,
    ) -> Result<StepResult, Broken> {
        let began = self.now();
        let mut health = HealthWatch::new(WatchSettings::new(period, self.interval()), began);
        let mut tally = match self.standing() {
            Ok(Some(states)) => Tally::from(states),
            Ok(None) => return Ok(StepResult::Done),
            Err(error) => return Ok(unmeasurable(&error)),
        };
        let judgement = loop {
            let left = period
                .as_millis()
                .saturating_sub(self.now().since(began).as_millis());
            let wait = Duration::from_millis(left)
                .min(self.interval().as_duration())
                .min(LOOK);
            self.wait(wait)?;
            match self.standing() {
                Ok(states) => tally.add(states.unwrap_or_default(), self),
                Err(error) => return Ok(unmeasurable(&error)),
            }
            if let Some(broken) = traffic::early_failure(thresholds, &tally.candidate, &tally.previous) {
                break broken;
            }
            if let Some(unhealthy) = self.ask_candidates(&mut health) {
                break unhealthy;
            }
            if self.now().since(began) >= period {
                break traffic::judge(thresholds, &tally.candidate, &tally.previous);
            }
        };
        let took = self.now().since(began);
        self.judged(
            &About::service(id, "traffic", CheckKind::Performance),
            &judgement,
            took,
        )?;
        Ok(result(CheckFinding {
            verdict: judgement.verdict,
            reason: judgement.reason,
        }))
    }

    /// Asks the health of some candidates; their failure where it is beyond doubt.
    fn ask_candidates(&self, watch: &mut HealthWatch) -> Option<Judgement> {
        let finding = self.candidates_health()?;
        match watch.observe(self.now(), finding.1, &finding.0) {
            WatchProgress::Over(judgement) if judgement.verdict == Verdict::Fail => Some(judgement),
            WatchProgress::Over(_) | WatchProgress::Watching { .. } => None,
        }
    }

    fn watch_health(&mut self, id: StepId, period: Period) -> Result<StepResult, Broken> {
        let began = self.now();
        let mut watch = HealthWatch::new(WatchSettings::new(period, self.interval()), began);
        let judgement = loop {
            let Some((finding, took)) = self.candidates_health() else {
                return Ok(StepResult::Done);
            };
            match watch.observe(self.now(), took, &finding) {
                WatchProgress::Over(judgement) => break judgement,
                WatchProgress::Watching { next } => self.wait(next.as_duration())?,
            }
        };
        let took = self.now().since(began);
        self.judged(&About::service(id, "health", CheckKind::Health), &judgement, took)?;
        Ok(result(CheckFinding {
            verdict: judgement.verdict,
            reason: judgement.reason,
        }))
    }

    /// One sample of each of some candidates (of the service where they have no address): the first
    /// that is not well, else the last. `None` where there is nothing to ask.
    fn candidates_health(&self) -> Option<(CheckFinding, Period)> {
        let plan = self.rollout.plan();
        let candidate = plan.candidate.id();
        // They are staged in this order. In a unit that is not reached yet, or was given up, another
        // release may stand.
        let (mut instances, mut unseen) = (Vec::new(), None);
        let wanted = plan.placements.iter().filter(|place| place.candidate.is_some());
        for placement in wanted {
            match self.instance(Side::Candidate, &placement.unit) {
                Ok(Some(instance)) if instance.release == candidate => instances.push(instance),
                Ok(_) => {}
                Err(error) => unseen = Some(error),
            }
            if instances.len() == MOST_ASKED || unseen.is_some() {
                break;
            }
        }
        if let Some(problem) = not_well(&instances, unseen) {
            return Some((CheckFinding::fail(problem), Period::ZERO));
        }
        let Some(check) = &plan.readiness.check else {
            // A worker without an address: that it runs is all that can be asked.
            return (!instances.is_empty()).then(|| (CheckFinding::pass("it runs"), Period::ZERO));
        };
        let mut addresses: Vec<Endpoint> = instances.into_iter().filter_map(|found| found.address).collect();
        if addresses.is_empty() {
            addresses.extend(plan.url.clone());
        }
        let mut last = None;
        for address in addresses {
            let (finding, took) = match self.site.probe.sample(check, &address) {
                Ok(sample) => (expect::judge(check, &sample), sample.took),
                Err(error) => (
                    CheckFinding::fail(format!("cannot be measured: {error}")),
                    Period::ZERO,
                ),
            };
            let passed = finding.passed();
            last = Some((finding, took));
            if !passed {
                break;
            }
        }
        last
    }

    fn interval(&self) -> Period {
        self.rollout
            .plan()
            .readiness
            .interval
            .max(Period::from_millis(50))
    }
}

fn result(finding: CheckFinding) -> StepResult {
    match finding.verdict {
        Verdict::Pass => StepResult::Done,
        Verdict::Fail => StepResult::Failed {
            reason: finding.reason,
            units: Vec::new(),
        },
        Verdict::Inconclusive => StepResult::Inconclusive {
            reason: finding.reason,
        },
    }
}

fn unmeasurable(error: &PortError) -> StepResult {
    StepResult::Failed {
        reason: format!("cannot be measured: {error}"),
        units: Vec::new(),
    }
}

fn absent(unit: &UnitId) -> StepResult {
    StepResult::Failed {
        reason: format!("cannot be measured: the candidate does not run in {unit}"),
        units: Vec::new(),
    }
}

/// What is wrong with these candidates before any is asked.
fn not_well(instances: &[Instance], unseen: Option<PortError>) -> Option<String> {
    if let Some(dead) = instances.iter().find(|instance| !instance.running) {
        let note = dead.note.as_deref().unwrap_or("it does not run any more");
        return Some(format!("ended: {note}"));
    }
    instances.is_empty().then(|| match unseen {
        Some(error) => format!("cannot be measured: {error}"),
        None => "no candidate was found".to_owned(),
    })
}
