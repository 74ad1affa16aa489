//! The service that the demo and the tests ship does what its first lines say.

use crate::support::address::free_address;
use greenroom::host::process::ProcessIdentity;
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The example, which `cargo test` and `cargo nextest run` build along with the tests.
static HELLO: LazyLock<PathBuf> = LazyLock::new(|| {
    let hello = Path::new(env!("CARGO_BIN_EXE_greenroom"))
        .with_file_name("examples")
        .join("hello");
    assert!(hello.exists(), "build it first: cargo build --example hello");
    hello
});

struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(behaviour: &str) -> Self {
        let address = free_address();
        let child = Command::new(HELLO.as_path())
            .env_clear()
            .env("PORT", address.port().to_string())
            .env("VERSION", "1.2.3")
            .env("BEHAVIOUR", behaviour)
            .spawn()
            .unwrap();
        let service = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not listen");
            std::thread::yield_now();
        }
        service
    }

    fn get(&self, target: &str) -> (u16, String) {
        let mut connection = BufReader::new(TcpStream::connect(self.address).unwrap());
        ask(&mut connection, target);
        answer(&mut connection)
    }

    fn under_way(&self) -> u64 {
        let health: Value = serde_json::from_str(&self.get("/health?detailed=true").1).unwrap();
        health["process"]["underWay"].as_u64().unwrap()
    }

    fn terminate(&self) {
        ProcessIdentity::of(self.child.id()).unwrap().signal(Signal::TERM);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(connection: &mut BufReader<TcpStream>, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).unwrap();
}

fn answer(connection: &mut BufReader<TcpStream>) -> (u16, String) {
    let (mut status, mut length) = (0, 0);
    for line in connection.by_ref().lines() {
        let line = line.unwrap();
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn it_says_hello_and_how_it_is() {
    let service = Service::start("ok");
    assert_eq!(service.get("/"), (200, "hello from 1.2.3\n".to_owned()));
    assert_eq!(service.get("/nowhere").0, 404);
    let (status, body) = service.get("/health");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        (&health["status"], &health["version"]),
        (&"ok".into(), &"1.2.3".into())
    );
    assert_eq!(health["database"]["status"], "connected");
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z') && health["uptime"].is_u64());
    assert_eq!(health["system"], Value::Null);
    let detailed: Value = serde_json::from_str(&service.get("/health?detailed=true").1).unwrap();
    assert!(
        detailed["system"]["memory"]["total"].as_u64().unwrap() > 0,
        "{detailed}"
    );
}

#[test]
fn it_misbehaves_as_told() {
    let unhealthy = Service::start("unhealthy");
    assert_eq!((unhealthy.get("/health").0, unhealthy.get("/").0), (503, 200));

    let failing = Service::start("errors=0.3");
    let failed = (0..100).filter(|_| failing.get("/").0 == 500).count();
    assert_eq!((failed, failing.get("/health").0), (30, 200));

    let begun = Instant::now();
    let slow = Service::start("startup=300ms,slow=200ms");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let begun = Instant::now();
    slow.get("/");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_signal_lets_it_finish_what_is_under_way() {
    let mut service = Service::start("slow=300ms");
    let mut idle = BufReader::new(TcpStream::connect(service.address).unwrap());
    ask(&mut idle, "/health");
    assert_eq!(answer(&mut idle).0, 200);
    let mut busy = BufReader::new(TcpStream::connect(service.address).unwrap());
    ask(&mut busy, "/");
    // The one that asks is under way as well.
    while service.under_way() < 2 {
        std::thread::yield_now();
    }
    service.terminate();
    assert_eq!(answer(&mut busy).1, "hello from 1.2.3\n");
    let ended = service.child.wait().unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "the idle connection was closed");
}
