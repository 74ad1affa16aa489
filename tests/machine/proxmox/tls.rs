//! Whom the client trusts: a server of `openssl s_server`, whose certificate nobody has signed.

use crate::proxmox::wire::transport_with;
use crate::support::openssl::TlsServer;
use greenroom::adapters::proxmox::{Api, FaultClass, NoAnswerKind, Transport, answers, calls};
use greenroom::host::http::{Fingerprint, HttpSettings};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// A server that tells its version, over TLS.
pub(crate) struct Server {
    tls: TlsServer,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(tls: &str) -> Self {
        let body = r#"{"data":{"version":"9.1.4","release":"9.1"}}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let tls = TlsServer::start("api2/json/version", &answer, ("pve1", "127.0.0.1"), &[tls]);
        Self {
            url: format!("https://{}", tls.address),
            tls,
        }
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.tls.certificate()
    }

    /// As openssl says it: with colons and in capitals.
    pub(crate) fn fingerprint(&self) -> String {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(self.certificate())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().split_once('=').unwrap().1.to_owned()
    }

    fn version(&self, http: HttpSettings) -> Result<answers::Version, FaultClass> {
        let api = Api::new(Arc::new(transport_with(&[&self.url], http)));
        let version = api.ask("asking for the version", &calls::cluster::version());
        version.map_err(|fault| fault.class)
    }
}

fn pinned(fingerprint: &str) -> HttpSettings {
    HttpSettings {
        pin: Some(fingerprint.parse::<Fingerprint>().unwrap()),
        ..HttpSettings::default()
    }
}

#[test]
fn nobody_is_trusted_without_a_reason() {
    let server = Server::start("-no_ssl3");
    assert_eq!(
        server.version(HttpSettings::default()),
        Err(FaultClass::Untrusted)
    );
    let insecure = HttpSettings {
        insecure: true,
        ..HttpSettings::default()
    };
    assert_eq!(server.version(insecure).unwrap().release, "9.1");
    let known = HttpSettings {
        ca_file: Some(server.certificate()),
        ..HttpSettings::default()
    };
    assert_eq!(server.version(known).unwrap().release, "9.1");
}

#[test]
fn a_pinned_certificate_is_trusted_and_no_other() {
    for tls in ["-tls1_2", "-tls1_3"] {
        let server = Server::start(tls);
        let fingerprint = server.fingerprint();
        let plain = fingerprint.replace(':', "").to_lowercase();
        for form in [&fingerprint, &plain] {
            assert_eq!(server.version(pinned(form)).unwrap().version, "9.1.4", "{tls}");
        }
        let other = "0A".repeat(32);
        assert_eq!(server.version(pinned(&other)), Err(FaultClass::Untrusted));
        // A pin is not loosened by anything beside it.
        let both = HttpSettings {
            insecure: true,
            ca_file: Some(server.certificate()),
            ..pinned(&other)
        };
        assert_eq!(server.version(both), Err(FaultClass::Untrusted));
        let none = transport_with(&[&server.url], pinned(&other))
            .send(&calls::cluster::version())
            .unwrap_err();
        assert_eq!(none.kind, NoAnswerKind::Untrusted);
        assert!(
            none.to_string().contains(&fingerprint),
            "says what it saw: {none}"
        );
    }
}

#[test]
fn a_host_that_cannot_be_trusted_is_not_passed_over() {
    let (stranger, known) = (Server::start("-no_ssl3"), Server::start("-no_ssl3"));
    let settings = pinned(&known.fingerprint());
    let transport = transport_with(&[&stranger.url, &known.url], settings);
    let none = transport.send(&calls::cluster::version()).unwrap_err();
    assert_eq!(none.kind, NoAnswerKind::Untrusted, "{none}");
}

#[test]
fn a_known_certificate_is_good_for_its_own_name_only_and_a_pinned_one_for_any() {
    let server = Server::start("-no_ssl3");
    let elsewhere = server.url.replace("127.0.0.1", "localhost");
    let known = HttpSettings {
        ca_file: Some(server.certificate()),
        ..HttpSettings::default()
    };
    let version = calls::cluster::version();
    let none = transport_with(&[&elsewhere], known).send(&version).unwrap_err();
    assert_eq!(none.kind, NoAnswerKind::Untrusted, "{none}");
    let pinned = pinned(&server.fingerprint());
    let answer = transport_with(&[&elsewhere], pinned).send(&version).unwrap();
    assert_eq!(answer.status, 200);
}
