//! Oddities of reading.

use super::server::{Server, answer, manifest, pull, refusal};
use greenroom::domain::model::{Digest, ErrorKind, Tag};
use greenroom::ports::Registry;
use std::sync::atomic::{AtomicUsize, Ordering};

fn tag() -> Tag {
    "1.0".parse().unwrap()
}

/// Content that is longer than any buffer.
fn content() -> Vec<u8> {
    (0..1_000_000_u32).map(|n| (n >> 4) as u8).collect()
}

#[test]
fn a_digest_that_is_not_said_is_found_by_the_content() {
    for said in ["", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:short"] {
        let server = Server::with(move |request, store| {
            let answer = store.answer(request).without("docker-content-digest");
            Some(answer.header("docker-content-digest", said))
        });
        let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
        let found = server
            .client()
            .resolve(&server.repository("app"), &tag())
            .unwrap();
        assert_eq!(found, Some(digest));
        assert_eq!(
            server.asked(),
            ["HEAD app/manifests/1.0", "GET app/manifests/1.0"]
        );
    }
}

#[test]
fn a_server_that_does_not_know_head_is_asked_with_get() {
    let server = Server::with(|request, _| (request.method == "HEAD").then(|| answer(405)));
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let found = server
        .client()
        .resolve(&server.repository("app"), &tag())
        .unwrap();
    assert_eq!(found, Some(digest));
}

