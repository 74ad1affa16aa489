//! Rollouts to try: every strategy over the grounds it runs on.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set ends the test")]

use crate::domain::model::{
    Actor, Batch, Canary, Check, CheckKind, HttpExpectation, HttpProbe, Origin, Period, ProbeSpec, Release,
    Rolling, Slot, Strategy, Suite, UnitId,
};
use crate::domain::rollout::{
    Abilities, Hook, Kind, Observed, Occupancy, Plan, PlanRequest, Readiness, RollbackPolicy, Share, plan,
};
use std::collections::BTreeMap;

/// A rollout to try: the strategy, and the ground that it runs on.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How the new version takes over.
    pub strategy: Strategy,
    /// How many units the candidate is wanted on.
    pub units: usize,
    /// How many units the previous release runs on.
    pub units_before: usize,
    /// Whether a release is live already.
    pub has_previous: bool,
    /// Whether a unit has one slot only.
    pub in_place: bool,
    /// Whether a router stands in front of the units.
    pub routed: bool,
    /// How many units may fail before the rollout turns back.
    pub max_failures: u32,
    /// Whether the hook before the rollout cannot be undone.
    pub irreversible_hook: bool,
    /// Whether an earlier rollout left something in the green slots.
    pub leftovers: bool,
    /// Whether what runs is saved first.
    pub backups: bool,
}

impl Scenario {
    fn of(strategy: Strategy, units: usize) -> Self {
        Self {
            strategy,
            units,
            units_before: units,
            has_previous: true,
            in_place: false,
            routed: true,
            max_failures: 0,
            irreversible_hook: false,
            leftovers: false,
            backups: false,
        }
    }

    /// Returns a later blue-green deployment to `units` units behind a router.
    pub fn blue_green(units: usize) -> Self {
        Self::of(Strategy::BlueGreen, units)
    }

    /// Returns a later canary deployment to `units` units behind a router.
    pub fn canary(units: usize) -> Self {
        Self::of(Strategy::Canary(Canary::default()), units)
    }

    /// Returns a later rolling deployment to `units` units, `batch` at a time, behind a router.
    pub fn rolling(units: usize, batch: u32) -> Self {
        Self::of(
            Strategy::Rolling(Rolling {
                batch: Batch::Units(batch),
                ..Rolling::default()
            }),
            units,
        )
    }

    /// Returns who asks for the rollout, and why.
    pub fn origin(&self) -> Origin {
        Origin {
            actor: Actor {
                name: "ada".into(),
                via: "local".into(),
            },
            reason: "a test".into(),
            run: None,
            commit: None,
        }
    }

    /// Returns the id of the unit at `index`: `web-0`, `web-1` …
    ///
    /// # Panics
    /// Never: these are names.
    pub fn unit(index: usize) -> UnitId {
        format!("web-{index}").parse().unwrap()
    }

    /// Returns whether the plan puts the candidate where this share of the traffic goes.
    ///
    /// # Panics
    /// When no plan can be made of the scenario.
    pub fn is_candidate(&self, share: &Share) -> bool {
        self.plan()
            .placements
            .iter()
            .any(|p| p.unit == share.unit && p.candidate == Some(share.slot))
    }

    /// Returns the plan that the scenario leads to.
    ///
    /// # Panics
    /// When no plan can be made of the scenario.
    pub fn plan(&self) -> Plan {
        let occupancy = |index: usize| Occupancy {
            serving: (self.has_previous && index < self.units_before).then_some(Slot::Blue),
            leftover: self.leftovers.then_some(Slot::Green),
        };
        let found = if self.has_previous || self.leftovers {
            self.units_before.max(self.units)
        } else {
            0
        };
        let observed = Observed {
            live: self.has_previous.then(|| release("v1")),
            units: (0..found)
                .map(|index| (Self::unit(index), occupancy(index)))
                .collect(),
        };
        let abilities = Abilities {
            two_slots: !self.in_place,
            routed: self.routed,
            split: self.routed && !self.in_place,
            counted: true,
        };
        plan(self.request(), &observed, abilities).unwrap()
    }

