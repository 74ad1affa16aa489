//! Oddities of writing.

use super::server::{Server, answer, hang_up, manifest, push, push_from, refusal};
use greenroom::domain::model::{Digest, ErrorKind, Tag};
use greenroom::ports::Registry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn tags(count: usize) -> Vec<Tag> {
    (0..count).map(|n| format!("1.{n}").parse().unwrap()).collect()
}

/// A layer that is worth asking for first.
fn layer() -> Vec<u8> {
    vec![7; 10_000_000]
}

#[test]
fn a_mount_takes_one_request_and_opens_nothing() {
    let server = Server::plain();
    server.store.add_blob("base", &layer());
    let from = server.repository("base");
    push_from(&server.client(), &server.repository("app"), &layer(), Some(&from)).unwrap();
    assert_eq!(server.asked(), ["POST app/blobs"]);
}

#[test]
fn a_mount_that_begins_an_upload_uses_it() {
    let server = Server::plain();
    let from = server.repository("base");
    push_from(&server.client(), &server.repository("app"), &layer(), Some(&from)).unwrap();
    assert_eq!(
        server.asked(),
        ["POST app/blobs", "HEAD app/blobs/", "PUT app/blobs"]
    );
    assert_eq!(server.store.open_uploads(), 0);
}

#[test]
fn a_mount_that_is_refused_in_any_way_becomes_an_upload() {
    for status in [200, 400, 401, 403, 404, 405, 409, 500, 502] {
        let server = Server::with(move |request, _| {
            request
                .is("POST", "mount=")
                .then(|| refusal(status, "NOT_FOUND", "project base not found"))
        });
        let from = server.repository("base");
        let digest = push_from(&server.client(), &server.repository("app"), &layer(), Some(&from)).unwrap();
        assert_eq!(server.store.blob("app", &digest).unwrap(), layer(), "{status}");
        assert_eq!(server.count("POST", "mount="), 1, "{status} is not tried again");
    }
}

#[test]
fn a_mount_that_only_says_so_becomes_an_upload() {
    let server = Server::with(|request, _| request.is("POST", "mount=").then(|| answer(201)));
    let from = server.repository("base");
    let digest = push_from(&server.client(), &server.repository("app"), &layer(), Some(&from)).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), layer());
}

#[test]
fn nothing_is_mounted_from_another_registry() {
    let (server, other) = (Server::plain(), Server::plain());
    let from = other.repository("base");
    push_from(&server.client(), &server.repository("app"), &layer(), Some(&from)).unwrap();
    assert_eq!(
        server.asked(),
        ["HEAD app/blobs/", "POST app/blobs", "PUT app/blobs"]
    );
}

#[test]
fn an_upload_goes_on_exactly_where_it_is_sent() {
    for location in ["/up?s=a%2Fb", "?s=a%2Fb", "HOST/up?s=a%2Fb"] {
        let server = Server::with(move |request, store| {
            if request.is("POST", "/uploads/") {
                let location = location.replace("HOST", &format!("http://{}", request.header("host")));
                return Some(answer(202).header("location", location));
            }
            request.is("PUT", "").then(|| {
                assert!(
                    request.target.contains("?s=a%2Fb&digest=sha256:"),
                    "{}",
                    request.target
                );
                let digest = store.add_blob("app", request.body());
                answer(201).header("docker-content-digest", digest.as_str())
            })
        });
        push(&server.client(), &server.repository("app"), b"x").unwrap();
    }
}

#[test]
fn a_blob_goes_out_in_one_request_with_its_length() {
    let server = Server::plain();
    push(&server.client(), &server.repository("app"), &layer()).unwrap();
    let put = server
        .seen()
        .into_iter()
        .find(|seen| seen.method == "PUT")
        .unwrap();
    assert_eq!(put.headers["content-length"], "10000000");
    assert!(!put.headers.contains_key("transfer-encoding"));
    assert_eq!(server.count("PATCH", ""), 0);
}

#[test]
fn a_write_that_does_not_say_what_it_wrote_is_proven() {
    let server = Server::with(|request, store| {
        request
            .is("PUT", "")
            .then(|| store.answer(request).without("docker-content-digest"))
    });
    push(&server.client(), &server.repository("app"), b"x").unwrap();
    assert_eq!(server.asked().last().unwrap(), "HEAD app/blobs/");
}

