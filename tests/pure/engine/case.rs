//! Rollouts to drive: every strategy over the grounds it runs on, in a furnished world.

use super::world::{Death, Fault, World};
use greenroom::domain::model::{Period, Slot, Strategy, Timestamp};
use greenroom::domain::rollout::{Event, Outcome, Plan, Rollout, Side, Step, Watch};
use greenroom::engine::{DriveError, Journal, LeaseKeeper, Observer, Session};
use greenroom::ports::Clock;
use greenroom::testing::lease::kept_lease;
use greenroom::testing::scenario::{Scenario, release, short_canary, short_rolling};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long one rollout may take on the fake clock, whatever fails.
const MOST_TIME: Duration = Duration::from_secs(900);

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    /// How often each put is under way before it is done.
    pub(crate) dawdles: usize,
}

/// Every strategy, with two slots behind a router, with two slots and none, and in place.
pub(crate) fn cases() -> Vec<Case> {
    let (canary, rolling) = (short_canary, short_rolling());
    let two = Scenario::blue_green(2);
    let with = |strategy: &Strategy, change: fn(&mut Scenario)| {
        let mut scenario = two.clone();
        scenario.strategy = strategy.clone();
        change(&mut scenario);
        scenario
    };
    let unrouted = |scenario: &mut Scenario| scenario.routed = false;
    let in_place = |scenario: &mut Scenario| scenario.in_place = true;
    let direct = Strategy::Direct;
    let plain = [
        quick("direct", with(&direct, |_| {})),
        quick("direct unrouted", with(&direct, unrouted)),
        quick("direct in place", with(&direct, in_place)),
        quick("rolling", with(&rolling, |_| {})),
        quick("rolling unrouted", with(&rolling, unrouted)),
        quick("rolling in place", with(&rolling, in_place)),
        quick("blue-green", two.clone()),
        quick("blue-green unrouted", with(&Strategy::BlueGreen, unrouted)),
        quick("canary", with(&canary(false), |_| {})),
        quick("canary by units", with(&canary(true), |_| {})),
        quick("canary by units unrouted", with(&canary(true), unrouted)),
        quick("canary in place", with(&canary(true), in_place)),
    ];
    plain
        .into_iter()
        .chain(special(&two, &rolling, &canary(false)))
        .collect()
}

fn quick(name: &'static str, scenario: Scenario) -> Case {
    Case {
        name,
        scenario,
        dawdles: 0,
    }
}

/// What a first or a changed deployment meets, what is saved first, and what takes its time.
fn special(two: &Scenario, rolling: &Strategy, canary: &Strategy) -> Vec<Case> {
    let with = |strategy: &Strategy, change: fn(&mut Scenario)| {
        let mut scenario = two.clone();
        scenario.strategy = strategy.clone();
        change(&mut scenario);
        scenario
    };
    vec![
        quick(
            "first deployment",
            with(&Strategy::BlueGreen, |scenario| scenario.has_previous = false),
        ),
        quick(
            "first deployment rolling",
            with(rolling, |scenario| scenario.has_previous = false),
        ),
        quick("fewer units", with(rolling, |scenario| scenario.units_before = 3)),
        quick("more units", with(canary, |scenario| scenario.units_before = 1)),
        quick("leftovers", with(canary, |scenario| scenario.leftovers = true)),
        quick("backed up", with(rolling, |scenario| scenario.backups = true)),
        Case {
            dawdles: 3,
            ..quick("slow", two.clone())
        },
    ]
}

pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

