//! Starting, stopping, crashing, and who may give orders.

use crate::router::running::{Running, endpoint, route};
use crate::support::address::free_address;
use crate::support::backend::Backend;
use crate::support::waiting::eventually;
use greenroom::adapters::router::builtin::{BuiltinRouter, RouterOptions};
use greenroom::domain::model::{ErrorKind, Slot};
use greenroom::host::clock::SystemClock;
use greenroom::host::process::ProcessIdentity;
use greenroom::ports::{Clock, Router};
use greenroom::testing::router::{RouterAddresses, router_contract};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

#[test]
fn the_builtin_router_keeps_the_contract() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::start();
    let addresses = RouterAddresses {
        blue: endpoint(blue.address),
        green: endpoint(green.address),
        dead: endpoint(free_address()),
    };
    router_contract(&running.router, &"web-1".parse().unwrap(), &addresses);
}

#[test]
fn a_crashed_router_comes_back_with_its_routes() {
    let (blue, green) = (Backend::saying("blue"), Backend::saying("green"));
    let running = Running::in_front_of(blue.address);
    running
        .shift(&[(Slot::Blue, blue.address, 0), (Slot::Green, green.address, 100)])
        .unwrap();
    let first = running.pid();
    running.kill();
    let missing = BuiltinRouter::connect(&running.options).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::Missing);
    BuiltinRouter::ensure(&running.options, &SystemClock::new()).unwrap();
    assert_ne!(running.pid(), first);
    assert_eq!(running.client().get("/").unwrap().body, "green");
    assert_eq!(
        running.state(Slot::Green).route,
        route(Slot::Green, green.address, 100)
    );
    assert_eq!(
        running.state(Slot::Green).counters.requests,
        1,
        "counted from zero again"
    );
}

#[test]
fn many_who_ensure_at_once_get_one_and_the_same_router() {
    let running = Running::start();
    running.kill();
    let pids: Vec<u32> = thread::scope(|scope| {
        let starters: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let router = BuiltinRouter::ensure(&running.options, &SystemClock::new()).unwrap();
                    router.identity().unwrap().pid
                })
            })
            .collect();
        starters
            .into_iter()
            .map(|starter| starter.join().unwrap())
            .collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

/// The greenroom that started it was killed at that moment, and the next one comes at once.
#[test]
fn a_router_that_is_just_starting_is_found_or_replaced() {
    for round in 0..100 {
        let directory = tempfile::tempdir().unwrap();
        let options = RouterOptions {
            binary: env!("CARGO_BIN_EXE_greenroom").into(),
            listen: free_address(),
            state_directory: directory.path().join("router"),
        };
        let mut first = std::process::Command::new(&options.binary)
            .arg("router")
            .arg("--listen")
            .arg(options.listen.to_string())
            .arg("--state")
            .arg(&options.state_directory)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        SystemClock::new()
            .sleep(Duration::from_micros(round * 150))
            .unwrap();
        let ensured = BuiltinRouter::ensure(&options, &SystemClock::new());
        let stopped = ensured.as_ref().map(|router| router.stop(&SystemClock::new()));
        let _ = first.kill();
        first.wait().unwrap();
        stopped
            .unwrap_or_else(|error| panic!("round {round}: {error}"))
            .unwrap();
    }
}

#[test]
fn an_address_that_someone_else_uses_is_left_to_them() {
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = RouterOptions {
        binary: env!("CARGO_BIN_EXE_greenroom").into(),
        listen: foreign.local_addr().unwrap(),
        state_directory: directory.path().join("router"),
    };
    let error = BuiltinRouter::ensure(&options, &SystemClock::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.to_string().contains("did not start"), "{error}");

    let running = Running::start();
    let elsewhere = RouterOptions {
        listen: free_address(),
        ..running.options.clone()
    };
    let error = BuiltinRouter::ensure(&elsewhere, &SystemClock::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.to_string().contains("listens on"), "{error}");
}

