//! A thousand units.

use greenroom::domain::model::{
    Batch, Check, Endpoint, Instance, Observation, Percent, Period, PortError, Release, Rolling, Sample,
    Slot, Strategy, UnitId, UnitState,
};
use greenroom::domain::rollout::{Event, Outcome, Rollout};
use greenroom::engine::{Journal, Session, Site};
use greenroom::ports::{Capabilities, Clock, Probe, Progress, Removal, Stop, Target};
use greenroom::testing::runner::ScriptedRunner;
use greenroom::testing::scenario::{Scenario, release};
use greenroom::testing::target::{MemoryTarget, PutNow as _};
use greenroom::testing::{FakeClock, MemoryLedger};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Knows how many callers there are at once, and how many units were put.
struct Counted {
    target: MemoryTarget,
    now: AtomicUsize,
    most: AtomicUsize,
    put: Mutex<BTreeSet<UnitId>>,
}

impl Counted {
    fn call<T>(&self, act: impl FnOnce() -> T) -> T {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        let result = act();
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

impl Counted {
    fn new(target: MemoryTarget) -> Self {
        Self {
            target,
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            put: Mutex::default(),
        }
    }
}

impl Target for Counted {
    fn name(&self) -> &str {
        "counted"
    }
    fn capabilities(&self) -> Capabilities {
        self.target.capabilities()
    }
    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        self.call(|| self.target.inspect(unit))
    }
    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        self.put.lock().unwrap().insert(unit.clone());
        self.call(|| self.target.put(unit, slot, release))
    }
    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        self.call(|| self.target.remove(unit, slot, stop))
    }
    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        self.call(|| self.target.logs(unit, slot, lines))
    }
}

struct AllWell(Arc<FakeClock>);

impl Probe for AllWell {
    fn sample(&self, _: &Check, _: &Endpoint) -> Result<Sample, PortError> {
        Ok(Sample {
            at: self.0.now(),
            took: Period::from_millis(1),
            seen: Observation::Answer {
                status: 200,
                headers: BTreeMap::new(),
                body: Vec::new(),
            },
        })
    }
}

#[test]
fn a_thousand_units_are_done_fifty_at_a_time() {
    let scenario = Scenario {
        strategy: Strategy::Rolling(Rolling {
            batch: Batch::Share(Percent::try_from(25).unwrap()),
            ..Rolling::default()
        }),
        routed: false,
        ..Scenario::blue_green(1000)
    };
    let mut plan = scenario.plan();
    plan.parallelism = 50;
    let units: Vec<UnitId> = (0..1000).map(Scenario::unit).collect();
    let target = Arc::new(Counted::new(MemoryTarget::new(&units, true)));
    for unit in &units {
        target.target.put_now(unit, Slot::Blue, &release("v1")).unwrap();
    }
    let clock = Arc::new(FakeClock::default());
    let runner = ScriptedRunner::default();
    runner.answer(&["./migrate"], 0, "");
    let site = Site {
        backup: None,
        stop: None,
        target: Arc::clone(&target) as Arc<dyn Target>,
        router: None,
        probe: Arc::new(AllWell(Arc::clone(&clock))),
        runner: Arc::new(runner),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        prepare: greenroom::testing::runner::hooks_as_written(),
        redact: Arc::new(str::to_owned),
    };
    let keeper = greenroom::testing::lease::kept_lease(&plan.environment);
    let mut journal = Journal {
        ledger: Arc::new(MemoryLedger::default()),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        redact: Arc::clone(&site.redact),
        plan: plan.clone(),
        epoch: keeper.epoch(),
        head: None,
        observers: Vec::new(),
    };
    journal.record(Event::Planned(Box::new(plan.clone()))).unwrap();
    let outcome = Session::new(&site, Rollout::new(plan), journal, &keeper).drive();
    assert_eq!(outcome.unwrap(), Outcome::Succeeded);
    let running = target.target.running();
    let candidate = release("v2").id();
    assert!(running.len() == 1000 && running.values().all(|id| *id == candidate));
    assert_eq!(target.put.lock().unwrap().len(), 1000);
    let most = target.most.load(Ordering::SeqCst);
    assert!((2..=50).contains(&most), "{most} at once");
}
