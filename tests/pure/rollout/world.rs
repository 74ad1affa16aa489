//! A small model of the world: units with two slots, and a router. It performs steps, with faults.

use greenroom::domain::model::{Slot, UnitId};
use greenroom::domain::rollout::{
    Event, Next, Outcome, Phase, Rollout, Side, Step, StepId, StepResult, UnitFailure, Watch,
};
use greenroom::testing::scenario::Scenario;
use std::collections::BTreeMap;

/// What goes wrong with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and has changed nothing.
    FailsBefore,
    /// It fails although everything was changed.
    FailsAfter,
    /// It fails for the first of its units, and is done for the others.
    OneUnitFails,
    /// The process dies after `Began` was recorded, before the act.
    CrashesBefore,
    /// The process dies after the act, before `Ended` was recorded.
    CrashesAfter,
    /// A signal arrives while it runs.
    Interrupted,
    /// A watch sees too little.
    Inconclusive,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::FailsBefore,
        Self::FailsAfter,
        Self::OneUnitFails,
        Self::CrashesBefore,
        Self::CrashesAfter,
        Self::Interrupted,
        Self::Inconclusive,
    ];
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    slots: BTreeMap<(UnitId, Slot), &'static str>,
    routes: BTreeMap<(UnitId, Slot), u16>,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut world = Self::default();
        for index in 0..scenario.units_before.max(scenario.units) {
            let unit = Scenario::unit(index);
            if scenario.has_previous && index < scenario.units_before {
                world.slots.insert((unit.clone(), Slot::Blue), "v1");
                if scenario.routed {
                    world.routes.insert((unit.clone(), Slot::Blue), 100);
                }
            }
            if scenario.leftovers {
                world.slots.insert((unit, Slot::Green), "leftover");
            }
        }
        world
    }

    /// Units in which `version` runs.
    pub(crate) fn running(&self, version: &str) -> Vec<&UnitId> {
        self.slots
            .iter()
            .filter(|(_, running)| **running == version)
            .map(|((unit, _), _)| unit)
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.routes.values().all(|weight| *weight == 0)
    }

    /// Whether some client gets an answer.
    fn serves(&self, scenario: &Scenario) -> bool {
        if scenario.routed {
            self.routes
                .iter()
                .any(|(place, weight)| *weight > 0 && self.slots.contains_key(place))
        } else {
            !self.slots.is_empty()
        }
    }

    /// Whether some client is sent where nothing runs.
    fn misroutes(&self) -> bool {
        self.routes
            .iter()
            .any(|(place, weight)| *weight > 0 && !self.slots.contains_key(place))
    }

    pub(crate) fn assert_all_run_candidate(&self, scenario: &Scenario) {
        assert_eq!(self.running("v2").len(), scenario.units, "{scenario:?} {self:?}");
        assert!(self.running("v1").is_empty(), "{scenario:?} {self:?}");
        assert!(!self.misroutes());
    }

    pub(crate) fn assert_all_run_previous(&self, scenario: &Scenario) {
        let before = if scenario.has_previous {
            scenario.units_before
        } else {
            0
        };
        assert_eq!(self.running("v1").len(), before, "{scenario:?} {self:?}");
        assert!(self.running("v2").is_empty(), "{scenario:?} {self:?}");
        assert!(!self.misroutes());
    }

    /// Performs a step for all of its units, or for all but `spared`.
    pub(crate) fn perform(
        &mut self,
        scenario: &Scenario,
        rollout: &Rollout,
        step: &Step,
        spared: Option<&UnitId>,
    ) {
        let placement = |unit: &UnitId| {
            rollout
                .plan()
                .placements
                .iter()
                .find(|p| p.unit == *unit)
                .unwrap()
        };
        let meant = |units: &Vec<UnitId>| -> Vec<UnitId> {
            units
                .iter()
                .filter(|unit| Some(*unit) != spared)
                .cloned()
                .collect()
        };
        match step {
            Step::Stage { units } => {
                for unit in meant(units) {
                    let slot = placement(&unit).candidate.unwrap();
                    let occupant = self.slots.insert((unit.clone(), slot), "v2");
                    assert!(
                        scenario.in_place || matches!(occupant, None | Some("v2")),
                        "{unit} {slot} held {occupant:?}"
                    );
                }
            }
            Step::Restore { units } => {
                for unit in meant(units) {
                    self.slots
                        .insert((unit.clone(), placement(&unit).previous.unwrap()), "v1");
                }
            }
            Step::Shift { .. } | Step::Promote => self.route(rollout),
            Step::Retire { side, units } => {
                for unit in meant(units) {
                    let slot = match side {
                        Side::Candidate => placement(&unit).candidate,
                        Side::Previous => placement(&unit).previous,
                    };
                    let place = (unit, slot.unwrap());
                    assert_eq!(
                        self.routes.get(&place).copied().unwrap_or(0),
                        0,
                        "{place:?} still has traffic"
                    );
                    self.slots.remove(&place);
                    self.routes.remove(&place);
                }
            }
            Step::AwaitReady { units, side } => self.assert_there(rollout, *side, units),
            Step::Backup { units } => self.assert_there(rollout, Side::Previous, units),
            Step::Hook(_) | Step::Observe(_) | Step::Pause { .. } | Step::PruneBackups { .. } => {}
        }
    }

    fn assert_there(&self, rollout: &Rollout, side: Side, units: &[UnitId]) {
        for placement in rollout
            .plan()
            .placements
            .iter()
            .filter(|place| units.contains(&place.unit))
        {
            let slot = match side {
                Side::Candidate => placement.candidate,
                Side::Previous => placement.previous,
            };
            let place = (placement.unit.clone(), slot.unwrap());
            assert!(self.slots.contains_key(&place), "waiting for nothing");
        }
    }

    fn route(&mut self, rollout: &Rollout) {
        if rollout.plan().routed {
            self.routes = rollout
                .traffic()
                .into_iter()
                .filter(|share| {
                    share.weight > 0 || self.slots.contains_key(&(share.unit.clone(), share.slot))
                })
                .map(|share| ((share.unit, share.slot), share.weight))
                .collect();
        }
    }
}

