//! Docker's registry (docker-registry 2.8 from Debian) as a process, open or with one of its two kinds of
//! authentication.

use super::tokens::TokenServer;
use greenroom::host::clock::SystemClock;
use greenroom::registry::oci::{OciRegistry, OciSettings};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The password of `ci`.
pub(crate) const PASSWORD: &str = "s3cret";

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
        Self::start(tempfile::tempdir().unwrap(), "", None)
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
        Self::start(directory, &auth, None)
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
        Self::start(directory, &auth, Some(tokens))
    }

    fn start(directory: TempDir, auth: &str, tokens: Option<TokenServer>) -> Self {
        // Another process may take the port before the registry has it: then with another one.
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let config = directory.path().join("registry.yml");
            let text = format!(
                "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n{auth}\
                 http: {{addr: \"{address}\", secret: x, draintimeout: 1s}}\n",
                directory.path().join("data").display(),
            );
            fs::write(&config, text).unwrap();
            let log = fs::File::create(directory.path().join("log")).unwrap();
            let mut child = Command::new("docker-registry")
                .arg("serve")
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("docker-registry is needed ({error}): ./test installs it"));
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

    /// A directory for the test's own files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