    fn request(&self) -> PlanRequest {
        let hook = Hook {
            name: "migrate".into(),
            argv: vec!["./migrate".into()],
            timeout: Period::from_secs(60),
            reversible: !self.irreversible_hook,
        };
        PlanRequest {
            deployment: "20261120-120000-00000001".parse().unwrap(),
            kind: Kind::Deploy,
            service: "web".into(),
            environment: "staging".parse().unwrap(),
            origin: self.origin(),
            strategy: self.strategy.clone(),
            candidate: release("v2"),
            units: (0..self.units).map(Self::unit).collect(),
            url: Some("http://127.0.0.1:8080".parse().unwrap()),
            readiness: Readiness {
                check: Some(health()),
                interval: Period::from_secs(1),
                timeout: Period::from_secs(30),
            },
            policy: RollbackPolicy {
                automatic: true,
                clean_up: true,
                max_failures: self.max_failures,
            },
            watch: Period::from_secs(30),
            drain: Period::from_secs(10),
            parallelism: 4,
            backups: self.backups.then_some(2),
            suites: vec![Suite {
                name: "smoke".into(),
                checks: vec![health()],
            }],
            before: vec![hook.clone()],
            after: vec![Hook {
                reversible: true,
                ..hook
            }],
            grounds: crate::domain::rollout::Grounds::default(),
        }
    }
}

/// Returns a canary of one step of 20 % for three seconds, so that every request of it can be disturbed.
pub fn short_canary(by_units: bool) -> Strategy {
    Strategy::Canary(Canary {
        steps: vec![20.try_into().unwrap()],
        every: Period::from_secs(3),
        by_units,
        ..Canary::default()
    })
}

/// Returns a rolling deployment of one unit at a time, two seconds apart.
pub fn short_rolling() -> Strategy {
    Strategy::Rolling(Rolling {
        batch: Batch::Units(1),
        pause: Period::from_secs(2),
        ..Rolling::default()
    })
}

/// Returns a release of this version and nothing else.
///
/// # Panics
/// When it is no version.
pub fn release(version: &str) -> Release {
    Release {
        version: version.parse().unwrap(),
        artifact: None,
        commit: None,
        variables: BTreeMap::new(),
        secrets: BTreeMap::new(),
    }
}

/// Returns a check that wants `GET /health` answered with a good status within five seconds.
pub fn health() -> Check {
    Check {
        name: "health".into(),
        kind: CheckKind::Health,
        probe: ProbeSpec::Http(HttpProbe {
            method: "GET".into(),
            path: "/health".into(),
            headers: BTreeMap::new(),
            body: None,
            expect: HttpExpectation::default(),
        }),
        timeout: Period::from_secs(5),
    }
}

/// Returns every strategy × first or later deployment × with, without router and in place × more or fewer units.
pub fn all_scenarios() -> Vec<Scenario> {
    let by_units = Strategy::Canary(Canary {
        by_units: true,
        ..Canary::default()
    });
    let rolling = |batch| {
        Strategy::Rolling(Rolling {
            batch,
            ..Rolling::default()
        })
    };
    let strategies = [
        Strategy::Direct,
        Strategy::BlueGreen,
        Strategy::Canary(Canary::default()),
        by_units,
        rolling(Batch::Units(1)),
        rolling(Batch::Share(50.try_into().unwrap())),
    ];
    let mut scenarios = Vec::new();
    for strategy in strategies {
        for (units, units_before) in [(3, 3), (2, 4), (4, 2)] {
            for (has_previous, leftovers) in [(true, false), (true, true), (false, false)] {
                for (in_place, routed) in [(false, true), (false, false), (true, false)] {
                    if in_place && (strategy == Strategy::BlueGreen || leftovers) {
                        continue;
                    }
                    scenarios.push(Scenario {
                        units_before,
                        has_previous,
                        leftovers: leftovers && units_before == units,
                        in_place,
                        routed,
                        ..Scenario::of(strategy.clone(), units)
                    });
                }
            }
        }
    }
    for in_place in [false, true] {
        scenarios.push(Scenario {
            backups: true,
            in_place,
            ..Scenario::rolling(3, 1)
        });
    }
    scenarios.push(Scenario {
        max_failures: 1,
        ..Scenario::rolling(4, 2)
    });
    scenarios
}
