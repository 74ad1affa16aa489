//! What hangs off an image.

use super::common::{Times, app};
use crate::registry::server::{Answer, Request, Server, answer, hang_up, manifest, refusal};
use crate::registry::store::Store;
use greenroom::domain::model::{Digest, ErrorKind};
use greenroom::domain::oci::{Manifest, fallback_tag, media};
use greenroom::ports::{Catalog, Registry};
use serde_json::{Value, json};

const KIND: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn subject() -> Digest {
    Digest::of(&manifest("x"))
}

/// A signature of the manifest `x`.
fn signature(note: &str) -> Vec<u8> {
    let mut signature: Value = serde_json::from_slice(&manifest(note)).unwrap();
    let size = manifest("x").len();
    signature["artifactType"] = json!(KIND);
    signature["subject"] = json!({"mediaType": media::MANIFEST, "digest": subject(), "size": size});
    signature.to_string().into_bytes()
}

fn entry(digest: &Digest, kind: &str) -> Value {
    json!({"mediaType": media::MANIFEST, "digest": digest, "size": 9, "artifactType": kind})
}

fn index(entries: &[Value]) -> String {
    json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": entries}).to_string()
}

fn page(entries: &[Value]) -> Answer {
    answer(200)
        .header("content-type", media::INDEX)
        .body(index(entries))
}

/// As ghcr.io and Docker Hub are: no API, and no word about subjects.
fn old(request: &Request, store: &Store) -> Option<Answer> {
    if request.is("GET", "/referrers/") {
        return Some(answer(404).body("404 page not found"));
    }
    (request.method == "PUT").then(|| store.answer(request).without("oci-subject"))
}

fn attach(server: &Server, note: &str) {
    server.store.add_blob("app", b"{}");
    let stored = server.client().push_manifest(&app(server), &signature(note), &[]);
    assert_eq!(stored.unwrap(), Digest::of(&signature(note)));
}

fn attached(server: &Server) -> Vec<Digest> {
    let found = server.client().referrers(&app(server), &subject()).unwrap();
    found.into_iter().map(|found| found.digest).collect()
}

#[test]
fn ghcr_and_docker_hub_have_no_referrers_and_the_fallback_tag_is_kept_for_them() {
    let server = Server::with(old);
    attach(&server, "one");
    let tag = fallback_tag(&subject());
    assert_eq!(
        server.asked(),
        [
            "PUT app/manifests/".to_owned(),
            format!("GET app/manifests/{tag}"),
            format!("PUT app/manifests/{tag}"),
            format!("GET app/manifests/{tag}"),
        ]
    );
    attach(&server, "two");
    assert_eq!(attached(&server).len(), 2);
}

#[test]
fn a_registry_that_names_the_subject_gets_no_fallback_tag() {
    let server = Server::plain();
    attach(&server, "one");
    assert_eq!(server.asked(), ["PUT app/manifests/"]);
    assert_eq!(attached(&server), [Digest::of(&signature("one"))]);
    assert_eq!(server.count("GET", "/referrers/"), 1);
}