impl Case {
    /// The plan, with short watches, one unit after the other.
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = self.scenario.plan();
        plan.parallelism = 1;
        for step in &mut plan.steps {
            if let Step::Observe(Watch::Traffic { period, .. } | Watch::Health { period }) = step {
                *period = (*period).min(Period::from_secs(3));
            }
        }
        plan
    }

    /// The world before the rollout.
    pub(crate) fn world(&self) -> Arc<World> {
        let scenario = &self.scenario;
        let most = scenario.units.max(scenario.units_before);
        let units: Vec<_> = (0..most).map(Scenario::unit).collect();
        let mut world = World::new(&units, !scenario.in_place, scenario.routed);
        Arc::get_mut(&mut world).unwrap().first = !scenario.has_previous;
        world.target.dawdle(self.dawdles);
        for (index, unit) in units.iter().enumerate() {
            if scenario.has_previous && index < scenario.units_before {
                let weight = scenario.routed.then_some(100);
                world.furnish(unit, Slot::Blue, &release("v1"), weight);
            }
            if scenario.leftovers {
                world.furnish(unit, Slot::Green, &release("v0"), None);
            }
        }
        world
    }

    /// Where in the plan the point of no return is.
    pub(crate) fn promotion(&self) -> u32 {
        let plan = self.plan();
        let at = plan.steps.iter().position(|step| *step == Step::Promote);
        u32::try_from(at.unwrap()).unwrap()
    }

    pub(crate) fn run(&self, world: &Arc<World>) -> End {
        let mut end = start(world, &self.plan());
        end.settle(self);
        end
    }

    /// The run in which nothing fails.
    pub(crate) fn clean(&self) -> End {
        self.run(&self.world())
    }

    /// The world after a run with one fault.
    pub(crate) fn with(&self, call: usize, fault: Fault) -> End {
        let world = self.world();
        world.fault(call, fault);
        self.run(&world)
    }
}

/// How a session ended.
pub(crate) struct End {
    pub(crate) world: Arc<World>,
    pub(crate) outcome: Option<Result<Outcome, DriveError>>,
    pub(crate) rollout: Option<Rollout>,
    pub(crate) seen: Vec<(u64, Timestamp, Event)>,
}

struct Watcher(Arc<Mutex<Vec<(u64, Timestamp, Event)>>>);

impl Observer for Watcher {
    fn on(&mut self, seq: u64, at: Timestamp, event: &Event) {
        self.0.lock().unwrap().push((seq, at, event.clone()));
    }
}

/// A session on a new ledger, after the plan was recorded.
pub(crate) fn start(world: &Arc<World>, plan: &Plan) -> End {
    drive(
        world,
        plan,
        &kept_lease(&plan.environment),
        Rollout::new(plan.clone()),
        |journal| journal.record(Event::Planned(Box::new(plan.clone()))),
    )
}

/// A session of a new process, which knows only the ledger.
pub(crate) fn resume(world: &Arc<World>, plan: &Plan, decision: &Event) -> End {
    let events = recorded(world, plan);
    let mut rollout = Rollout::replay(plan.clone(), events.iter().skip(1)).unwrap();
    rollout.apply(decision).unwrap();
    drive(world, plan, &kept_lease(&plan.environment), rollout, |journal| {
        journal.record(decision.clone())
    })
}