/// How a run ended, with everything that happened.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) world: World,
    pub(crate) rollout: Rollout,
    pub(crate) events: Vec<Event>,
    /// The machine after each prefix of the events, where that was asked for.
    pub(crate) states: Option<Vec<Rollout>>,
    pub(crate) steps: Vec<(StepId, Step)>,
    pub(crate) performed: usize,
}

impl End {
    fn new(scenario: &Scenario) -> Self {
        let rollout = Rollout::new(scenario.plan());
        Self {
            outcome: Outcome::Halted,
            world: World::new(scenario),
            states: None,
            rollout,
            events: Vec::new(),
            steps: Vec::new(),
            performed: 0,
        }
    }

    fn record(&mut self, event: Event) {
        self.rollout
            .apply(&event)
            .unwrap_or_else(|rejected| panic!("{rejected}: {event:?}"));
        self.events.push(event);
        if let Some(states) = &mut self.states {
            states.push(self.rollout.clone());
        }
    }

    /// Goes on after a person decided.
    pub(crate) fn again(mut self, scenario: &Scenario, decision: Event) -> Self {
        self.record(decision);
        drive(scenario, self, &[])
    }

    /// What must be true of every end.
    pub(crate) fn assert_sound(&self, scenario: &Scenario) {
        let context = format!("{scenario:?}\n{:#?}\n{:?}", self.events, self.world);
        assert!(!self.world.misroutes(), "traffic goes nowhere: {context}");
        match self.outcome {
            Outcome::Succeeded if scenario.max_failures == 0 => {
                assert_eq!(self.world.running("v2").len(), scenario.units, "{context}");
            }
            Outcome::RolledBack if self.rollout.warnings().is_empty() => {
                self.world.assert_all_run_previous(scenario);
            }
            Outcome::Succeeded | Outcome::RolledBack | Outcome::Halted => {}
        }
    }
}