#[test]
fn a_write_of_something_else_is_an_error() {
    let server = Server::with(|request, _| {
        request
            .is("PUT", "")
            .then(|| answer(201).header("docker-content-digest", Digest::of(b"other").as_str()))
    });
    let error = push(&server.client(), &server.repository("app"), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    let stored = server
        .client()
        .push_manifest(&server.repository("app"), &manifest("x"), &tags(1));
    assert_eq!(stored.unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn a_write_that_is_lost_is_done_again() {
    let lost = AtomicBool::new(false);
    let server = Server::with(move |request, _| {
        let first = request.is("PUT", "/uploads/") && !lost.swap(true, Ordering::SeqCst);
        first.then(|| answer(201))
    });
    let digest = push(&server.client(), &server.repository("app"), b"x").unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), b"x");
}

#[test]
fn a_write_without_an_answer_is_looked_for_before_it_is_done_again() {
    let server = Server::with(|request, store| {
        request.is("PUT", "/uploads/").then(|| {
            store.answer(request);
            hang_up()
        })
    });
    push(&server.client(), &server.repository("app"), &layer()).unwrap();
    assert_eq!(server.count("PUT", ""), 1);
}

#[test]
fn a_write_of_which_nothing_can_be_told_is_ambiguous() {
    let server = Server::with(|request, _| match request.method.as_str() {
        "PUT" => Some(hang_up()),
        "HEAD" => Some(refusal(403, "DENIED", "no")),
        _ => None,
    });
    let error = server
        .client()
        .push_manifest(&server.repository("app"), &manifest("x"), &tags(1))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
    let error = push(&server.client(), &server.repository("app"), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
}

#[test]
fn a_session_that_the_registry_has_lost_is_begun_anew() {
    let lost = AtomicBool::new(false);
    let server = Server::with(move |request, _| {
        let first = request.is("PUT", "/uploads/") && !lost.swap(true, Ordering::SeqCst);
        first.then(|| refusal(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown"))
    });
    let digest = push(&server.client(), &server.repository("app"), &layer()).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), layer());
    assert_eq!(server.count("POST", ""), 2);
}

#[test]
fn an_upload_that_fails_is_given_up() {
    let server = Server::with(|request, _| {
        request
            .is("PUT", "/uploads/")
            .then(|| refusal(403, "DENIED", "quota"))
    });
    let error = push(&server.client(), &server.repository("app"), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(server.store.open_uploads(), 0);
}

#[test]
fn an_upload_that_is_sent_to_the_clouds_metadata_is_refused() {
    let server = Server::with(|request, _| {
        request
            .is("POST", "/uploads/")
            .then(|| answer(202).header("location", "http://169.254.169.254/latest?token=s3cret"))
    });
    let error = push(&server.client(), &server.repository("app"), b"x").unwrap_err();
    assert!(
        error.to_string().contains("metadata") && !error.to_string().contains("s3cret"),
        "{error}"
    );
}

#[test]
fn an_upload_to_another_host_takes_no_authorization_along() {
    let storage = Server::with(|request, store| {
        let digest = store.add_blob("app", request.body());
        Some(answer(201).header("docker-content-digest", digest.as_str()))
    });
    let there = storage.url("/bucket?signature=1");
    let server = Server::with(move |request, _| {
        if request.header("authorization").is_empty() {
            return Some(answer(401).header("www-authenticate", "Basic realm=\"x\""));
        }
        request
            .is("POST", "/uploads/")
            .then(|| answer(202).header("location", there.as_str()))
    });
    push(&server.client_of_ci(), &server.repository("app"), b"x").unwrap();
    assert!(!storage.seen()[0].headers.contains_key("authorization"));
}

#[test]
fn a_registry_that_takes_no_large_body_gets_chunks() {
    for status in [405, 411, 413, 416] {
        let server = Server::with(move |request, _| {
            let large = request.is("PUT", "/uploads/") && request.header("content-length") != "0";
            large.then(|| answer(status))
        });
        let digest = push(&server.client(), &server.repository("app"), &layer()).unwrap();
        assert_eq!(server.store.blob("app", &digest).unwrap(), layer(), "{status}");
        let patches: Vec<_> = server
            .seen()
            .into_iter()
            .filter(|seen| seen.method == "PATCH")
            .collect();
        let ranges: Vec<_> = patches
            .iter()
            .map(|patch| patch.headers["content-range"].as_str())
            .collect();
        assert_eq!(ranges, ["0-4194303", "4194304-8388607", "8388608-9999999"]);
        assert_eq!(server.store.open_uploads(), 0, "the first session is given up");
    }
}

#[test]
fn a_registry_that_wants_large_chunks_gets_them() {
    let server = Server::with(|request, store| {
        if request.is("POST", "/uploads/") {
            return Some(store.answer(request).header("oci-chunk-min-length", "6000000"));
        }
        let large = request.is("PUT", "/uploads/") && request.header("content-length") != "0";
        large.then(|| answer(413))
    });
    push(&server.client(), &server.repository("app"), &layer()).unwrap();
    assert_eq!(server.count("PATCH", ""), 2);
}

#[test]
fn amazons_registry_is_caught_losing_chunks() {
    // It answers 201 to every chunk, and keeps the first only.
    let server = Server::with(|request, store| {
        if request.is("PUT", "/uploads/") && request.header("content-length") != "0" {
            return Some(answer(413));
        }
        request.is("PATCH", "").then(|| {
            let kept = store.answer(request);
            let location = request.target.clone();
            drop(kept);
            answer(201)
                .header("location", location)
                .header("range", "0-4194303")
        })
    });
    let error = push(&server.client(), &server.repository("app"), &layer()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("loses chunks"), "{error}");
    assert_eq!(server.count("PATCH", ""), 2);
}

#[test]
fn a_chunk_out_of_place_is_sent_again_from_where_the_registry_is() {
    let refused = AtomicBool::new(false);
    let server = Server::with(move |request, _| {
        if request.is("PUT", "/uploads/") && request.header("content-length") != "0" {
            return Some(answer(413));
        }
        let second = request.is("PATCH", "") && request.header("content-range").starts_with("4194304");
        (second && !refused.swap(true, Ordering::SeqCst)).then(|| answer(416))
    });
    let digest = push(&server.client(), &server.repository("app"), &layer()).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), layer());
    assert_eq!(server.count("GET", "/uploads/"), 1);
}

#[test]
fn a_manifest_without_its_parts_makes_no_sense_whatever_the_status() {
    for (status, code) in [
        (400, "MANIFEST_BLOB_UNKNOWN"),
        (404, "BLOB_UNKNOWN"),
        (404, "MANIFEST_UNKNOWN"),
    ] {
        let server =
            Server::with(move |request, _| request.is("PUT", "").then(|| refusal(status, code, "?")));
        let error = server
            .client()
            .push_manifest(&server.repository("app"), &manifest("x"), &[])
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    }
    let server = Server::with(|request, _| {
        request
            .is("PUT", "")
            .then(|| refusal(404, "NAME_UNKNOWN", "no such repository"))
    });
    let error = server
        .client()
        .push_manifest(&server.repository("app"), &manifest("x"), &[])
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "{error}");
}

