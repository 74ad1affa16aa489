//! A running `HAProxy`, configured with the template of the documentation.

use crate::support::address::free_address;
use crate::support::waiting::eventually;
use greenroom::adapters::router::haproxy::{HaproxyOptions, HaproxyRouter};
use greenroom::domain::model::{Endpoint, ErrorKind, PortError, Route, RouteState, Slot, UnitId};
use greenroom::host::clock::SystemClock;
use greenroom::ports::{Clock, Granularity, Router};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The longest that a test waits for `HAProxy`.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `HAProxy`; killed with the value.
pub(crate) struct Balancer {
    directory: tempfile::TempDir,
    /// Where clients connect.
    pub(crate) front: SocketAddr,
    control: SocketAddr,
    process: Option<Child>,
}

impl Balancer {
    /// As the documentation configures it.
    pub(crate) fn start() -> Self {
        Self::configured(|text| text)
    }

    /// With a change to what the documentation shows.
    pub(crate) fn configured(change: impl FnOnce(String) -> String) -> Self {
        let mut balancer = Self {
            directory: tempfile::Builder::new().prefix("gr-hap").tempdir().unwrap(),
            front: free_address(),
            control: free_address(),
            process: None,
        };
        let text = change(template(0))
            .replace("/run/haproxy/greenroom.sock", balancer.socket().to_str().unwrap())
            .replace("192.168.2.2:9999", &balancer.control.to_string())
            .replace("bind :80", &format!("bind {}", balancer.front));
        fs::write(balancer.file("haproxy.cfg"), text).unwrap();
        balancer.run();
        balancer
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.file("h.sock")
    }

    /// Starts the process and waits until it answers.
    pub(crate) fn run(&mut self) {
        let log = fs::File::create(self.file("log")).unwrap();
        let child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(self.file("haproxy.cfg"))
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("haproxy is needed (apt-get install haproxy): {error}"));
        let mut child = child;
        eventually("HAProxy answers", || {
            let ended = child.try_wait().unwrap();
            let log = || fs::read_to_string(self.file("log")).unwrap();
            assert!(ended.is_none(), "it ended: {}", log());
            self.unix().routes().is_ok() && TcpStream::connect(self.front).is_ok()
        });
        self.process = Some(child);
    }

    /// Ends the process; what it knew is lost.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The router through the unix socket.
    pub(crate) fn unix(&self) -> HaproxyRouter {
        self.router(&format!("unix://{}", self.socket().display()), "shop")
    }

    /// The router through TCP.
    pub(crate) fn tcp(&self) -> HaproxyRouter {
        self.router(&format!("tcp://{}", self.control), "shop")
    }

    pub(crate) fn router(&self, runtime: &str, backend: &str) -> HaproxyRouter {
        HaproxyRouter::new(&HaproxyOptions {
            runtime: runtime.to_owned(),
            backend: backend.to_owned(),
            entry: format!("http://{}", self.front).parse().unwrap(),
            timeout: Duration::from_secs(5),
        })
        .unwrap()
    }

    /// An order of the test's own.
    pub(crate) fn say(&self, order: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.write_all(format!("{order}\n").as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// A client's request on a connection of its own: the status and the body, or nothing.
    pub(crate) fn ask(&self) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.front).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A block of configuration in the documentation: 0 is the whole one, 1 what keeps state over a reload.
pub(crate) fn template(index: usize) -> String {
    let text = include_str!("../../../docs/router-haproxy.md");
    let block = text.split("```haproxy\n").nth(index + 1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

pub(crate) fn route(unit: &str, slot: Slot, address: SocketAddr, weight: u16) -> Route {
    Route {
        unit: unit.parse::<UnitId>().unwrap(),
        slot,
        address: endpoint(address),
        weight,
    }
}

pub(crate) fn endpoint(address: SocketAddr) -> Endpoint {
    format!("http://{address}").parse().unwrap()
}

/// Asks again while it is told to, as the engine does.
pub(crate) struct Patient<'a>(pub(crate) &'a HaproxyRouter);

impl Router for Patient<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn granularity(&self) -> Granularity {
        self.0.granularity()
    }

    fn entry(&self) -> Endpoint {
        self.0.entry()
    }

    fn routes(&self) -> Result<Vec<RouteState>, PortError> {
        self.0.routes()
    }

    fn shift(&self, routes: &[Route]) -> Result<(), PortError> {
        let clock = SystemClock::new();
        loop {
            match self.0.shift(routes) {
                Err(error) if error.kind == ErrorKind::Transient && error.to_string().contains("waiting") => {
                    assert!(clock.monotonic() < PATIENCE, "{error}");
                    clock.sleep(Duration::from_millis(20)).unwrap();
                }
                shifted => return shifted,
            }
        }
    }
}