#[test]
fn tags_are_looked_up_without_being_counted_as_pulls() {
    let server = Server::plain();
    server.store.add_manifest("app", &manifest("x"), "1.0");
    server
        .client()
        .resolve(&server.repository("app"), &tag())
        .unwrap()
        .unwrap();
    assert_eq!(server.count("GET", ""), 0);
    let accept = server.seen()[0].headers["accept"].clone();
    for kind in greenroom::domain::oci::media::MANIFESTS {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[test]
fn a_manifest_with_another_digest_is_refused() {
    let server = Server::with(|request, _| {
        request
            .is("GET", "/manifests/")
            .then(|| answer(200).body(manifest("another")))
    });
    let error = server
        .client()
        .manifest(&server.repository("app"), &Digest::of(b"x"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("do not use it"), "{error}");
}

#[test]
fn a_manifest_without_end_is_not_read() {
    let server = Server::with(|_, _| Some(answer(200).body(vec![b' '; 5 << 20])));
    let error = server
        .client()
        .manifest(&server.repository("app"), &Digest::of(b"x"))
        .unwrap_err();
    assert!(error.to_string().contains("larger than 4194304 bytes"), "{error}");
}

#[test]
fn a_manifest_that_was_cut_is_asked_for_again() {
    let cuts = AtomicUsize::new(0);
    let server = Server::with(move |request, store| {
        let first = cuts.fetch_add(1, Ordering::SeqCst) < 2;
        first.then(|| store.answer(request).cut_after(20))
    });
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let read = server
        .client()
        .manifest(&server.repository("app"), &digest)
        .unwrap();
    assert_eq!(read, manifest("x"));
}

#[test]
fn a_blob_that_was_cut_goes_on_where_it_was() {
    let cuts = AtomicUsize::new(0);
    let server = Server::with(move |request, store| {
        let cut = cuts.fetch_add(1, Ordering::SeqCst) < 3;
        cut.then(|| store.answer(request).cut_after(150_000))
    });
    let digest = server.store.add_blob("app", &content());
    assert!(pull(&server.client(), &server.repository("app"), &digest).unwrap() == content());
    let ranges: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| seen.headers.get("range").cloned())
        .collect();
    let range = |from: usize| Some(format!("bytes={from}-"));
    assert_eq!(ranges, [None, range(150_000), range(300_000), range(450_000)]);
}

#[test]
fn a_server_that_gives_no_parts_gives_the_whole_again() {
    let cuts = AtomicUsize::new(0);
    let server = Server::with(move |request, _| {
        let whole = answer(200).body(content());
        let cut = cuts.fetch_add(1, Ordering::SeqCst) < 2;
        request
            .is("GET", "/blobs/")
            .then(|| if cut { whole.cut_after(400_000) } else { whole })
    });
    let digest = Digest::of(&content());
    assert!(pull(&server.client(), &server.repository("app"), &digest).unwrap() == content());
}

#[test]
fn a_part_that_is_not_the_one_asked_for_is_not_taken() {
    for range in [
        "",
        "bytes 0-999999/1000000",
        "bytes 150000-999998/999999",
        "bytes 150000-200000/1000000",
    ] {
        let requests = AtomicUsize::new(0);
        let server = Server::with(
            move |request, store| match requests.fetch_add(1, Ordering::SeqCst) {
                0 => Some(store.answer(request).cut_after(150_000)),
                1 => Some(answer(206).header("content-range", range).body(vec![0; 850_000])),
                _ => None,
            },
        );
        let digest = server.store.add_blob("app", &content());
        assert!(
            pull(&server.client(), &server.repository("app"), &digest).unwrap() == content(),
            "{range}"
        );
        assert!(
            !server.seen()[2].headers.contains_key("range"),
            "from the beginning"
        );
    }
}

#[test]
fn a_blob_that_comes_back_changed_is_refused_as_a_whole() {
    let requests = AtomicUsize::new(0);
    let server = Server::with(
        move |request, store| match requests.fetch_add(1, Ordering::SeqCst) {
            0 => Some(store.answer(request).cut_after(150_000)),
            _ => Some(
                answer(206)
                    .header("content-range", "bytes 150000-999999/1000000")
                    .body(vec![0; 850_000]),
            ),
        },
    );
    let digest = server.store.add_blob("app", &content());
    let error = pull(&server.client(), &server.repository("app"), &digest).unwrap_err();
    assert!(error.contains("do not use it"), "{error}");
}

#[test]
fn the_last_byte_of_a_lie_is_never_given() {
    let server = Server::with(|_, _| Some(answer(200).body("another")));
    let client = server.client();
    let mut stream = client
        .blob(&server.repository("app"), &Digest::of(b"content"))
        .unwrap();
    let mut given = Vec::new();
    let error = std::io::copy(&mut stream, &mut given).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(given.len() < "another".len());
}

#[test]
fn a_connection_that_is_always_cut_is_given_up() {
    let server = Server::with(|request, store| Some(store.answer(request).cut_after(0)));
    let digest = server.store.add_blob("app", &content());
    let error = pull(&server.client(), &server.repository("app"), &digest).unwrap_err();
    assert!(error.contains("was cut"), "{error}");
    assert!(server.seen().len() < 40);
}

#[test]
fn redirects_have_an_end() {
    let server = Server::with(|request, _| Some(answer(307).header("location", request.target.clone())));
    let error = pull(&server.client(), &server.repository("app"), &Digest::of(b"")).unwrap_err();
    assert!(error.contains("redirects more than 5 times"), "{error}");
}

#[test]
fn a_redirect_to_the_clouds_metadata_is_not_followed() {
    let server = Server::with(|_, _| {
        Some(answer(307).header("location", "http://169.254.169.254/latest/?key=s3cret"))
    });
    let error = pull(&server.client(), &server.repository("app"), &Digest::of(b"")).unwrap_err();
    assert!(error.contains("metadata") && !error.contains("s3cret"), "{error}");
}

#[test]
fn what_is_not_there_is_missing_and_a_failing_server_is_not() {
    let server = Server::plain();
    let client = server.client();
    let absent = Digest::of(b"absent");
    let error = client.manifest(&server.repository("app"), &absent).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert_eq!(
        client
            .blob(&server.repository("app"), &absent)
            .err()
            .unwrap()
            .kind,
        ErrorKind::Missing
    );
    let failing = Server::with(|_, _| Some(refusal(503, "UNAVAILABLE", "maintenance")));
    let error = failing
        .client()
        .resolve(&failing.repository("app"), &tag())
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert_eq!(failing.seen().len(), 5);
}
