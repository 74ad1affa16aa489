//! What strategies have in common.

use crate::domain::model::{OnInconclusive, Percent, Period, Suite, Thresholds, UnitId};
use crate::domain::rollout::abilities::Abilities;
use crate::domain::rollout::step::{Side, Step, Watch};

/// What every strategy needs to know of the ground it goes over.
pub(in crate::domain::rollout) struct Route<'a> {
    /// Units that get the candidate.
    pub(in crate::domain::rollout) units: Vec<UnitId>,
    /// These and the units that are no longer wanted.
    pub(in crate::domain::rollout) everyone: Vec<UnitId>,
    /// Units from which a previous release is removed in the end.
    pub(in crate::domain::rollout) replaced: Vec<UnitId>,
    /// What target and router can do.
    pub(in crate::domain::rollout) abilities: Abilities,
    /// Suites that must pass.
    pub(in crate::domain::rollout) suites: &'a [Suite],
    /// Whether the service has a public address.
    pub(in crate::domain::rollout) reachable: bool,
    /// How long the service is watched once all traffic has moved.
    pub(in crate::domain::rollout) watch: Period,
}

impl Route<'_> {
    /// Put the candidate into these units and wait until it is ready.
    pub(super) fn stage(&self, units: &[UnitId]) -> [Step; 2] {
        [
            Step::Stage {
                units: units.to_vec(),
            },
            Step::AwaitReady {
                side: Side::Candidate,
                units: units.to_vec(),
            },
        ]
    }

    /// Give the candidate this share of these units' traffic, where there is a router.
    pub(super) fn shift(&self, units: &[UnitId], percent: Percent) -> Option<Step> {
        self.abilities.routed.then(|| Step::Shift {
            units: units.to_vec(),
            percent,
        })
    }

    /// Run the suites against one candidate before it has traffic.
    pub(super) fn preview(&self) -> Vec<Step> {
        let first: Vec<UnitId> = self.units.first().cloned().into_iter().collect();
        self.suites
            .iter()
            .map(|suite| {
                Step::Observe(Watch::Preview {
                    suite: suite.clone(),
                    units: first.clone(),
                })
            })
            .collect()
    }

    /// Run the suites through the public address, then watch for as long as was asked.
    pub(super) fn verify(&self) -> Vec<Step> {
        let suites = self.suites.iter().filter(|_| self.reachable);
        let mut steps: Vec<Step> = suites
            .map(|suite| Step::Observe(Watch::Service { suite: suite.clone() }))
            .collect();
        if !self.watch.is_zero() {
            steps.extend(self.watch_for(
                self.watch,
                &Thresholds {
                    // A quiet night is no reason to take a healthy version away.
                    on_inconclusive: OnInconclusive::Promote,
                    ..Thresholds::default()
                },
            ));
        }
        steps
    }

    /// Watch traffic where a router counts it, else the candidates' health.
    pub(super) fn watch_for(&self, period: Period, thresholds: &Thresholds) -> Option<Step> {
        let watch = if self.abilities.routed && self.abilities.counted {
            Watch::Traffic {
                period,
                thresholds: thresholds.clone(),
            }
        } else {
            Watch::Health { period }
        };
        (!period.is_zero()).then_some(Step::Observe(watch))
    }
}
