//! A project in a directory of its own, with two instances behind the built-in router, and the real
//! greenroom to work on it.

use super::processes;
use crate::support::address::free_address;
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(super) const GREENROOM: &str = env!("CARGO_BIN_EXE_greenroom");

/// How long one command may take, many times what it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project; everything that was started for it ends with it.
pub(crate) struct Project {
    directory: TempDir,
    pub(crate) listen: SocketAddr,
}

impl Project {
    pub(crate) fn new() -> Self {
        let directory = TempDir::with_prefix("greenroom-kill-").unwrap();
        let listen = free_address();
        let project = Self { directory, listen };
        let root = project.root();
        fs::create_dir_all(root.join("app")).unwrap();
        fs::copy(hello(), root.join("app/hello")).unwrap();
        fs::write(
            root.join("greenroom.yaml"),
            "service: hello\n\
             version: { value: 0.0.0 }\n\
             image:\n  repository: hello\n  build:\n    files:\n      \
             layers: [{ from: app, to: /app }]\n      entrypoint: [/app/hello]\n\
             triggers: [{ dispatch: {} }]\n\
             environments: [staging.yaml]\n",
        )
        .unwrap();
        project
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Makes the environment one in which this version behaves like that.
    pub(crate) fn configure(&self, version: &str, behaviour: &str) {
        // An unhealthy one is given up soon; a healthy one has time, however busy the machine is.
        let patience = if behaviour.starts_with("unhealthy") {
            "400ms"
        } else {
            "20s"
        };
        let text = format!(
            "name: staging\n\
             type: staging\n\
             local: {{ instances: 2, listen: \"{}\", stopTimeout: 2s }}\n\
             variables: {{ VERSION: \"{version}\", BEHAVIOUR: \"{behaviour}\" }}\n\
             deployment:\n  \
             strategy: {{ canary: {{ steps: [10, 50], every: 300ms, analysis: {{ minRequests: 2, \
             errorRate: 0.05, onInconclusive: rollback }} }} }}\n  \
             healthCheckPath: /health\n  healthCheckInterval: 50ms\n  healthCheckTimeout: {patience}\n  \
             drain: 2s\n  rollback: {{ healthCheckTimeout: 20s }}\n",
            self.listen
        );
        fs::write(self.root().join("staging.yaml"), text).unwrap();
    }

    /// The image that was built first.
    pub(crate) fn image(&self) -> String {
        let index = fs::read(self.root().join(".greenroom/images/hello/index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }

    /// Starts a command; what it says goes to a file of the project.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let said = || {
            File::options()
                .append(true)
                .create(true)
                .open(self.said())
                .unwrap()
        };
        let child = Command::new(GREENROOM)
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TMPDIR", self.root())
            .stdin(Stdio::null())
            .stdout(said())
            .stderr(said())
            .spawn()
            .unwrap();
        Running { child }
    }

    pub(super) fn said(&self) -> PathBuf {
        self.root().join("said.txt")
    }

    /// The last that commands said, for the message of a failure.
    pub(crate) fn last_said(&self) -> String {
        let text = fs::read_to_string(self.said()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Runs a command to its end and gives its exit code.
    pub(crate) fn run(&self, arguments: &[&str]) -> i32 {
        let status = self.start(arguments).wait();
        status
            .code()
            .unwrap_or_else(|| panic!("{arguments:?} ended with {status}"))
    }

    /// Ends everything that runs for this project.
    fn end_everything(&self) {
        for process in processes::of_project(&self.root()) {
            process.signal(Signal::KILL);
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && !processes::of_project(&self.root()).is_empty() {
            processes::reap();
            pause(Duration::from_millis(5));
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        #[expect(clippy::print_stdout, reason = "shown with the failure of the test")]
        if std::thread::panicking() {
            println!("what greenroom said last:\n{}", self.last_said());
        }
        self.end_everything();
    }
}

/// A greenroom at work; killed where it is dropped at work.
pub(crate) struct Running {
    pub(super) child: Child,
}

impl Running {
    pub(crate) fn wait(mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "a command does not end");
            pause(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time between two looks.
pub(crate) fn pause(period: Duration) {
    std::thread::park_timeout(period);
}

/// The example service, which `cargo test` and `cargo nextest run` build along with the tests.
fn hello() -> PathBuf {
    let hello = Path::new(GREENROOM).with_file_name("examples").join("hello");
    assert!(hello.exists(), "build it first: cargo build --example hello");
    hello
}
