//! Rollouts of the real engine over guests, and what must hold when they have ended.

use super::stage::Stage;
use greenroom::domain::model::{
    Check, Endpoint, Observation, Period, PortError, ReleaseId, Route, RouteState, Sample, Slot, Strategy,
    UnitId,
};
use greenroom::engine::{DriveError, Journal, Session, Site};

use greenroom::adapters::proxmox::guest::Marker;
use greenroom::adapters::targets::proxmox::{GuestPlan, GuestSettings, GuestWorkload, ProxmoxTarget};
use greenroom::domain::rollout::{Event, Outcome, Plan, Rollout, Step, Watch};
use greenroom::ports::{Clock, Command, Finished, Granularity, Ledger, Probe, Router, Runner, Target};
use greenroom::testing::MemoryLedger;
use greenroom::testing::lease::kept_lease;
use greenroom::testing::proxmox::{FakeGuest, USER};
use greenroom::testing::router::{Answered, MemoryRouter};
use greenroom::testing::scenario::{Scenario, short_canary, short_rolling};
use greenroom::testing::target::PutNow as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A strategy over its ground.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
}

/// Every strategy, over one unit where that is enough: every request is to be disturbed.
pub(crate) fn cases() -> Vec<Case> {
    let (canary, rolling) = (short_canary, short_rolling());
    let case = |name, strategy: &Strategy, change: fn(&mut Scenario)| {
        let mut scenario = Scenario::blue_green(1);
        scenario.strategy = strategy.clone();
        change(&mut scenario);
        Case { name, scenario }
    };
    let two = |scenario: &mut Scenario| (scenario.units, scenario.units_before) = (2, 2);
    vec![
        case("direct", &Strategy::Direct, |_| {}),
        case("direct unrouted", &Strategy::Direct, |s| s.routed = false),
        case("rolling", &rolling, two),
        case("blue-green", &Strategy::BlueGreen, |_| {}),
        case("blue-green unrouted", &Strategy::BlueGreen, |s| s.routed = false),
        case("canary", &canary(false), |_| {}),
        case("canary by units", &canary(true), two),
        case("first deployment", &Strategy::BlueGreen, |s| {
            s.has_previous = false;
        }),
        case("leftovers", &Strategy::BlueGreen, |s| s.leftovers = true),
    ]
}

/// A case over one kind of guest, ready to run.
pub(crate) struct Ground {
    pub(crate) stage: Arc<Stage>,
    pub(crate) settings: GuestSettings,
    pub(crate) router: Arc<MemoryRouter>,
    pub(crate) plan: Plan,
    pub(crate) before: Option<ReleaseId>,
    routed: bool,
}

impl Ground {
    pub(crate) fn new(case: &Case, guest: GuestPlan) -> Self {
        let stage = Arc::new(Stage::new());
        let settings = GuestSettings {
            // Every run makes the same requests.
            parallelism: 1,
            ..stage.settings(guest, case.scenario.units)
        };
        Self::over(case, stage, settings)
    }

    /// The cluster as earlier deployments left it.
    pub(crate) fn over(case: &Case, stage: Arc<Stage>, settings: GuestSettings) -> Self {
        let scenario = &case.scenario;
        let mut plan = scenario.plan();
        let shared = stage.clone();
        let image = |version: &str| shared.release(version);
        plan.candidate = image("v2");
        plan.previous = plan.previous.as_ref().map(|_| image("v1"));
        for step in &mut plan.steps {
            if let Step::Observe(Watch::Traffic { period, .. } | Watch::Health { period }) = step {
                *period = (*period).min(Period::from_secs(3));
            }
        }
        plan.parallelism = u32::try_from(settings.parallelism).unwrap();
        let router = MemoryRouter::new("http://entry.test".parse().unwrap(), Granularity::Percent);
        let ground = Self {
            settings,
            router: Arc::new(router),
            before: scenario.has_previous.then(|| image("v1").id()),
            routed: scenario.routed,
            plan,
            stage,
        };
        let target = ground.target();
        let mut routes = Vec::new();
        for unit in ground.settings.units.clone() {
            if scenario.has_previous {
                let put = target.put_now(&unit, Slot::Blue, &image("v1")).unwrap();
                let address = put.address.unwrap();
                ground.router.listen(&address);
                let slot = Slot::Blue;
                routes.push(Route {
                    unit: unit.clone(),
                    slot,
                    address,
                    weight: 100,
                });
            }
            if scenario.leftovers {
                target.put_now(&unit, Slot::Green, &image("v0")).unwrap();
            }
        }
        if scenario.routed {
            ground.router.shift(&routes).unwrap();
        }
        ground
    }

    pub(crate) fn target(&self) -> ProxmoxTarget {
        self.stage.target(self.settings.clone())
    }

    /// Drives the whole rollout.
    pub(crate) fn run(&self) -> Result<Outcome, DriveError> {
        self.run_with(Arc::new(self.target()))
    }