/// Drives with the journal at the end of the ledger, after `first` has written there.
pub(crate) fn drive(
    world: &Arc<World>,
    plan: &Plan,
    keeper: &LeaseKeeper,
    rollout: Rollout,
    first: impl FnOnce(&mut Journal) -> Result<Event, greenroom::engine::JournalError>,
) -> End {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let site = world.site();
    let mut journal = Journal {
        head: greenroom::ports::Ledger::head(&world.ledger, &plan.environment).unwrap(),
        ledger: world.ledger(),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
        redact: Arc::clone(&site.redact),
        plan: plan.clone(),
        epoch: keeper.epoch(),
        observers: vec![Box::new(Watcher(Arc::clone(&seen)))],
    };
    let driven = catch_unwind(AssertUnwindSafe(|| {
        if let Err(error) = first(&mut journal) {
            return (Err(DriveError::Journal(error)), rollout);
        }
        let mut session = Session::new(&site, rollout, journal, keeper);
        let outcome = session.drive();
        (outcome, session.rollout().clone())
    }));
    let (outcome, rollout) = match driven {
        Ok((outcome, rollout)) => (Some(outcome), Some(rollout)),
        Err(panic) if panic.is::<Death>() => (None, None),
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let seen = seen.lock().unwrap().clone();
    End {
        world: Arc::clone(world),
        outcome,
        rollout,
        seen,
    }
}

/// The events in the ledger.
pub(crate) fn recorded(world: &World, plan: &Plan) -> Vec<Event> {
    let records = world.ledger.records(&plan.environment);
    let rollouts = records.into_iter().filter(|record| record.kind == "rollout");
    rollouts
        .map(|record| serde_json::from_value(record.body).unwrap())
        .collect()
}

pub(crate) fn resumed() -> Event {
    Event::Resumed {
        origin: Scenario::blue_green(1).origin(),
    }
}

impl End {
    pub(crate) fn outcome(&self) -> Outcome {
        match &self.outcome {
            Some(Ok(outcome)) => *outcome,
            Some(Err(error)) => panic!("{error}\n{}", self.story()),
            None => panic!("the process died\n{}", self.story()),
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.seen.iter().map(|(_, _, event)| event.clone()).collect()
    }

    /// Everything that happened, for messages.
    pub(crate) fn story(&self) -> String {
        let events: Vec<String> = self
            .seen
            .iter()
            .filter(|(_, _, event)| !matches!(event, Event::Planned(_)))
            .map(|(seq, at, event)| format!("{seq} {at} {event:?}"))
            .collect();
        let calls: Vec<String> = self
            .world
            .calls()
            .iter()
            .enumerate()
            .map(|(number, call)| format!("{number} {call}"))
            .collect();
        format!(
            "{}\n{}\nruns {:?}\nroutes {:?}",
            events.join("\n"),
            calls.join("\n"),
            self.world.target.running(),
            self.world.standing()
        )
    }

    /// Checks what must hold after every session that came to an end.
    pub(crate) fn settle(&mut self, case: &Case) {
        let plan = case.plan();
        let events = recorded(&self.world, &plan);
        let replayed = Rollout::replay(plan, events.iter().skip(1));
        let replayed = replayed.unwrap_or_else(|error| panic!("{}: {error}\n{}", case.name, self.story()));
        if let Some(rollout) = &self.rollout {
            assert_eq!(
                &replayed,
                rollout,
                "{}: replay differs\n{}",
                case.name,
                self.story()
            );
        }
        let breaches: Vec<String> = self.world.breaches();
        let breaches: Vec<&String> = breaches
            .iter()
            .filter(|b| !b.starts_with("requests dropped"))
            .collect();
        assert!(
            breaches.is_empty(),
            "{}: {breaches:?}\n{}",
            case.name,
            self.story()
        );
        let time = self.world.clock.monotonic();
        assert!(time < MOST_TIME, "{}: {time:?}\n{}", case.name, self.story());
        if let Some(Ok(outcome)) = self.outcome {
            self.agrees(case, outcome, replayed.warnings().is_empty());
        }
    }

    /// Whether the world is what the outcome says.
    fn agrees(&self, case: &Case, outcome: Outcome, unblemished: bool) {
        let Case { name, scenario, .. } = case;
        let running = self.world.target.running();
        let of = |version: &str| {
            let id = release(version).id();
            running.values().filter(|release| **release == id).count()
        };
        let side = |side| {
            move |plan: &Plan, unit: &_, slot| {
                let place = plan.placements.iter().find(|place| place.unit == *unit).unwrap();
                Some(slot)
                    == match side {
                        Side::Candidate => place.candidate,
                        Side::Previous => place.previous,
                    }
            }
        };
        let all_traffic_to = |which| {
            let (plan, belongs) = (case.plan(), side(which));
            let standing = self.world.standing();
            standing
                .iter()
                .all(|route| route.weight == 0 || belongs(&plan, &route.unit, route.slot))
        };
        let story = || format!("{name}: {outcome}\n{}", self.story());
        match outcome {
            Outcome::Succeeded => {
                assert_eq!(of("v2"), scenario.units, "{}", story());
                assert!(
                    all_traffic_to(Side::Candidate) && self.world.serves(),
                    "{}",
                    story()
                );
                assert!(!unblemished || of("v1") == 0, "{}", story());
            }
            Outcome::RolledBack => {
                let before = if scenario.has_previous {
                    scenario.units_before
                } else {
                    0
                };
                assert_eq!(of("v1"), before, "{}", story());
                assert!(all_traffic_to(Side::Previous), "{}", story());
                assert!(!unblemished || of("v2") == 0, "{}", story());
                assert_eq!(self.world.serves(), scenario.has_previous, "{}", story());
            }
            Outcome::Halted => assert!(self.world.serves() || !scenario.has_previous, "{}", story()),
        }
    }
}
