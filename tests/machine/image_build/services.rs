//! A real registry and a real docker daemon, for one test each.

use super::yard::SYSTEM;
use crate::support::address::get;
use crate::support::daemon::Daemon;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What an open registry answers, as JSON.
pub(crate) fn asked(registry: &Daemon, path: &str) -> Value {
    let (_, body) = get(registry.address.port(), path).unwrap();
    serde_json::from_str(&body).unwrap_or_default()
}

/// A docker daemon with a network bridge, data and socket of its own. It changes no rule of the machine's
/// firewall, and is gone with all its containers when it is dropped.
pub(crate) struct Dockerd {
    process: Child,
    directory: TempDir,
    bridge: String,
    _one_at_a_time: MutexGuard<'static, ()>,
}

/// Daemons of one process come one after the other; nextest sees to those of several.
static TURN: Mutex<()> = Mutex::new(());

impl Dockerd {
    pub(crate) fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // A socket's path has at most 107 bytes, of which the daemon takes 45.
        let directory = tempfile::Builder::new()
            .prefix("grd.")
            .tempdir_in("/tmp")
            .unwrap();
        let bridge = format!("grb{}", std::process::id() % 1_000_000);
        ip(&["link", "add", &bridge, "type", "bridge"]);
        let address = (0..200)
            .map(|number| format!("172.31.{}.1/24", (std::process::id() + number) % 250))
            .find(|address| !ip(&["-o", "addr"]).contains(&address.replace(".1/24", ".")))
            .unwrap();
        ip(&["addr", "add", &address, "dev", &bridge]);
        ip(&["link", "set", &bridge, "up"]);
        let path = |name: &str| directory.path().join(name).display().to_string();
        let process = Command::new("dockerd")
            .args([
                "--data-root",
                &path("data"),
                "--exec-root",
                &path("x"),
                "--pidfile",
                &path("pid"),
            ])
            .args(["-H", &format!("unix://{}", path("d.sock")), "--bridge", &bridge])
            .args(["--iptables=false", "--ip6tables=false", "--ip-masq=false"])
            .args([
                "--default-ulimit",
                "nofile=1024:1024",
                "--shutdown-timeout",
                "1",
                "--log-level",
                "warn",
            ])
            .env("PATH", SYSTEM)
            .env("DOCKER_CONFIG", path("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(path("log")).unwrap())
            .spawn()
            .expect("dockerd is needed: apt-get install docker.io");
        let daemon = Self {
            process,
            directory,
            bridge,
            _one_at_a_time: turn,
        };
        wait_for("dockerd", || daemon.docker(&["version"]).1);
        daemon
    }

    /// Where clients find it.
    pub(crate) fn socket(&self) -> String {
        format!("unix://{}", self.directory.path().join("d.sock").display())
    }

    /// What Debian's client says, and whether it succeeded.
    pub(crate) fn docker(&self, words: &[&str]) -> (String, bool) {
        let output = Command::new("/usr/bin/docker")
            .args(words)
            .env("DOCKER_HOST", self.socket())
            .env("DOCKER_CONFIG", self.directory.path().join("config"))
            .output()
            .expect("docker is needed: apt-get install docker.io");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            output.status.success(),
        )
    }

    fn mounts(&self) -> Vec<PathBuf> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let mut below: Vec<PathBuf> = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .map(PathBuf::from)
            .filter(|mount| mount.starts_with(self.directory.path()))
            .collect();
        below.sort();
        below.reverse();
        below
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let (ids, _) = self.docker(&["ps", "-aq"]);
        for id in ids.split_whitespace() {
            self.docker(&["rm", "-fv", id]);
        }
        if let Some(id) = i32::try_from(self.process.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
        for mount in self.mounts() {
            let _ = Command::new("umount").arg(mount).status();
        }
        let _ = Command::new("ip")
            .args(["link", "del", &self.bridge])
            .env("PATH", SYSTEM)
            .status();
    }
}

fn ip(words: &[&str]) -> String {
    let output = Command::new("ip")
        .args(words)
        .env("PATH", SYSTEM)
        .output()
        .expect("ip is needed: apt-get install iproute2");
    assert!(
        output.status.success(),
        "ip {words:?} (the tests of docker need root): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "{what} does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
}