#[test]
fn a_router_that_cannot_start_says_why() {
    let running = Running::start();
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(directory.path().join("routes.json"), "{").unwrap();
    let options = RouterOptions {
        listen: free_address(),
        state_directory: directory.path().to_owned(),
        ..running.options.clone()
    };
    let error = BuiltinRouter::ensure(&options, &SystemClock::new()).unwrap_err();
    assert!(error.to_string().contains("routes.json"), "{error}");
}

#[test]
fn the_router_belongs_to_nobodys_session_and_its_files_to_its_owner_only() {
    let running = Running::start();
    let pid = running.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(3)
        .unwrap()
        .to_owned();
    assert_eq!(session, pid.to_string());
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
    assert_eq!(
        fs::read(format!("/proc/{pid}/environ")).unwrap(),
        b"",
        "nothing of ours is kept"
    );
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = &running.options.state_directory;
    assert_eq!(mode(directory), 0o700);
    running.shift(&[]).unwrap();
    for name in ["control.sock", "routes.json", "router.log", "running.lock"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
}

#[test]
fn nonsense_on_the_control_socket_is_refused_and_harms_nobody() {
    let running = Running::start();
    let path = running.options.state_directory.join("control.sock");
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    };
    let deep = "[".repeat(200_000) + "\n";
    let long = "x".repeat(6 * 1024 * 1024) + "\n";
    let cases: [&[u8]; 9] = [
        b"\n",
        b"hello\n",
        b"\xff\xfe\0\n",
        b"{\"shift\":[{\"unit\":\"../../etc\",\"slot\":\"blue\",\"address\":\"http://a\",\"weight\":1}]}\n",
        b"{\"shift\":[{\"unit\":\"a\",\"slot\":\"blue\",\"address\":\"http://a\",\"weight\":70000}]}\n",
        b"{\"shift\":[{\"unit\":\"a\",\"slot\":\"blue\",\"address\":\"file:///etc\",\"weight\":1}]}\n",
        b"\"stop\"",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    let pid = running.pid();
    for case in cases {
        let reply = say(case);
        let shown = String::from_utf8_lossy(&case[..case.len().min(60)]).into_owned();
        // A line beyond the limit may be cut off before the reply is read.
        assert!(
            reply.contains("refused") || case.len() > 4_000_000,
            "{shown}: {reply}"
        );
        assert!(reply.len() < 1_000, "{shown}: a reply of {} bytes", reply.len());
    }
    let silent: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert_eq!(running.pid(), pid);
    assert!(running.router.routes().unwrap().is_empty());
    drop(silent);
}

#[test]
fn a_stopped_router_finishes_what_is_under_way_and_takes_nothing_new() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let backend = Backend::start(move |exchange| {
        released.lock().unwrap().recv().unwrap();
        exchange.ok("finished")
    });
    let running = Running::in_front_of(backend.address);
    let mut idle = running.client();
    let mut slow = running.client();
    slow.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    eventually("it is under way", || running.state(Slot::Blue).in_flight == 1);
    let process = ProcessIdentity::of(running.pid()).unwrap();
    process.signal(rustix::process::Signal::TERM);
    eventually("it takes no more", || {
        std::net::TcpStream::connect(running.options.listen).is_err()
    });
    assert!(process.is_alive());
    release.send(()).unwrap();
    assert_eq!(slow.answer(true).unwrap().body, "finished");
    eventually("it has ended", || !process.is_alive());
    assert!(idle.get("/").is_err());
    running.router.stop(&SystemClock::new()).unwrap();
}

#[test]
fn stop_returns_when_the_process_is_gone() {
    let running = Running::start();
    let process = ProcessIdentity::of(running.pid()).unwrap();
    running.router.stop(&SystemClock::new()).unwrap();
    assert!(!process.is_alive());
    assert_eq!(running.router.identity().unwrap_err().kind, ErrorKind::Missing);
}
