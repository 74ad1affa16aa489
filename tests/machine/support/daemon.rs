//! Docker's registry (docker-registry 2.8 from Debian) as a process, open or with one of its two kinds of
//! authentication.

use super::address::free_address;
use super::tokens::TokenServer;
use greenroom::adapters::registry::oci::{OciRegistry, OciSettings};
use greenroom::domain::model::Digest;
use greenroom::host::clock::SystemClock;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The password of `ci`.
pub(crate) const PASSWORD: &str = "s3cret";

/// Its settings, in its directory.
const SETTINGS: &str = "registry.yml";

/// A running registry; ended when it is dropped.
pub(crate) struct Daemon {
    pub(crate) address: SocketAddr,
    child: Child,
    directory: TempDir,
    _tokens: Option<TokenServer>,
}

impl Daemon {
    /// For everyone.
    pub(crate) fn open() -> Self {
        Self::start(tempfile::tempdir().unwrap(), "", true, None)
    }

    /// For everyone, and nothing is ever deleted.
    pub(crate) fn that_deletes_nothing() -> Self {
        Self::start(tempfile::tempdir().unwrap(), "", false, None)
    }

    /// For `ci` with its password, reading included.
    pub(crate) fn with_htpasswd() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("htpasswd");
        let output = run("htpasswd", &["-Bbn", "ci", PASSWORD]);
        fs::write(&file, output).unwrap();
        let auth = format!(
            "auth: {{htpasswd: {{realm: greenroom, path: {}}}}}\n",
            file.display()
        );
        Self::start(directory, &auth, true, None)
    }

    /// With tokens: everyone reads, `ci` writes. Each token is good for so many seconds.
    pub(crate) fn with_tokens(life: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tokens = TokenServer::start(directory.path(), life);
        let auth = format!(
            "auth: {{token: {{realm: \"{}\", service: greenroom-test, issuer: greenroom, rootcertbundle: {}}}}}\n",
            tokens.realm(),
            tokens.certificate().display(),
        );
        Self::start(directory, &auth, true, Some(tokens))
    }

    fn start(directory: TempDir, auth: &str, deletes: bool, tokens: Option<TokenServer>) -> Self {
        // Another process may take the port before the registry has it: then with another one.
        for _ in 0..5 {
            let address = free_address();
            let text = format!(
                "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: {deletes}}}}}\n{auth}\
                 http: {{addr: \"{address}\", secret: x, draintimeout: 1s}}\n",
                directory.path().join("data").display(),
            );
            fs::write(directory.path().join(SETTINGS), text).unwrap();
            let mut child = serve(directory.path());
            if listens(address, &mut child) {
                return Self {
                    address,
                    child,
                    directory,
                    _tokens: tokens,
                };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = fs::read_to_string(directory.path().join("log")).unwrap_or_default();
        panic!("the registry does not start: {log}");
    }

    /// A repository's name with this registry's host.
    pub(crate) fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A client that logs in as `ci`, or nobody.
    pub(crate) fn client(&self, logs_in: bool) -> OciRegistry {
        let variables: &[(&str, &str)] = if logs_in {
            &[
                ("GREENROOM_REGISTRY_USERNAME", "ci"),
                ("GREENROOM_REGISTRY_PASSWORD", PASSWORD),
            ]
        } else {
            &[]
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = OciSettings::of(&variables.collect(), Some(&self.address.to_string()));
        OciRegistry::new(settings, Arc::new(SystemClock::new())).unwrap()
    }

    /// Frees what no manifest names, as its keeper does: with the registry stopped.
    pub(crate) fn collect_garbage(&mut self) {
        self.stop();
        let collected = command(self.directory.path(), "garbage-collect")
            .status()
            .unwrap();
        assert!(collected.success());
        self.child = serve(self.directory.path());
        assert!(
            listens(self.address, &mut self.child),
            "the registry does not come back"
        );
    }

    /// Writes something else over this content; what was there is returned.
    pub(crate) fn overwrite(&self, digest: &Digest, with: Option<Vec<u8>>) -> Vec<u8> {
        let blobs = self.directory.path().join("data/docker/registry/v2/blobs/sha256");
        let data = blobs.join(&digest.hex()[..2]).join(digest.hex()).join("data");
        let before = fs::read(&data).unwrap();
        fs::write(data, with.unwrap_or_else(|| vec![b'x'; before.len()])).unwrap();
        before
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A directory for the test's own files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the registry's program does with the settings in `directory`; what it says goes to a file there.
fn command(directory: &Path, verb: &str) -> Command {
    let log = fs::File::create(directory.join("log")).unwrap();
    let mut command = Command::new("docker-registry");
    command
        .arg(verb)
        .arg(directory.join(SETTINGS))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command
}

fn serve(directory: &Path) -> Child {
    command(directory, "serve")
        .spawn()
        .unwrap_or_else(|error| panic!("docker-registry is needed ({error}): ./test installs it"))
}

/// Whether it listens before it ends.
fn listens(address: SocketAddr, child: &mut Child) -> bool {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20) {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Runs a program that has to succeed; its standard output.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed ({error}): ./test installs it"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
