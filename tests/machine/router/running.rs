//! A router process, its clock, and addresses for it.

use greenroom::model::{Endpoint, Route, RouteState, Slot, Timestamp};
use greenroom::ports::{Clock, Interrupted, PortError, Router};
use greenroom::router::builtin::{BuiltinRouter, RouterOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time for a test: nothing interrupts it.
pub(crate) struct TestClock {
    begun: Instant,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the test's own clock")]
    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        std::thread::sleep(period);
        Ok(())
    }

    fn interruption(&self) -> Option<Interrupted> {
        None
    }
}

/// Polls until `holds` says so; fails after ten seconds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let clock = TestClock::new();
    while !holds() {
        assert!(clock.monotonic() < Duration::from_secs(10), "never: {what}");
        clock.sleep(Duration::from_millis(2)).unwrap();
    }
}

/// An address where nothing listens.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A router process in a directory of its own; killed with the value.
pub(crate) struct Running {
    pub(crate) router: BuiltinRouter,
    pub(crate) options: RouterOptions,
    _directory: tempfile::TempDir,
}

impl Running {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = RouterOptions {
            binary: PathBuf::from(env!("CARGO_BIN_EXE_greenroom")),
            listen: free_address(),
            state_directory: directory.path().join("router"),
        };
        let router = BuiltinRouter::ensure(&options, &TestClock::new()).unwrap();
        Self {
            router,
            options,
            _directory: directory,
        }
    }

    /// A router that sends everything to one backend.
    pub(crate) fn in_front_of(address: SocketAddr) -> Self {
        let running = Self::start();
        running.shift(&[(Slot::Blue, address, 100)]).unwrap();
        running
    }

    pub(crate) fn shift(&self, routes: &[(Slot, SocketAddr, u16)]) -> Result<(), PortError> {
        let routes: Vec<Route> = routes
            .iter()
            .map(|(slot, address, weight)| route(*slot, *address, *weight))
            .collect();
        self.router.shift(&routes)
    }

    pub(crate) fn client(&self) -> super::client::Client {
        super::client::Client::connect(self.options.listen)
    }

    pub(crate) fn state(&self, slot: Slot) -> RouteState {
        let states = self.router.routes().unwrap();
        states.into_iter().find(|state| state.route.slot == slot).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.router.identity().unwrap().pid
    }

    pub(crate) fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        eventually("it is dead", || self.router.identity().is_err());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.router.identity().is_ok() {
            self.kill();
        }
    }
}

pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    format!("http://{address}").parse().unwrap()
}

pub(crate) fn route(slot: Slot, address: SocketAddr, weight: u16) -> Route {
    Route {
        unit: "web-1".parse().unwrap(),
        slot,
        address: endpoint(address),
        weight,
    }
}