#[test]
fn any_answer_that_is_no_index_means_that_there_is_no_api() {
    for (status, kind) in [
        (200, "text/html"),
        (200, "application/json"),
        (400, "text/plain"),
        (404, "text/plain"),
        (405, "text/plain"),
        (406, "text/plain"),
        (501, "text/plain"),
    ] {
        let server = Server::with(move |request, _| {
            let api = request.is("GET", "/referrers/");
            api.then(|| answer(status).header("content-type", kind).body("<html>"))
        });
        let digest = server.store.add_manifest("app", &signature("s"), "s");
        let listed = index(&[entry(&digest, KIND)]);
        let tag = fallback_tag(&subject());
        server.store.add_manifest("app", listed.as_bytes(), tag.as_str());
        assert_eq!(attached(&server), [digest], "{status} {kind}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[test]
fn referrers_that_may_not_be_read_are_an_error_and_not_none() {
    for (status, kind) in [
        (401, ErrorKind::Denied),
        (403, ErrorKind::Denied),
        (500, ErrorKind::Transient),
    ] {
        let server = Server::with(move |request, _| {
            let api = request.is("GET", "/referrers/");
            api.then(|| refusal(status, "DENIED", "no"))
        });
        let error = server.client().referrers(&app(&server), &subject()).unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert_eq!(server.count("GET", "/manifests/"), 0);
    }
}

#[test]
fn a_page_of_referrers_that_is_gone_is_an_error_and_not_the_end() {
    let server = Server::with(|request, _| {
        let next = format!("</v2/app/referrers/{}?page=2>; rel=\"next\"", subject());
        Some(match request.parameter("page") {
            None => page(&[entry(&Digest::of(b"one"), KIND)]).header("link", next),
            Some(_) => refusal(404, "NAME_UNKNOWN", "gone"),
        })
    });
    let error = server.client().referrers(&app(&server), &subject()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
    assert_eq!(server.count("GET", "/manifests/"), 0);
}

#[test]
fn pages_of_referrers_are_followed() {
    let server = Server::with(|request, _| {
        let next = format!("</v2/app/referrers/{}?page=2>; rel=\"next\"", subject());
        Some(match request.parameter("page") {
            None => page(&[entry(&Digest::of(b"one"), KIND)]).header("link", next),
            Some(_) => page(&[entry(&Digest::of(b"two"), KIND), entry(&Digest::of(b"one"), KIND)]),
        })
    });
    assert_eq!(attached(&server).len(), 2);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_wrong_artifact_type_in_the_list_is_corrected_by_the_manifest() {
    let server = Server::with(old);
    let digest = server.store.add_manifest("app", &signature("s"), "s");
    let stranger = server
        .store
        .add_manifest("app", &manifest("stranger"), "stranger");
    let gone = Digest::of(b"gone");
    let listed = index(&[&digest, &stranger, &gone].map(|digest| entry(digest, media::EMPTY)));
    let tag = fallback_tag(&subject());
    server.store.add_manifest("app", listed.as_bytes(), tag.as_str());
    let found = server.client().referrers(&app(&server), &subject()).unwrap();
    assert_eq!(found.len(), 1, "one is gone, and one is about something else");
    assert_eq!(found[0].artifact_type.as_deref(), Some(KIND));
    assert_eq!(server.count("GET", "/manifests/sha256:"), 3);
}

#[test]
fn a_list_with_an_entry_that_makes_no_sense_is_an_error() {
    let server = Server::with(|request, _| {
        let api = request.is("GET", "/referrers/");
        api.then(|| page(&[json!({"digest": "sha256:short"})]))
    });
    let error = server.client().referrers(&app(&server), &subject()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
}

#[test]
fn an_update_of_the_fallback_tag_that_another_writer_undid_is_made_again() {
    let times = Times::default();
    let tag = fallback_tag(&subject());
    let server = Server::with(move |request, store| {
        let write = request.is("PUT", tag.as_str());
        (write && times.next() == 1)
            .then(|| {
                let stored = store.answer(request);
                let other = store.add_manifest("app", &signature("other"), "other");
                let other = index(&[entry(&other, KIND)]);
                store.add_manifest("app", other.as_bytes(), tag.as_str());
                stored
            })
            .or_else(|| old(request, store))
    });
    attach(&server, "one");
    let tag = fallback_tag(&subject());
    assert_eq!(server.count("PUT", tag.as_str()), 2);
    let bytes = server
        .seen()
        .into_iter()
        .rfind(|seen| seen.method == "PUT")
        .unwrap()
        .body;
    assert_eq!(
        Manifest::parse(&bytes).unwrap().children().len(),
        2,
        "nothing is lost"
    );
}

#[test]
fn a_deleted_signature_in_the_list_does_not_keep_the_next_one_out() {
    let server = Server::with(old);
    let kept = server.store.add_manifest("app", &signature("kept"), "kept");
    let listed = index(&[entry(&Digest::of(b"deleted"), KIND), entry(&kept, KIND)]);
    let tag = fallback_tag(&subject());
    server.store.add_manifest("app", listed.as_bytes(), tag.as_str());
    attach(&server, "new");
    let mut found = attached(&server);
    let mut expected = [kept, Digest::of(&signature("new"))];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        server.count("PUT", tag.as_str()),
        2,
        "refused, and without what is gone"
    );
}

#[test]
fn writers_that_never_stop_undoing_each_other_are_a_conflict() {
    let tag = fallback_tag(&subject());
    let server = Server::with(move |request, store| {
        let write = request.is("PUT", tag.as_str());
        write
            .then(|| answer(201).header("docker-content-digest", Digest::of(request.body()).as_str()))
            .or_else(|| old(request, store))
    });
    server.store.add_blob("app", b"{}");
    let stored = server.client().push_manifest(&app(&server), &signature("s"), &[]);
    assert_eq!(stored.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(server.count("PUT", fallback_tag(&subject()).as_str()), 8);
}

#[test]
fn a_signature_may_come_before_its_image() {
    let server = Server::plain();
    attach(&server, "one");
    assert_eq!(attached(&server).len(), 1);
    assert!(
        !server
            .client()
            .has(&app(&server), greenroom::ports::Content::Manifest, &subject())
            .unwrap()
    );
}

#[test]
fn a_signature_whose_answer_was_lost_is_listed_all_the_same() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        (request.method == "PUT" && times.next() == 1)
            .then(|| {
                store.answer(request);
                hang_up()
            })
            .or_else(|| old(request, store))
    });
    attach(&server, "one");
    assert_eq!(attached(&server), [Digest::of(&signature("one"))]);
    assert_eq!(server.count("PUT", "/manifests/sha256:"), 1);
}
