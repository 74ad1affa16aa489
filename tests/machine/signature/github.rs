//! GitHub's attestations, from a server that answers as GitHub documents it.

use super::sigstore::{PACKAGE, digest, fixture};
use crate::support::server::Server;
use greenroom::adapters::signature::github::GitHubAttestations;
use greenroom::domain::model::{ErrorKind, Secret};
use greenroom::host::http::{Client, HttpSettings};
use greenroom::ports::Attestations;
use serde_json::{Value, json};

fn store(api: &str, token: Option<&str>) -> GitHubAttestations {
    let client = Client::new(&HttpSettings::default()).unwrap();
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
    let github = Server::of(move |_, _| (200, body.clone()));
    let bundles = store(&github.url(), Some("swordfish"))
        .bundles(&digest(PACKAGE))
        .unwrap();
    assert_eq!(bundles.len(), 10);
    let fetched: Value = serde_json::from_slice(&bundles[0]).unwrap();
    assert_eq!(fetched, bundle);
    let requests = github.requests();
    let head: Vec<&str> = requests[0].lines().collect();
    assert_eq!(
        head[0],
        format!("GET /repos/acme/app/attestations/{PACKAGE}?per_page=30 HTTP/1.1")
    );
    assert!(head.contains(&"authorization: Bearer swordfish"), "{head:?}");
    assert_eq!(requests.len(), 1);
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
        let github = Server::of(move |_, _| (status, body.clone()));
        let error = store(&github.url(), None).bundles(&digest(PACKAGE)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(because), "{error}");
        let requests = github.requests();
        assert_eq!(requests.len(), 1);
        assert!(!requests[0].contains("authorization"), "{requests:?}");
    }
    let github = Server::of(|_, _| (404, ""));
    assert_eq!(
        store(&github.url(), None).bundles(&digest(PACKAGE)).unwrap(),
        Vec::<Vec<u8>>::new()
    );
    assert_eq!(github.requests().len(), 1);
}

#[test]
fn a_token_goes_over_no_open_line_and_to_no_odd_path() {
    let client = || Client::new(&HttpSettings::default()).unwrap();
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
