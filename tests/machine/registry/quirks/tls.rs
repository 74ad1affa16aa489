//! From a server that everyone can trust to one that anyone can be.

use super::common::{REGISTRY, STRANGER, app_abroad, settings_abroad};
use crate::support::openssl::TlsServer;
use greenroom::adapters::registry::oci::OciRegistry;
use greenroom::domain::model::{ErrorKind, PortError};
use greenroom::ports::Catalog;
use greenroom::testing::FakeClock;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the registry says to everybody who asks for the tags of `app`, over TLS.
struct Registry(TlsServer);

impl Registry {
    fn that_says(answer: &str) -> Self {
        let known = ("registry", REGISTRY);
        Self(TlsServer::start("v2/app/tags/list?n=1000", answer, known, &[]))
    }

    /// Lists the tags, and says how that ended and which servers were asked for.
    fn tags(&self) -> (PortError, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut settings = settings_abroad(proxy(self.0.address, asked.clone()));
        settings.http.ca_file = Some(self.0.certificate());
        let client = OciRegistry::new(settings, Arc::new(FakeClock::default())).unwrap();
        let error = client.tags(&app_abroad()).unwrap_err();
        let asked = asked.lock().unwrap().clone();
        (error, asked)
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
    assert!(error.to_string().contains("from https to http"), "{error}");
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
        assert!(error.to_string().contains("from https to http"), "{error}");
        assert_eq!(asked, [format!("{REGISTRY}:443")]);
    }
}
