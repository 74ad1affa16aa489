//! A world of strict fakes whose every port call is numbered, can be made to fail, and is followed by a
//! look at whether somebody still serves.

use greenroom::domain::model::{
    BackupId, Check, CheckKind, Draft, Endpoint, EnvironmentName, ErrorKind, Instance, Observation, Period,
    PortError, Release, ReleaseId, Route, RouteState, Sample, Slot, Stored, UnitId, UnitState,
};
use greenroom::engine::Site;
use greenroom::ports::{
    Backup, Capabilities, Clock, Command, Finished, Granularity, Ledger, Probe, Progress, Removal, Router,
    Runner, Stop, Target,
};
use greenroom::testing::backup::MemoryBackup;
use greenroom::testing::router::{Answered, MemoryRouter};
use greenroom::testing::target::{MemoryTarget, PutNow as _};
use greenroom::testing::{FakeClock, MemoryLedger};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens at one port call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails with this kind and does nothing.
    Before(ErrorKind),
    /// It does what it should and reports this kind.
    After(ErrorKind),
    /// The process dies after it, before anything else.
    Dies,
    /// This many signals come while it runs.
    Signals(u32),
}

/// The process died.
pub(crate) struct Death;

/// How the services behave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// Instances of these releases answer 500 to everything.
    pub(crate) sick: BTreeSet<ReleaseId>,
    /// Instances in these units end at the first look at their health.
    pub(crate) exits: BTreeSet<UnitId>,
    /// An instance answers this long after it was first asked.
    pub(crate) slow: Duration,
    /// Requests per second, over all routes.
    pub(crate) requests: u64,
    /// Requests of a route that lost its traffic are under way for this long.
    pub(crate) in_flight: Duration,
    /// Hooks that exit with 1, by their program.
    pub(crate) failing_hooks: BTreeSet<String>,
    /// Checks that fail, by name.
    pub(crate) failing_checks: BTreeSet<String>,
    /// Of the requests that reach these releases, all fail; their health checks do not.
    pub(crate) erring: BTreeSet<ReleaseId>,
}

type Deed = Box<dyn FnOnce(&World) + Send>;

#[derive(Default)]
struct State {
    calls: Vec<String>,
    faults: BTreeMap<usize, Fault>,
    /// What others do just before a call.
    deeds: BTreeMap<usize, Deed>,
    /// From this call on, every call of this port function fails.
    forever: Option<(usize, String, ErrorKind)>,
    served: bool,
    breaches: Vec<String>,
    behaviour: Behaviour,
    first_asked: BTreeMap<Endpoint, Duration>,
    looked: Duration,
    /// Since when a route has had no traffic, after it had some.
    quiet: BTreeMap<(UnitId, Slot), Duration>,
    busy: BTreeSet<(UnitId, Slot)>,
}

pub(crate) struct World {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) target: Arc<MemoryTarget>,
    pub(crate) backup: MemoryBackup,
    pub(crate) router: MemoryRouter,
    pub(crate) ledger: MemoryLedger,
    pub(crate) routed: bool,
    /// Whether nothing may serve in the end (a first deployment that is taken back).
    pub(crate) first: bool,
    state: Mutex<State>,
}

impl World {
    pub(crate) fn new(units: &[UnitId], two_slots: bool, routed: bool) -> Arc<Self> {
        let target = Arc::new(MemoryTarget::new(units, two_slots));
        Arc::new(Self {
            clock: Arc::default(),
            backup: MemoryBackup::new(Arc::clone(&target)),
            target,
            router: MemoryRouter::new("http://entry.test".parse().unwrap(), Granularity::Percent),
            ledger: MemoryLedger::default(),
            routed,
            first: false,
            state: Mutex::new(State {
                behaviour: Behaviour {
                    requests: 100,
                    in_flight: Duration::from_millis(300),
                    ..Behaviour::default()
                },
                ..State::default()
            }),
        })
    }

