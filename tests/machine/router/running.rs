//! A router process, its clock, and addresses for it.

use crate::support::address::free_address;
use crate::support::waiting::eventually;
use greenroom::adapters::router::builtin::{BuiltinRouter, RouterOptions};
use greenroom::domain::model::{Endpoint, PortError, Route, RouteState, Slot};
use greenroom::host::clock::SystemClock;
use greenroom::ports::Router;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        let router = BuiltinRouter::ensure(&options, &SystemClock::new()).unwrap();
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
