//! wrk: keep-alive connections that are never idle.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// wrk at work.
pub(crate) struct Wrk {
    child: Child,
}

impl Wrk {
    /// Starts it for longer than any test takes; it is told to stop.
    pub(crate) fn start(address: SocketAddr) -> Self {
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
        Self { child }
    }

    /// Ends it by SIGINT, upon which it reports, and gives the report.
    pub(crate) fn stop(mut self) -> Report {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::INT).unwrap();
        let (mut stdout, mut text) = (self.child.stdout.take().unwrap(), String::new());
        std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
        Report::read(&text)
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What wrk reports. Its lines about errors are there only where there were some.
#[derive(Debug)]
pub(crate) struct Report {
    /// Requests that were answered.
    pub(crate) count: u64,
    /// The line about answers other than 2xx and 3xx.
    pub(crate) non_2xx: Option<String>,
    /// The line about connections.
    pub(crate) socket_errors: Option<String>,
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
