//! From a server that everyone can trust to one that anyone can be.

use super::common::{REGISTRY, STRANGER, app_abroad, settings_abroad};
use crate::registry::daemon::run;
use greenroom::ports::{Catalog, ErrorKind, PortError};
use greenroom::registry::oci::OciRegistry;
use greenroom::testing::FakeClock;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the registry says to everybody who asks for the tags of `app`, over TLS (`openssl s_server`).
struct Registry {
    directory: tempfile::TempDir,
    address: SocketAddr,
    process: Child,
    /// Kept open: writing to a closed one would end the server.
    _output: BufReader<ChildStdout>,
}

impl Registry {
    fn that_says(answer: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let list = directory.path().join("v2/app/tags");
        fs::create_dir_all(&list).unwrap();
        fs::write(list.join("list?n=1000"), answer).unwrap();
        let text = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (text("key.pem"), text("certificate.pem"));
        let name = format!("subjectAltName=IP:{REGISTRY}");
        let request =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry";
        let mut arguments: Vec<&str> = request.split(' ').collect();
        arguments.extend(["-addext", &name, "-addext", "basicConstraints=critical,CA:FALSE"]);
        arguments.extend(["-keyout", &key, "-out", &certificate]);
        run("openssl", &arguments);
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-HTTP"])
            .args(["-key", &key, "-cert", &certificate])
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says "ACCEPT 127.0.0.1:PORT" once it listens.
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(
                output.read_line(&mut line).unwrap() > 0,
                "openssl s_server has ended"
            );
            if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
                break address.parse().unwrap();
            }
        };
        Self {
            directory,
            address,
            process,
            _output: output,
        }
    }

    /// Lists the tags, and says how that ended and which servers were asked for.
    fn tags(&self) -> (PortError, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut settings = settings_abroad(proxy(self.address, asked.clone()));
        settings.http.ca_file = Some(self.certificate());
        let client = OciRegistry::new(settings, Arc::new(FakeClock::default())).unwrap();
        let error = client.tags(&app_abroad()).unwrap_err();
        let asked = asked.lock().unwrap().clone();
        (error, asked)
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A proxy that leads everybody to one server, and notes whom they asked for.
fn proxy(server: SocketAddr, asked: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the process.
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = BufReader::new(client.unwrap());
            let mut first = String::new();
            client.read_line(&mut first).unwrap();
            asked
                .lock()
                .unwrap()
                .push(first.split(' ').nth(1).unwrap().to_owned());
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                client.read_line(&mut line).unwrap();
            }
            let client = client.into_inner();
            (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            tunnel(&client, &TcpStream::connect(server).unwrap());
        }
    });
    url
}

fn tunnel(client: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*client, &mut &*server);
            let _ = server.shutdown(std::net::Shutdown::Write);
        });
        let _ = io::copy(&mut &*server, &mut &*client);
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let answer = format!(
        "HTTP/1.1 307 X\r\nLocation: http://{STRANGER}/bucket?key=hunter2\r\nContent-Length: 0\r\n\r\n"
    );
    let (error, asked) = Registry::that_says(&answer).tags();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert!(error.message.contains("from https to http"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(asked, [format!("{REGISTRY}:443")]);
}

#[test]
fn a_realm_by_http_of_a_registry_by_https_is_refused() {
    for realm in [STRANGER, REGISTRY] {
        let answer = format!(
            "HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer realm=\"http://{realm}/token\",service=\"x\"\r\nContent-Length: 0\r\n\r\n"
        );
        let (error, asked) = Registry::that_says(&answer).tags();
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(error.message.contains("from https to http"), "{error}");
        assert_eq!(asked, [format!("{REGISTRY}:443")]);
    }
}