#[test]
fn many_tags_are_one_request_each_over_few_connections() {
    let server = Server::plain();
    server.store.add_blob("app", b"{}");
    let digest = server
        .client()
        .push_manifest(&server.repository("app"), &manifest("x"), &tags(100))
        .unwrap();
    assert_eq!(server.seen().len(), 100);
    let put = &server.seen()[0];
    assert_eq!(
        put.headers["content-type"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    assert_eq!(put.headers["content-length"], manifest("x").len().to_string());
    assert_eq!(put.body, manifest("x"), "byte for byte");
    for tag in tags(100) {
        assert_eq!(
            server
                .client()
                .resolve(&server.repository("app"), &tag)
                .unwrap()
                .as_ref(),
            Some(&digest)
        );
    }
}

#[test]
fn content_that_is_not_what_it_says_is_not_stored() {
    let server = Server::plain();
    let digest = Digest::of(b"right");
    let opened = AtomicUsize::new(0);
    for content in [&b"wrong"[..], b"rig", b"right and more"] {
        let open = || {
            opened.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(std::io::Cursor::new(content.to_vec())) as Box<dyn std::io::Read + Send>)
        };
        let blob = greenroom::ports::Blob {
            digest: &digest,
            size: 5,
            from: None,
            open: &open,
        };
        let stored = server.client().push_blob(&server.repository("app"), &blob);
        // What begins with the content is the content: nobody asks for more than was announced.
        assert_eq!(stored.is_ok(), content.starts_with(b"right"), "{content:?}");
        if content.starts_with(b"right") {
            assert_eq!(server.store.blob("app", &digest).unwrap(), b"right");
        } else {
            assert_eq!(server.store.blob("app", &digest), None);
        }
    }
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}
