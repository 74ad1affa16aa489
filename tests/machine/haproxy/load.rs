//! Deployments by the engine while wrk keeps 32 connections busy: no answer other than 2xx, no socket
//! error. And that wrk tells, where there are some.

use crate::haproxy::balancer::Balancer;
use crate::haproxy::guests::Guests;
use crate::support::waiting::eventually;
use crate::support::wrk::{Report, Wrk};
use greenroom::adapters::probe::{Commands, ServiceProbe};
use greenroom::domain::model::{
    Actor, Batch, Canary, Origin, Period, Release, Rolling, Slot, Strategy, Suite, Thresholds, UnitId,
};
use greenroom::domain::rollout::{
    Abilities, Event, Grounds, Kind, Observed, Occupancy, Outcome, Plan, PlanRequest, Readiness,
    RollbackPolicy, Rollout, plan,
};
use greenroom::engine::{Journal, Session, Site};
use greenroom::host::clock::SystemClock;
use greenroom::host::http::{Client, HttpSettings};
use greenroom::ports::{Router, Target};
use greenroom::testing::MemoryLedger;
use greenroom::testing::lease::kept_lease;
use greenroom::testing::runner::ScriptedRunner;
use greenroom::testing::scenario::{health, release};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Fewer answers than this are no load.
const FEWEST: u64 = 3_000;

/// A service of two units behind a real `HAProxy`.
struct Service {
    balancer: Balancer,
    guests: Arc<Guests>,
    live: Option<Release>,
}

impl Service {
    fn new() -> Self {
        Self {
            balancer: Balancer::start(),
            guests: Arc::default(),
            live: None,
        }
    }

    fn site(&self) -> Site {
        let clock = Arc::new(SystemClock::new());
        let commands = Commands {
            runner: Arc::new(ScriptedRunner::default()),
            render: Arc::new(|text, _| Ok(text.to_owned())),
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
        };
        let client = Client::new(&HttpSettings::default()).unwrap();
        Site {
            target: Arc::clone(&self.guests) as Arc<dyn Target>,
            backup: None,
            router: Some(Arc::new(self.balancer.unix())),
            probe: Arc::new(ServiceProbe::new(client, clock.clone(), commands)),
            runner: Arc::new(ScriptedRunner::default()),
            stop: None,
            clock,
            prepare: greenroom::testing::runner::hooks_as_written(),
            redact: Arc::new(str::to_owned),
        }
    }

    /// Deploys `version` as the engine does it.
    fn deploy(&mut self, version: &str, strategy: Strategy) {
        let candidate = release(version);
        let plan = self.plan(candidate.clone(), strategy);
        let keeper = kept_lease(&plan.environment);
        let site = self.site();
        let mut journal = Journal {
            head: None,
            ledger: Arc::new(MemoryLedger::default()),
            clock: Arc::clone(&site.clock),
            redact: Arc::clone(&site.redact),
            plan: plan.clone(),
            epoch: keeper.epoch(),
            observers: Vec::new(),
        };
        journal.record(Event::Planned(Box::new(plan.clone()))).unwrap();
        let mut session = Session::new(&site, Rollout::new(plan), journal, &keeper);
        let outcome = session.drive().unwrap();
        assert_eq!(
            outcome,
            Outcome::Succeeded,
            "{version}: {:?}",
            session.rollout().warnings()
        );
        self.live = Some(candidate);
        assert_eq!(
            self.guests.running(version),
            2,
            "both units run it, and nothing else is left"
        );
        assert_eq!(self.balancer.ask(), Some((200, version.to_owned())));
    }

    fn plan(&self, candidate: Release, strategy: Strategy) -> Plan {
        let units: Vec<UnitId> = ["shop-1", "shop-2"].map(|unit| unit.parse().unwrap()).into();
        let occupancy = |unit: &UnitId| Occupancy {
            serving: self.guests.inspect(unit).unwrap().slots.keys().next().copied(),
            leftover: None,
        };
        let observed = Observed {
            live: self.live.clone(),
            units: match &self.live {
                Some(_) => units.iter().map(|unit| (unit.clone(), occupancy(unit))).collect(),
                None => BTreeMap::new(),
            },
        };
        let abilities = Abilities {
            two_slots: true,
            routed: true,
            split: true,
            counted: true,
        };
        plan(request(units, candidate, strategy), &observed, abilities).unwrap()
    }
}

