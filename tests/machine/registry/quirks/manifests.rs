//! Writing manifests.

use super::common::{Times, app, headers, tag};
use crate::registry::server::{Server, answer, hang_up, manifest, refusal};
use greenroom::domain::model::{Digest, ErrorKind, PortError, Tag};
use greenroom::domain::oci::media;
use greenroom::ports::Registry;
use serde_json::json;

const PUT: &str = "PUT app/manifests/1.0";
const HEAD: &str = "HEAD app/manifests/1.0";

/// Pushes the manifest `x` as `1.0`.
fn push(server: &Server) -> Result<Digest, PortError> {
    push_bytes(server, &manifest("x"), &[tag("1.0")])
}

fn push_bytes(server: &Server, bytes: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
    server.store.add_blob("app", b"{}");
    server.client().push_manifest(&app(server), bytes, tags)
}

#[test]
fn a_manifest_goes_out_byte_for_byte_with_its_length() {
    let server = Server::plain();
    assert_eq!(push(&server).unwrap(), Digest::of(&manifest("x")));
    assert_eq!(server.asked(), [PUT]);
    assert_eq!(server.seen()[0].body, manifest("x"));
    assert_eq!(
        headers(&server, "PUT", "", "content-length"),
        [manifest("x").len().to_string()]
    );
}

#[test]
fn the_content_type_is_the_media_type_that_is_written_in_it() {
    for kind in media::MANIFESTS {
        let content = if media::is_index(kind) {
            json!({"schemaVersion": 2, "mediaType": kind, "manifests": []})
        } else {
            let config = json!({"mediaType": media::EMPTY, "digest": Digest::of(b"{}"), "size": 2});
            json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
        };
        let server = Server::plain();
        push_bytes(&server, content.to_string().as_bytes(), &[]).unwrap();
        assert_eq!(headers(&server, "PUT", "", "content-type"), [kind]);
    }
}

#[test]
fn a_manifest_put_without_digest_header_is_looked_up() {
    let server = Server::with(|request, store| {
        (request.method == "PUT").then(|| store.answer(request).without("docker-content-digest"))
    });
    push(&server).unwrap();
    assert_eq!(server.asked(), [PUT, HEAD]);
}

#[test]
fn a_manifest_put_that_is_answered_200_or_202_is_looked_up() {
    for status in [200, 202] {
        let server = Server::with(move |request, store| {
            (request.method == "PUT").then(|| {
                store.answer(request);
                answer(status)
            })
        });
        push(&server).unwrap();
        assert_eq!(server.asked(), [PUT, HEAD], "{status}");
    }
}

#[test]
fn a_manifest_that_the_registry_changed_is_an_error_and_not_sent_again() {
    let other = Digest::of(b"other");
    let server = Server::with(move |request, _| {
        let changed = || answer(201).header("docker-content-digest", other.as_str());
        (request.method == "PUT").then(changed)
    });
    let error = push(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("it changes manifests"), "{error}");
    assert_eq!(server.asked(), [PUT]);
}

#[test]
fn a_tag_that_still_names_the_old_image_after_201_is_written_again() {
    let times = Times::default();
    let server =
        Server::with(move |request, _| (request.method == "PUT" && times.next() == 1).then(|| answer(201)));
    server.store.add_manifest("app", &manifest("old"), "1.0");
    push(&server).unwrap();
    assert_eq!(server.asked(), [PUT, HEAD, PUT]);
}

#[test]
fn a_manifest_put_that_comes_too_soon_is_tried_again() {
    let times = Times::default();
    let server = Server::with(move |request, _| {
        let soon = refusal(
            429,
            "TOOMANYREQUESTS",
            "retry-after: 880µs, allowed: 44000/minute",
        );
        (request.method == "PUT" && times.next() <= 3).then_some(soon)
    });
    push(&server).unwrap();
    assert_eq!(server.asked(), [PUT; 4]);
}

#[test]
fn a_manifest_put_answered_502_that_was_stored_is_not_sent_again() {
    for broken in [500, 502, 504] {
        let server = Server::with(move |request, store| {
            (request.method == "PUT").then(|| {
                store.answer(request);
                answer(broken)
            })
        });
        push(&server).unwrap();
        assert_eq!(server.asked(), [PUT, HEAD], "{broken}");
    }
}

#[test]
fn a_manifest_put_without_an_answer_is_looked_up_before_it_is_sent_again() {
    for stored in [true, false] {
        let times = Times::default();
        let server = Server::with(move |request, store| {
            (request.method == "PUT" && times.next() == 1).then(|| {
                if stored {
                    store.answer(request);
                }
                hang_up()
            })
        });
        push(&server).unwrap();
        let expected: &[&str] = if stored { &[PUT, HEAD] } else { &[PUT, HEAD, PUT] };
        assert_eq!(server.asked(), expected);
    }
}

#[test]
fn a_write_whose_end_nobody_knows_is_ambiguous() {
    let server = Server::with(|request, _| match request.method.as_str() {
        "PUT" => Some(hang_up()),
        _ => Some(refusal(403, "DENIED", "no reading here")),
    });
    let error = push(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    assert!(error.to_string().contains("cannot be told"), "{error}");
    assert_eq!(server.asked()[..2], [PUT, HEAD]);
}

#[test]
fn an_index_with_missing_children_is_invalid_and_says_what_to_do() {
    let child = json!({"mediaType": media::MANIFEST, "digest": Digest::of(b"absent"), "size": 6});
    let index = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": [child]});
    let server = Server::plain();
    let error = push_bytes(&server, index.to_string().as_bytes(), &[tag("1.0")]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(
        error
            .why
            .to_string()
            .contains("store everything that the manifest names first"),
        "{error}"
    );
    assert_eq!(server.asked(), [PUT]);
}

#[test]
fn registries_say_that_a_part_is_missing_with_other_statuses_too() {
    for (status, code) in [
        (404, "BLOB_UNKNOWN"),
        (404, "MANIFEST_UNKNOWN"),
        (422, "MANIFEST_BLOB_UNKNOWN"),
    ] {
        let server =
            Server::with(move |request, _| (request.method == "PUT").then(|| refusal(status, code, "?")));
        assert_eq!(
            push(&server).unwrap_err().kind,
            ErrorKind::Invalid,
            "{status} {code}"
        );
        assert_eq!(server.asked(), [PUT]);
    }
}

#[test]
fn every_tag_is_one_request() {
    let server = Server::plain();
    let tags: Vec<Tag> = (0..40).map(|n| tag(&format!("1.{n}"))).collect();
    push_bytes(&server, &manifest("x"), &tags).unwrap();
    assert_eq!(server.seen().len(), 40);
    for tag in &tags {
        let put = format!("PUT app/manifests/{tag}");
        assert_eq!(server.asked().iter().filter(|asked| **asked == put).count(), 1);
    }
}
