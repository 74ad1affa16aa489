//! Against docker's registry, and beside skopeo.

use super::server::{manifest, pull, push};
use crate::support::daemon::{Daemon, PASSWORD, run};
use greenroom::domain::model::{ErrorKind, Tag};
use greenroom::ports::{Catalog, Registry};
use greenroom::testing::registry::registry_contract;
use serde_json::Value;

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

#[test]
fn the_contract_holds_with_an_open_registry() {
    let daemon = Daemon::open();
    registry_contract(&daemon.client(false), &daemon.repository("acme/app")).unwrap();
}

#[test]
fn the_contract_holds_with_passwords() {
    let daemon = Daemon::with_htpasswd();
    let repository = daemon.repository("acme/app");
    let error = daemon.client(false).tags(&repository).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("no credentials were found"), "{error}");
    registry_contract(&daemon.client(true), &repository).unwrap();
}

#[test]
fn the_contract_holds_with_tokens() {
    let daemon = Daemon::with_tokens(300);
    let repository = daemon.repository("acme/app");
    let anonymous = daemon.client(false);
    assert_eq!(anonymous.tags(&repository).unwrap(), []);
    let error = push(&anonymous, &repository, b"{}").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    let ci = daemon.client(true);
    registry_contract(&ci, &repository).unwrap();
    assert_eq!(anonymous.tags(&repository).unwrap().first(), Some(&tag("latest")));
}

#[test]
fn skopeo_reads_what_was_written_and_the_other_way_round() {
    let daemon = Daemon::with_tokens(300);
    let client = daemon.client(true);
    let repository = daemon.repository("acme/app");
    push(&client, &repository, b"{}").unwrap();
    let bytes = manifest("for skopeo");
    let digest = client.push_manifest(&repository, &bytes, &[tag("1.0")]).unwrap();

    let copy = daemon.directory().join("copy");
    let (from, to) = (
        format!("docker://{repository}:1.0"),
        format!("dir:{}", copy.display()),
    );
    run(
        "skopeo",
        &["copy", "--src-tls-verify=false", "--preserve-digests", &from, &to],
    );
    assert_eq!(std::fs::read(copy.join("manifest.json")).unwrap(), bytes);

    let credentials = format!("--dest-creds=ci:{PASSWORD}");
    let back = format!("docker://{}:2.0", daemon.repository("acme/back"));
    run(
        "skopeo",
        &[
            "copy",
            "--dest-tls-verify=false",
            "--preserve-digests",
            &credentials,
            &to,
            &back,
        ],
    );
    let other = daemon.repository("acme/back");
    assert_eq!(client.resolve(&other, &tag("2.0")).unwrap(), Some(digest.clone()));
    assert_eq!(client.manifest(&other, &digest).unwrap(), bytes);
    let inspected = run("skopeo", &["inspect", "--tls-verify=false", "--raw", &back]);
    assert_eq!(
        serde_json::from_slice::<Value>(&inspected).unwrap()["annotations"]["note"],
        "for skopeo"
    );
}

#[test]
fn a_blob_larger_than_any_buffer_goes_out_and_comes_back() {
    let daemon = Daemon::open();
    let client = daemon.client(false);
    let content: Vec<u8> = (0..20_000_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let repository = daemon.repository("acme/large");
    let digest = push(&client, &repository, &content).unwrap();
    assert!(pull(&client, &repository, &digest).unwrap() == content);
}