/// Runs a rollout to its end; `faults` strike at the given performed steps, counted from 0.
pub(crate) fn run(scenario: &Scenario, faults: &[(usize, Fault)]) -> End {
    drive(scenario, End::new(scenario), faults)
}

/// The same, keeping the machine after each event.
pub(crate) fn run_recorded(scenario: &Scenario, faults: &[(usize, Fault)]) -> End {
    let mut end = End::new(scenario);
    end.states = Some(vec![end.rollout.clone()]);
    drive(scenario, end, faults)
}

fn drive(scenario: &Scenario, mut end: End, faults: &[(usize, Fault)]) -> End {
    let bound = end.rollout.plan().steps.len() * 4 + 40;
    let served = end.world.serves(scenario);
    loop {
        let (id, step) = match end.rollout.next() {
            Next::Run(id, step) => (id, step),
            Next::Finished(outcome) => {
                end.outcome = outcome;
                end.record(Event::Finished {
                    outcome,
                    summary: String::new(),
                    warnings: Vec::new(),
                });
                return end;
            }
        };
        assert!(end.performed < bound, "does not end: {scenario:?} {faults:?}");
        let fault = faults
            .iter()
            .find(|(at, _)| *at == end.performed)
            .map(|(_, fault)| *fault);
        end.performed += 1;
        end.steps.push((id, step.clone()));
        end.record(Event::Began { step: id });
        if let Some(event) = act(scenario, &mut end, id, &step, fault) {
            end.record(event);
        } else {
            // The process died: a new one knows only the events.
            end.rollout = Rollout::replay(scenario.plan(), &end.events).unwrap();
            end.record(Event::Resumed {
                origin: scenario.origin(),
            });
        }
        assert!(
            !served || end.world.serves(scenario),
            "nothing serves after {id} {step:?}: {scenario:?} {faults:?}\n{:?}",
            end.world
        );
    }
}

/// Performs one step with its fault; `None` when the process died.
fn act(scenario: &Scenario, end: &mut End, id: StepId, step: &Step, fault: Option<Fault>) -> Option<Event> {
    let failed = |units| {
        let result = StepResult::Failed {
            reason: format!("{id} failed"),
            units,
        };
        Some(Event::Ended { step: id, result })
    };
    match fault {
        Some(Fault::CrashesBefore) => return None,
        Some(Fault::FailsBefore) => return failed(Vec::new()),
        Some(Fault::OneUnitFails) => {
            let first = match step {
                Step::Stage { units } | Step::Restore { units } | Step::AwaitReady { units, .. } => {
                    units.first().cloned()
                }
                _ => None,
            };
            end.world.perform(
                scenario,
                &end.rollout,
                step,
                first.as_ref().filter(|_| id.phase == Phase::Forward),
            );
            let unit = |unit| UnitFailure {
                unit,
                reason: "broken".into(),
                logs: String::new(),
            };
            return failed(first.map(unit).into_iter().collect());
        }
        _ => end.world.perform(scenario, &end.rollout, step, None),
    }
    after_the_act(end, id, step, fault)
}

/// What is recorded once the world has changed; `None` when the process died.
fn after_the_act(end: &mut End, id: StepId, step: &Step, fault: Option<Fault>) -> Option<Event> {
    let result = match fault {
        Some(Fault::CrashesAfter) => return None,
        Some(Fault::Interrupted) => {
            let signal = Event::Interrupted {
                signal: "SIGTERM".into(),
            };
            end.record(signal.clone());
            match end.rollout.next() {
                // The machine still waits for this very step: the engine ends it.
                Next::Run(next, _) if next == id => StepResult::Done,
                Next::Run(..) | Next::Finished(_) => return Some(signal),
            }
        }
        Some(Fault::FailsAfter) => StepResult::Failed {
            reason: format!("{id} failed"),
            units: Vec::new(),
        },
        Some(Fault::Inconclusive) if matches!(step, Step::Observe(Watch::Traffic { .. })) => {
            StepResult::Inconclusive {
                reason: "too little".into(),
            }
        }
        _ => StepResult::Done,
    };
    Some(Event::Ended { step: id, result })
}
