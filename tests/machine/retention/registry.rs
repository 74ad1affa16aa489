//! docker-registry on this machine.

use greenroom::model::Digest;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{net::TcpStream, thread};
use tempfile::TempDir;

/// A running registry; stopped when dropped.
pub(crate) struct DockerRegistry {
    directory: TempDir,
    process: Option<Child>,
    pub(crate) port: u16,
}

impl DockerRegistry {
    /// Starts one that deletes, or does not.
    pub(crate) fn start(deletes: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
             delete: {{enabled: {deletes}}}\nhttp: {{addr: \"127.0.0.1:{port}\", secret: x}}\n",
            directory.path().join("data").display()
        );
        fs::write(directory.path().join("registry.yml"), settings).unwrap();
        let mut registry = Self {
            directory,
            process: None,
            port,
        };
        registry.resume();
        registry
    }

    /// Starts it again on what it holds.
    pub(crate) fn resume(&mut self) {
        let process = self.command("serve").spawn();
        self.process = Some(process.expect("docker-registry is needed: apt-get install docker-registry"));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "docker-registry does not start"
            );
            thread::yield_now();
        }
    }

    /// Frees what no manifest names, as its keeper does: with the registry stopped.
    pub(crate) fn collect_garbage(&mut self) {
        self.stop();
        let collected = self.command("garbage-collect").status().unwrap();
        assert!(collected.success());
        self.resume();
    }

    /// Writes something else over this content; what was there is returned.
    pub(crate) fn overwrite(&self, digest: &Digest, with: Option<Vec<u8>>) -> Vec<u8> {
        let blobs = self.directory.path().join("data/docker/registry/v2/blobs/sha256");
        let data = blobs.join(&digest.hex()[..2]).join(digest.hex()).join("data");
        let before = fs::read(&data).unwrap();
        fs::write(data, with.unwrap_or_else(|| vec![b'x'; before.len()])).unwrap();
        before
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new("docker-registry");
        command
            .arg(what)
            .arg(self.directory.path().join("registry.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}