    pub(crate) fn site(self: &Arc<Self>) -> Site {
        Site {
            stop: None,
            target: Arc::new(Port(Arc::clone(self))),
            router: self
                .routed
                .then(|| Arc::new(Port(Arc::clone(self))) as Arc<dyn Router>),
            probe: Arc::new(Port(Arc::clone(self))),
            backup: Some(Arc::new(Port(Arc::clone(self)))),
            runner: Arc::new(Port(Arc::clone(self))),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            prepare: greenroom::testing::runner::hooks_as_written(),
            redact: Arc::new(|text| text.replace("hunter2", "***")),
        }
    }

    pub(crate) fn ledger(self: &Arc<Self>) -> Arc<dyn Ledger> {
        Arc::new(Port(Arc::clone(self)))
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.state().behaviour);
    }

    pub(crate) fn fault(&self, call: usize, fault: Fault) {
        self.state().faults.insert(call, fault);
    }

    /// Just before this call, `deed` is done by somebody else.
    pub(crate) fn before(&self, call: usize, deed: impl FnOnce(&Self) + Send + 'static) {
        self.state().deeds.insert(call, Box::new(deed));
    }

    pub(crate) fn fail_forever(&self, from: usize, function: &str, kind: ErrorKind) {
        self.state().forever = Some((from, function.to_owned(), kind));
    }

    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.forever = None;
    }

    /// Every call: the function and what it was about.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    pub(crate) fn breaches(&self) -> Vec<String> {
        self.state().breaches.clone()
    }

    /// Puts an instance and its route there, as an earlier deployment left it.
    pub(crate) fn furnish(&self, unit: &UnitId, slot: Slot, release: &Release, weight: Option<u16>) {
        let put = self.target.put_now(unit, slot, release).unwrap();
        if let Some(weight) = weight {
            let address = put.address.unwrap();
            self.router.listen(&address);
            let mut routes = self.standing();
            routes.push(Route {
                unit: unit.clone(),
                slot,
                address,
                weight,
            });
            self.router.shift(&routes).unwrap();
        }
        self.look_around("furnishing");
    }

    pub(crate) fn standing(&self) -> Vec<Route> {
        self.router
            .routes()
            .unwrap()
            .into_iter()
            .map(|state| state.route)
            .collect()
    }

    pub(crate) fn serves(&self) -> bool {
        let running = self.target.running();
        if self.routed {
            let routes = self.standing();
            routes
                .iter()
                .any(|route| route.weight > 0 && running.contains_key(&(route.unit.clone(), route.slot)))
        } else {
            !running.is_empty()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One numbered port call.
    fn call<T>(
        &self,
        function: &str,
        about: &str,
        act: impl FnOnce() -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let name = format!("{function} {about}");
        let deed = {
            let mut state = self.state();
            let number = state.calls.len();
            state.deeds.remove(&number)
        };
        if let Some(deed) = deed {
            deed(self);
        }
        let fault = {
            let mut state = self.state();
            let number = state.calls.len();
            assert!(number < 5_000, "it does not end");
            state.calls.push(name.clone());
            let forever = state.forever.as_ref();
            let forever = forever.filter(|(from, which, _)| number >= *from && which == function);
            let once = state.faults.get(&number).copied();
            once.or(forever.map(|(_, _, kind)| Fault::Before(*kind)))
        };
        let error = |kind| PortError::new(kind, name.clone(), "a fault was asked for");
        if let Some(Fault::Before(kind)) = fault {
            return Err(error(kind));
        }
        if function == "remove" {
            self.look_for_dropped(&name);
        }
        let done = act();
        self.look_around(&name);
        match fault {
            Some(Fault::After(kind)) => done.and(Err(error(kind))),
            Some(Fault::Dies) => std::panic::resume_unwind(Box::new(Death)),
            Some(Fault::Signals(count)) => {
                for _ in 0..count {
                    self.clock.interrupt_after(Duration::ZERO, "SIGTERM");
                }
                done
            }
            _ => done,
        }
    }

    /// Notes when nobody serves any more, or traffic goes where nothing runs.
    fn look_around(&self, name: &str) {
        let serves = self.serves();
        let mut state = self.state();
        if state.served && !serves && !self.first {
            state.breaches.push(format!("nothing serves after {name}"));
        }
        state.served |= serves;
    }

    /// Notes when an instance is ended while requests are under way in it.
    fn look_for_dropped(&self, name: &str) {
        if !self.routed {
            return;
        }
        self.count();
        let under_way = self.router.routes().unwrap();
        let dropped = under_way.iter().find(|state| {
            state.in_flight > 0 && name.contains(&format!("{} {}", state.route.unit, state.route.slot))
        });
        if let Some(route) = dropped {
            let breach = format!("requests dropped by {name}: {route:?}");
            self.state().breaches.push(breach);
        }
    }

    /// Lets the clients of the time since the last look have been there.
    fn count(&self) {
        let mut state = self.state();
        let now = self.clock.monotonic();
        let (mut sick, in_flight) = (state.behaviour.sick.clone(), state.behaviour.in_flight);
        sick.extend(state.behaviour.erring.iter().cloned());
        let passed = now.saturating_sub(state.looked).as_millis();
        let requests = state.behaviour.requests * u64::try_from(passed).unwrap() / 1000;
        if requests > 0 {
            state.looked = now;
        }
        let standing = self.router.routes().unwrap();
        let total: u64 = standing.iter().map(|s| u64::from(s.route.weight)).sum();
        let running = self.target.running();
        for route in standing.into_iter().map(|state| state.route) {
            let place = (route.unit.clone(), route.slot);
            if route.weight > 0 {
                state.busy.insert(place.clone());
                state.quiet.remove(&place);
                let share = requests * u64::from(route.weight) / total.max(1);
                let well = running.get(&place).is_some_and(|release| !sick.contains(release));
                let answered = if well { Answered::Well } else { Answered::Failed };
                self.router.serve((&route.unit, route.slot), share, answered, 3);
                self.router.set_in_flight(&route.unit, route.slot, 3);
            } else if state.busy.contains(&place) {
                let since = *state.quiet.entry(place).or_insert(now);
                let left = if now.saturating_sub(since) < in_flight {
                    3
                } else {
                    0
                };
                self.router.set_in_flight(&route.unit, route.slot, left);
            }
        }
    }

    fn answers(&self, check: &Check, endpoint: &Endpoint) -> Observation {
        let answer = |status| Observation::Answer {
            status,
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        let now = self.clock.monotonic();
        let mut state = self.state();
        let first = *state.first_asked.entry(endpoint.clone()).or_insert(now);
        if state.behaviour.failing_checks.contains(&check.name) {
            return answer(503);
        }
        let running = self.target.running();
        let place = running
            .iter()
            .find(|((unit, slot), _)| endpoint.authority().starts_with(&format!("{unit}.{slot}.test")));
        let well = |release: &ReleaseId| !state.behaviour.sick.contains(release);
        match place {
            Some(_)
                if check.kind == CheckKind::Health && now.saturating_sub(first) < state.behaviour.slow =>
            {
                Observation::Unanswered("connection refused".into())
            }
            Some((_, release)) => answer(if well(release) { 200 } else { 500 }),
            None if endpoint.as_str().contains("127.0.0.1") => {
                answer(if running.values().any(well) { 200 } else { 500 })
            }
            None => Observation::Unanswered("connection refused".into()),
        }
    }
}

/// The world as the engine sees it.
struct Port(Arc<World>);

impl Backup for Port {
    fn name(&self) -> &str {
        "memory"
    }

    fn take(&self, unit: &UnitId, slot: Slot, label: &str) -> Result<Progress<BackupId>, PortError> {
        self.0
            .call("take", unit.as_str(), || self.0.backup.take(unit, slot, label))
    }

    fn verify(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<(), PortError> {
        self.0.call("verify", unit.as_str(), || {
            self.0.backup.verify(unit, slot, backup)
        })
    }

    fn restore(&self, unit: &UnitId, slot: Slot, backup: &BackupId) -> Result<Progress<()>, PortError> {
        self.0.call("bring back", unit.as_str(), || {
            self.0.backup.restore(unit, slot, backup)
        })
    }

    fn prune(&self, unit: &UnitId, keep: usize) -> Result<usize, PortError> {
        self.0
            .call("prune", unit.as_str(), || self.0.backup.prune(unit, keep))
    }
}

impl Target for Port {
    fn name(&self) -> &str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.target.capabilities()
    }

    fn inspect(&self, unit: &UnitId) -> Result<UnitState, PortError> {
        self.0
            .call("inspect", unit.as_str(), || self.0.target.inspect(unit))
    }

    fn put(&self, unit: &UnitId, slot: Slot, release: &Release) -> Result<Progress<Instance>, PortError> {
        let about = format!("{unit} {slot} {}", release.version);
        self.0
            .call("put", &about, || self.0.target.put(unit, slot, release))
    }

    fn remove(&self, unit: &UnitId, slot: Slot, stop: Stop) -> Result<Removal, PortError> {
        let about = format!("{unit} {slot} {stop:?}");
        self.0
            .call("remove", &about, || self.0.target.remove(unit, slot, stop))
    }

    fn logs(&self, unit: &UnitId, slot: Slot, lines: usize) -> Result<String, PortError> {
        let about = format!("{unit} {slot}");
        self.0
            .call("logs", &about, || self.0.target.logs(unit, slot, lines))
    }
}

impl Router for Port {
    fn name(&self) -> &str {
        "memory"
    }

    fn granularity(&self) -> Granularity {
        self.0.router.granularity()
    }

    fn entry(&self) -> Endpoint {
        self.0.router.entry()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        self.0.count();
        self.0.call("routes", "", || self.0.router.routes())
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        self.0.count();
        let about: Vec<String> = routes
            .iter()
            .map(|route| format!("{}/{}={}", route.unit, route.slot, route.weight))
            .collect();
        self.0.call("shift", &about.join(" "), || {
            let running = self.0.target.running();
            for route in routes {
                if running.contains_key(&(route.unit.clone(), route.slot)) {
                    self.0.router.listen(&route.address);
                } else {
                    self.0.router.hang_up(&route.address);
                }
            }
            self.0.router.shift(routes)
        })
    }
}

impl Probe for Port {
    fn sample(&self, check: &Check, endpoint: &Endpoint) -> Result<Sample, PortError> {
        let about = format!("{} {endpoint}", check.name);
        self.0.call("sample", &about, || {
            let exits = self.0.state().behaviour.exits.clone();
            for ((unit, slot), _) in self.0.target.running() {
                if exits.contains(&unit) && endpoint.authority().starts_with(&format!("{unit}.{slot}.test")) {
                    self.0.target.kill(&unit, slot);
                }
            }
            Ok(Sample {
                at: self.0.clock.now(),
                took: Period::from_millis(1),
                seen: self.0.answers(check, endpoint),
            })
        })
    }
}

impl Runner for Port {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        self.0.call("run", &command.argv.join(" "), || {
            let failing = self.0.state().behaviour.failing_hooks.contains(&command.argv[0]);
            Ok(Finished {
                code: Some(i32::from(failing)),
                timed_out: false,
                stdout: String::new(),
                stderr: "the password is hunter2\n".into(),
                took: Period::from_millis(1),
            })
        })
    }
}

impl Ledger for Port {
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError> {
        self.0.ledger.environments()
    }

    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError> {
        self.0.call("ledger.head", "", || self.0.ledger.head(environment))
    }

    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError> {
        self.0
            .call("ledger.read", "", || self.0.ledger.read(environment, seq))
    }

    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError> {
        self.0.call("ledger.append", "", || {
            self.0.ledger.append(environment, after, draft)
        })
    }
}