    pub(crate) fn run_with(&self, target: Arc<dyn Target>) -> Result<Outcome, DriveError> {
        let clock: Arc<dyn Clock> = self.stage.time.clone();
        let ports = Arc::new(Ports {
            stage: self.stage.clone(),
            router: self.router.clone(),
        });
        let site = Site {
            target,
            backup: None,
            router: self.routed.then(|| ports.clone() as Arc<dyn Router>),
            probe: ports.clone(),
            runner: ports,
            stop: None,
            clock: clock.clone(),
            prepare: greenroom::testing::runner::hooks_as_written(),
            redact: Arc::new(str::to_owned),
        };
        let ledger = Arc::new(MemoryLedger::default());
        let keeper = kept_lease(&self.plan.environment);
        let mut journal = Journal {
            head: ledger.head(&self.plan.environment).unwrap(),
            ledger,
            clock,
            redact: site.redact.clone(),
            plan: self.plan.clone(),
            epoch: keeper.epoch(),
            observers: Vec::new(),
        };
        journal
            .record(Event::Planned(Box::new(self.plan.clone())))
            .unwrap();
        let rollout = Rollout::new(self.plan.clone());
        Session::new(&site, rollout, journal, &keeper).drive()
    }

    /// What greenroom made and the cluster holds, but for what is still being made.
    pub(crate) fn held(&self) -> BTreeMap<(UnitId, Slot), (ReleaseId, bool)> {
        let worked = |marker: &Marker| {
            let GuestPlan::Vm(vm) = &self.settings.guest else {
                return true;
            };
            vm.workload
                .as_ref()
                .is_none_or(|_: &GuestWorkload| marker.workload)
        };
        let ours = |guest: &FakeGuest| {
            let making = matches!(guest.lock.as_deref(), Some("clone" | "create"));
            if making || guest.maker.as_deref() != Some(USER) {
                return None;
            }
            let marker = Marker::read(guest.config.get("description")?).ok()?;
            let runs = guest.running && marker.identity.is_some() && worked(&marker);
            Some(((marker.unit, marker.slot), (marker.release, runs)))
        };
        self.stage.cluster.guests().iter().filter_map(ours).collect()
    }

    /// What a new process sees.
    pub(crate) fn seen(&self) -> BTreeMap<(UnitId, Slot), (ReleaseId, bool)> {
        let target = self.target();
        let mut seen = BTreeMap::new();
        for unit in &self.settings.units {
            for (slot, instance) in target.inspect(unit).unwrap().slots {
                seen.insert((unit.clone(), slot), (instance.release, instance.running));
            }
        }
        seen
    }

    /// What must hold however it ended.
    pub(crate) fn settled(&self, outcome: &Result<Outcome, DriveError>, context: &dyn Fn() -> String) {
        let outcome = outcome
            .as_ref()
            .unwrap_or_else(|error| panic!("{error} {}", context()));
        let (held, seen) = (self.held(), self.seen());
        assert_eq!(held, seen, "{} ends as {outcome}", context());
        assert_eq!(self.stage.cluster.foreign_touched(USER), [], "{}", context());
        let candidate = self.plan.candidate.id();
        let running = |release: &ReleaseId| held.values().filter(|(of, runs)| of == release && *runs).count();
        let units = self.settings.units.len();
        match outcome {
            Outcome::Succeeded => assert_eq!(running(&candidate), units, "{}", context()),
            Outcome::RolledBack => {
                let before = self.before.as_ref().map_or(0, running);
                let wanted = if self.before.is_some() { units } else { 0 };
                assert_eq!(before, wanted, "{} {held:?}", context());
            }
            Outcome::Halted => {
                let any = running(&candidate) + self.before.as_ref().map_or(0, running);
                assert!(any > 0 || self.before.is_none(), "{} {held:?}", context());
            }
        }
    }
}

/// The other ports: what they say follows from what the guests do.
struct Ports {
    stage: Arc<Stage>,
    router: Arc<MemoryRouter>,
}

impl Ports {
    fn runs_at(&self, endpoint: &Endpoint) -> bool {
        let authority = endpoint.authority();
        let address = format!("={}/", authority.split(':').next().unwrap());
        let guests = self.stage.cluster.guests();
        let mut at = guests.iter().filter(|guest| {
            ["ipconfig0", "net0"]
                .iter()
                .any(|of| guest.config.get(*of).is_some_and(|v| v.contains(&address)))
        });
        at.any(|guest| guest.running)
    }
}

impl Router for Ports {
    fn name(&self) -> &str {
        "memory"
    }

    fn granularity(&self) -> Granularity {
        self.router.granularity()
    }

    fn entry(&self) -> Endpoint {
        self.router.entry()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        // Clients have been there since the last look.
        for state in self.router.routes()? {
            let route = state.route;
            let answered = match self.runs_at(&route.address) {
                true => Answered::Well,
                false => Answered::Failed,
            };
            self.router.serve((&route.unit, route.slot), 100, answered, 3);
        }
        self.router.routes()
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        for route in routes {
            if self.runs_at(&route.address) {
                self.router.listen(&route.address);
            }
        }
        self.router.shift(routes)
    }
}

impl Probe for Ports {
    fn sample(&self, _: &Check, endpoint: &Endpoint) -> Result<Sample, PortError> {
        let well = endpoint.as_str().contains("127.0.0.1") || self.runs_at(endpoint);
        let seen = match well {
            true => Observation::Answer {
                status: 200,
                headers: BTreeMap::new(),
                body: Vec::new(),
            },
            false => Observation::Unanswered("connection refused".into()),
        };
        Ok(Sample {
            at: self.stage.time.now(),
            took: Period::from_millis(1),
            seen,
        })
    }
}

impl Runner for Ports {
    fn run(&self, _: &Command) -> Result<Finished, PortError> {
        Ok(Finished {
            code: Some(0),
            timed_out: false,
            stdout: String::new(),
            stderr: String::new(),
            took: Period::from_millis(1),
        })
    }
}
