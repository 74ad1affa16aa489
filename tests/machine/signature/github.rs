//! GitHub's attestations, from a server that answers as GitHub documents it.

use super::sigstore::{PACKAGE, digest, fixture};
use greenroom::host::http::{Client, Settings};
use greenroom::model::Secret;
use greenroom::ports::{Attestations, ErrorKind};
use greenroom::signature::github::GitHubAttestations;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

/// Answers one request; what was asked comes back from the thread.
fn answering(status: u16, body: String) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<String> = lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        let length = body.len();
        let mut stream = stream;
        // A client that has read enough may be gone.
        let _ = write!(
            stream,
            "HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        head
    });
    (api, served)
}

fn store(api: &str, token: Option<&str>) -> GitHubAttestations {
    let client = Client::new(&Settings::default()).unwrap();
    let token = token.map(|token| Secret::new(token.to_owned()));
    GitHubAttestations::new(client, api, "acme/app", token).unwrap()
}

#[test]
fn the_bundles_of_an_image_are_fetched_by_its_digest() {
    let bundle: Value = serde_json::from_slice(&fixture("workflow-attestation.json")).unwrap();
    let attestation = json!({ "bundle": bundle, "repository_id": 1, "bundle_url": "https://example" });
    // More than the 64 KiB that are kept of other answers.
    let body = json!({ "attestations": vec![attestation; 10] }).to_string();
    assert!(body.len() > 64 * 1024);
    let (api, served) = answering(200, body);
    let bundles = store(&api, Some("swordfish")).bundles(&digest(PACKAGE)).unwrap();
    assert_eq!(bundles.len(), 10);
    let fetched: Value = serde_json::from_slice(&bundles[0]).unwrap();
    assert_eq!(fetched, bundle);
    let head = served.join().unwrap();
    assert_eq!(
        head[0],
        format!("GET /repos/acme/app/attestations/{PACKAGE}?per_page=30 HTTP/1.1")
    );
    assert!(
        head.iter().any(|line| line == "authorization: Bearer swordfish"),
        "{head:?}"
    );
}

#[test]
fn an_answer_that_is_none_is_told() {
    let null = json!({ "attestations": [{ "bundle": null, "bundle_url": "https://example" }] }).to_string();
    for (status, body, kind, because) in [
        (
            200,
            "<html>".to_owned(),
            ErrorKind::Invalid,
            "no list of attestations",
        ),
        (200, null, ErrorKind::Unsupported, "push-to-registry"),
        (200, " ".repeat(5 << 20), ErrorKind::Invalid, "longer than"),
        (403, String::new(), ErrorKind::Denied, "attestations: read"),
        (502, String::new(), ErrorKind::Transient, "502"),
    ] {
        let (api, served) = answering(status, body);
        let error = store(&api, None).bundles(&digest(PACKAGE)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(because), "{error}");
        let head = served.join().unwrap();
        assert!(
            !head.iter().any(|line| line.starts_with("authorization")),
            "{head:?}"
        );
    }
    let (api, served) = answering(404, String::new());
    assert_eq!(
        store(&api, None).bundles(&digest(PACKAGE)).unwrap(),
        Vec::<Vec<u8>>::new()
    );
    served.join().unwrap();
}

#[test]
fn a_token_goes_over_no_open_line_and_to_no_odd_path() {
    let client = || Client::new(&Settings::default()).unwrap();
    let token = || Some(Secret::new("swordfish".to_owned()));
    for (api, repository) in [
        ("http://github.example", "acme/app"),
        ("https://github.example", "acme"),
        ("https://github.example", "../app"),
        ("https://github.example", "acme/app/../other"),
    ] {
        let error = GitHubAttestations::new(client(), api, repository, token())
            .err()
            .unwrap();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert!(!error.to_string().contains("swordfish"));
    }
}
