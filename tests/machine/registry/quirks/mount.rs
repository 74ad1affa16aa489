//! Taking a blob from a neighbouring repository.

use super::common::{app, first, guarded};
use crate::registry::server::{Server, answer, hang_up, push, push_from, refusal};
use greenroom::domain::model::Digest;

/// Large enough to be asked for first.
fn layer() -> Vec<u8> {
    vec![7; 5_000]
}

/// Pushes the layer, which `base` is said to hold, and makes sure that it arrived.
fn push_layer(server: &Server) {
    let from = server.repository("base");
    let digest = push_from(&server.client(), &app(server), &layer(), Some(&from)).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), layer());
    assert_eq!(server.store.open_uploads(), 0);
}

const UPLOADED: [&str; 4] = [
    "POST app/blobs",
    "HEAD app/blobs/",
    "POST app/blobs",
    "PUT app/blobs",
];

#[test]
fn a_mount_is_one_request() {
    let server = Server::plain();
    server.store.add_blob("base", &layer());
    push_layer(&server);
    assert_eq!(server.asked(), ["POST app/blobs"]);
    let target = &server.seen()[0].target;
    assert!(
        target.contains("mount=sha256:") && target.ends_with("&from=base"),
        "{target}"
    );
}

#[test]
fn harbor_answers_404_on_mount_and_the_blob_is_uploaded() {
    let server = first(1, || refusal(404, "NOT_FOUND", "project base not found"));
    push_layer(&server);
    assert_eq!(server.asked(), UPLOADED);
}

#[test]
fn a_mount_refused_in_any_other_way_is_asked_once_and_the_blob_is_uploaded() {
    for status in [200, 204, 400, 401, 403, 405, 409, 429, 500, 503] {
        let server = first(1, move || refusal(status, "DENIED", "no"));
        push_layer(&server);
        assert_eq!(server.asked(), UPLOADED, "{status}");
        assert_eq!(
            server.waited(),
            std::time::Duration::ZERO,
            "{status} costs no wait"
        );
    }
}

#[test]
fn a_mount_whose_connection_breaks_becomes_an_upload() {
    let server = first(1, hang_up);
    push_layer(&server);
    assert_eq!(server.asked(), UPLOADED);
}

#[test]
fn a_mount_answered_202_uses_the_session_that_has_begun() {
    let server = Server::plain();
    push_layer(&server);
    assert_eq!(
        server.asked(),
        ["POST app/blobs", "HEAD app/blobs/", "PUT app/blobs"]
    );
}

#[test]
fn a_mount_answered_202_for_a_blob_that_is_there_cancels_the_session() {
    let server = Server::plain();
    server.store.add_blob("app", &layer());
    push_layer(&server);
    assert_eq!(
        server.asked(),
        ["POST app/blobs", "HEAD app/blobs/", "DELETE app/blobs"]
    );
}

#[test]
fn a_mount_that_speaks_of_another_digest_is_not_believed() {
    let other = Digest::of(b"other");
    let server = first(1, move || {
        answer(201).header("docker-content-digest", other.as_str())
    });
    push_layer(&server);
    assert_eq!(server.asked(), UPLOADED);
}

#[test]
fn a_mount_that_only_says_201_is_looked_for() {
    let server = first(1, || answer(201));
    push_layer(&server);
    let looks = server.count("HEAD", "/blobs/");
    assert_eq!(
        (looks, server.count("PUT", "")),
        (2, 1),
        "once as proof, once before it is sent"
    );
}

#[test]
fn docker_hub_wants_the_right_to_read_the_source() {
    let server = Server::with(|request, _| guarded(request));
    server.store.add_blob("base", &layer());
    push_layer(&server);
    assert_eq!(server.asked(), ["POST app/blobs", "GET /token", "POST app/blobs"]);
    let asked = &server.seen()[1].target;
    for scope in ["scope=repository:app:pull,push", "scope=repository:base:pull"] {
        assert!(asked.contains(scope), "{asked}");
    }
}

#[test]
fn quay_is_never_asked_to_mount_without_a_source() {
    let (server, other) = (Server::plain(), Server::plain());
    let elsewhere = other.repository("base");
    for (content, from) in [
        (&b"no source"[..], None),
        (b"itself", Some(app(&server))),
        (b"another registry", Some(elsewhere)),
        (b"the own store", Some("base".to_owned())),
    ] {
        push_from(&server.client(), &app(&server), content, from.as_deref()).unwrap();
    }
    assert_eq!(server.count("POST", "mount="), 0);
    assert_eq!(other.seen().len(), 0);
}

#[test]
fn a_small_blob_is_sent_without_being_asked_for() {
    let server = Server::plain();
    push(&server.client(), &app(&server), b"{}").unwrap();
    assert_eq!(server.asked(), ["POST app/blobs", "PUT app/blobs"]);
}
