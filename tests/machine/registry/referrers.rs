//! Oddities of what hangs off an image.

use super::server::{Request, Server, answer, manifest};
use greenroom::domain::model::Digest;
use greenroom::domain::oci::{Manifest, fallback_tag, media};
use greenroom::ports::{Catalog, Registry};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// A signature of the manifest `x`.
fn signature(note: &str) -> Vec<u8> {
    let mut signature: Value = serde_json::from_slice(&manifest(note)).unwrap();
    signature["artifactType"] = json!("application/x.signature");
    signature["subject"] = json!({"mediaType": media::MANIFEST, "digest": Digest::of(&manifest("x")), "size": manifest("x").len()});
    signature.to_string().into_bytes()
}

fn subject() -> Digest {
    Digest::of(&manifest("x"))
}

/// As ghcr.io and Docker Hub are: no API, and no word about subjects.
fn old(request: &Request, store: &super::store::Store) -> Option<super::server::Answer> {
    if request.is("GET", "/referrers/") {
        return Some(
            answer(404)
                .header("content-type", "text/plain")
                .body("404 page not found"),
        );
    }
    (request.method == "PUT").then(|| store.answer(request).without("oci-subject"))
}

#[test]
fn a_registry_with_the_api_needs_no_index() {
    let server = Server::plain();
    let client = server.client();
    server.store.add_blob("app", b"{}");
    client
        .push_manifest(&server.repository("app"), &signature("s"), &[])
        .unwrap();
    assert_eq!(server.count("PUT", ""), 1);
    let found = client.referrers(&server.repository("app"), &subject()).unwrap();
    assert_eq!(found[0].digest, Digest::of(&signature("s")));
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/x.signature"));
}

#[test]
fn a_registry_without_the_api_gets_an_index_under_the_tag() {
    let server = Server::with(old);
    let client = server.client();
    let repository = server.repository("app");
    server.store.add_blob("app", b"{}");
    for note in ["one", "two", "one"] {
        client.push_manifest(&repository, &signature(note), &[]).unwrap();
    }
    assert_eq!(client.referrers(&repository, &subject()).unwrap().len(), 2);
    let index = client
        .resolve(&repository, &fallback_tag(&subject()))
        .unwrap()
        .unwrap();
    let index = Manifest::parse(&client.manifest(&repository, &index).unwrap()).unwrap();
    assert_eq!(index.children().len(), 2);
}

#[test]
fn another_answer_than_an_index_means_that_there_is_no_api() {
    for (status, kind, body) in [
        (200, "text/html", "<html>"),
        (400, "text/plain", ""),
        (406, "text/plain", ""),
    ] {
        let server = Server::with(move |request, _| {
            request
                .is("GET", "/referrers/")
                .then(|| answer(status).header("content-type", kind).body(body))
        });
        assert_eq!(
            server
                .client()
                .referrers(&server.repository("app"), &subject())
                .unwrap(),
            []
        );
        assert_eq!(server.count("GET", fallback_tag(&subject()).as_str()), 1);
    }
}

#[test]
fn an_artifact_type_that_is_known_to_be_wrong_is_read_from_the_manifest() {
    let server = Server::with(old);
    let digest = server.store.add_manifest("app", &signature("s"), "sig");
    let entry = |digest: &Digest| json!({"mediaType": media::MANIFEST, "digest": digest, "size": signature("s").len(), "artifactType": media::EMPTY});
    // The second is gone, the third is about something else.
    let unrelated = server
        .store
        .add_manifest("app", &manifest("unrelated"), "unrelated");
    let entries = [entry(&digest), entry(&Digest::of(b"gone")), entry(&unrelated)];
    let index = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": entries}).to_string();
    server
        .store
        .add_manifest("app", index.as_bytes(), fallback_tag(&subject()).as_str());
    let found = server
        .client()
        .referrers(&server.repository("app"), &subject())
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/x.signature"));
}

#[test]
fn an_entry_that_another_writer_took_out_is_written_again() {
    let lost = AtomicBool::new(false);
    let server = Server::with(move |request, store| {
        let tag = fallback_tag(&subject());
        if request.is("PUT", tag.as_str()) && !lost.swap(true, Ordering::SeqCst) {
            // Another writer comes right after ours, with what it had read before.
            let answer = store.answer(request);
            let other = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": []}).to_string();
            store.add_manifest("app", other.as_bytes(), tag.as_str());
            return Some(answer);
        }
        old(request, store)
    });
    server.store.add_blob("app", b"{}");
    let client = server.client();
    client
        .push_manifest(&server.repository("app"), &signature("s"), &[])
        .unwrap();
    assert_eq!(
        client
            .referrers(&server.repository("app"), &subject())
            .unwrap()
            .len(),
        1
    );
    assert_eq!(server.count("PUT", fallback_tag(&subject()).as_str()), 2);
}

#[test]
fn threads_that_attach_at_the_same_time_lose_nothing() {
    let server = Server::with(old);
    server.store.add_blob("app", b"{}");
    let client = server.client();
    let repository = server.repository("app");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (client, repository) = (&client, &repository);
            scope.spawn(move || {
                client
                    .push_manifest(repository, &signature(&format!("{n}")), &[])
                    .unwrap()
            });
        }
    });
    assert_eq!(client.referrers(&repository, &subject()).unwrap().len(), 8);
}
