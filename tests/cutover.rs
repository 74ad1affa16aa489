//! Eight blue-green deployments while wrk keeps 32 connections busy: no answer other than 2xx, no
//! socket error.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod kill {
    pub(crate) mod client;
    pub(crate) mod processes;
    pub(crate) mod project;
}

use kill::client::version_at;
use kill::project::{Project, pause};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often the live version changes.
const FLIPS: u32 = 8;
/// Fewer answers than this are no load.
const FEWEST: u64 = 3_000;

#[test]
fn eight_blue_green_flips_under_wrk_lose_no_request() {
    let project = Project::new();
    project.configure("1.0.0", "ok");
    let deploy = |version: &str, more: &[&str]| {
        project.configure(version, "ok");
        let mut arguments = vec!["deploy", "-e", "staging", "--strategy", "blue-green"];
        arguments.extend(["--version", version]);
        arguments.extend(more);
        let code = project.run(&arguments);
        assert_eq!(code, 0, "{version}:\n{}", project.last_said());
        assert_eq!(version_at(project.listen), Ok(version.to_owned()));
    };
    deploy("1.0.0", &[]);
    let image = project.image();

    let wrk = Wrk::start(project.listen);
    let begun = Instant::now();
    for flip in 1..=FLIPS {
        deploy(&format!("1.0.{flip}"), &["--image", &image]);
    }
    let took = begun.elapsed();
    let report = wrk.stop();

    let requests = Report::read(&report);
    assert_eq!(requests.non_2xx, None, "{report}");
    assert_eq!(requests.socket_errors, None, "{report}");
    assert!(requests.count >= FEWEST, "{report}");
    println!(
        "{FLIPS} flips in {took:.1?} under wrk: {} requests, all answered 2xx",
        requests.count
    );
}

/// wrk at work.
struct Wrk {
    child: Child,
}

impl Wrk {
    /// Starts it for longer than the flips take; it is told to stop.
    fn start(address: SocketAddr) -> Self {
        let child = Command::new("wrk")
            .args(["-t2", "-c32", "-d600s", "--timeout", "10s"])
            .arg(format!("http://{address}/"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("wrk is needed (./test installs it; apt-get install wrk): {error}")
            });
        let wrk = Self { child };
        // A moment under load before the first flip.
        pause(Duration::from_millis(500));
        wrk
    }

    /// Ends it by SIGINT, upon which it reports, and gives the report.
    fn stop(mut self) -> String {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::INT).unwrap();
        let (mut stdout, mut text) = (self.child.stdout.take().unwrap(), String::new());
        std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
        text
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What wrk reports. Its lines about errors are there only where there were some.
struct Report {
    count: u64,
    non_2xx: Option<String>,
    socket_errors: Option<String>,
}

impl Report {
    fn read(text: &str) -> Self {
        let line = |part: &str| {
            text.lines()
                .find(|line| line.contains(part))
                .map(|line| line.trim().to_owned())
        };
        let count = line(" requests in ").and_then(|line| line.split(' ').next()?.parse().ok());
        Self {
            count: count.unwrap_or_else(|| panic!("wrk did not report:\n{text}")),
            non_2xx: line("Non-2xx"),
            socket_errors: line("Socket errors"),
        }
    }
}

#[test]
fn the_errors_that_wrk_reports_are_read() {
    let report = Report::read(
        "Running 1s test @ http://127.0.0.1:1/\n  4321 requests in 1.00s, 1.10MB read\n  \
         Socket errors: connect 0, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 2\n",
    );
    assert_eq!(report.count, 4321);
    assert_eq!(
        report.socket_errors.unwrap(),
        "Socket errors: connect 0, read 3, write 0, timeout 0"
    );
    assert_eq!(report.non_2xx.unwrap(), "Non-2xx or 3xx responses: 2");
}