fn request(units: Vec<UnitId>, candidate: Release, strategy: Strategy) -> PlanRequest {
    PlanRequest {
        deployment: "20261120-120000-00000001".parse().unwrap(),
        kind: Kind::Deploy,
        service: "shop".into(),
        environment: "staging".parse().unwrap(),
        origin: Origin {
            actor: Actor {
                name: "ada".into(),
                via: "local".into(),
            },
            reason: "a test".into(),
            run: None,
            commit: None,
        },
        strategy,
        candidate,
        units,
        url: None,
        readiness: Readiness {
            check: Some(health()),
            interval: Period::from_millis(50),
            timeout: Period::from_secs(10),
        },
        policy: RollbackPolicy {
            automatic: true,
            clean_up: true,
            max_failures: 0,
        },
        watch: Period::from_millis(200),
        drain: Period::from_secs(10),
        parallelism: 2,
        backups: None,
        suites: vec![Suite {
            name: "smoke".into(),
            checks: vec![health()],
        }],
        before: Vec::new(),
        after: Vec::new(),
        grounds: Grounds::default(),
    }
}

fn canary() -> Strategy {
    Strategy::Canary(Canary {
        steps: [10, 50].map(|share| share.try_into().unwrap()).into(),
        every: Period::from_millis(500),
        ..Canary::default()
    })
}

fn rolling() -> Strategy {
    Strategy::Rolling(Rolling {
        batch: Batch::Units(1),
        ..Rolling::default()
    })
}

/// Waits until clients have been served for a moment.
fn under_way(service: &Service) {
    let router = service.balancer.unix();
    let served = || -> u64 {
        let states = router.routes().unwrap();
        states.iter().map(|state| state.counters.requests).sum()
    };
    let before = served();
    eventually("wrk is under way", || served() > before + 500);
}

#[track_caller]
fn nothing_lost(report: &Report) {
    assert_eq!(report.non_2xx, None, "{report:?}");
    assert_eq!(report.socket_errors, None, "{report:?}");
    assert!(report.count >= FEWEST, "{report:?}");
}

#[test]
fn flips_and_canaries_under_wrk_lose_no_request() {
    let mut service = Service::new();
    service.deploy("1.0.0", Strategy::BlueGreen);
    let wrk = Wrk::start(service.balancer.front);
    under_way(&service);
    let begun = Instant::now();
    let strategies = [
        Strategy::BlueGreen,
        canary(),
        Strategy::BlueGreen,
        rolling(),
        Strategy::BlueGreen,
        canary(),
        Strategy::BlueGreen,
        rolling(),
    ];
    for (number, strategy) in strategies.into_iter().enumerate() {
        service.deploy(&format!("1.0.{}", number + 1), strategy);
    }
    let took = begun.elapsed();
    let report = wrk.stop();
    nothing_lost(&report);
    println!(
        "8 deployments in {took:.1?} under wrk: {} requests, all answered 2xx",
        report.count
    );
}

#[test]
fn what_is_lost_without_care_is_seen() {
    let mut service = Service::new();
    service.deploy("1.0.0", Strategy::BlueGreen);
    let wrk = Wrk::start(service.balancer.front);
    under_way(&service);
    // Both units end at once, and nobody has moved the traffic before.
    service.guests.crash();
    eventually("HAProxy has nobody left", || {
        service.balancer.ask().is_none_or(|(status, _)| status >= 500)
    });
    let report = wrk.stop();
    assert!(report.non_2xx.is_some(), "{report:?}");
}

#[test]
fn a_limit_on_times_is_seen_in_the_plan() {
    let service = Service::new();
    let Strategy::Canary(timed) = canary() else {
        panic!("a canary")
    };
    let thresholds = Thresholds {
        p95: Some(Period::from_millis(300)),
        ..timed.thresholds.clone()
    };
    let plain = service.plan(release("1.0.0"), canary());
    let timed = service.plan(release("1.0.0"), Strategy::Canary(Canary { thresholds, ..timed }));
    assert_eq!((plain.limits_times(), timed.limits_times()), (false, true));
}

#[test]
fn a_flip_is_as_quick_as_the_health_check() {
    let mut service = Service::new();
    service.deploy("1.0.0", Strategy::Direct);
    let router = service.balancer.unix();
    let (old, new) = (slot_of(&service), slot_of(&service).other());
    let unit: UnitId = "shop-1".parse().unwrap();
    let put = service.guests.put(&unit, new, &release("2.0.0")).unwrap();
    let greenroom::ports::Progress::Done(instance) = put else {
        panic!("{put:?}")
    };
    let mut routes: Vec<_> = router
        .routes()
        .unwrap()
        .into_iter()
        .map(|state| state.route)
        .collect();
    routes.retain(|route| route.unit == unit && route.slot == old);
    let mut green = routes[0].clone();
    (green.slot, green.address) = (new, instance.address.unwrap());
    routes[0].weight = 0;
    routes.push(green);
    let begun = Instant::now();
    crate::haproxy::balancer::Patient(&router).shift(&routes).unwrap();
    let took = begun.elapsed();
    println!("a flip, health check included: {took:.1?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let again = Instant::now();
    router.shift(&routes).unwrap();
    println!("the same again: {:.1?}", again.elapsed());
}

fn slot_of(service: &Service) -> Slot {
    let unit = "shop-1".parse().unwrap();
    let state = service.guests.inspect(&unit).unwrap();
    *state.slots.keys().next().unwrap()
}
