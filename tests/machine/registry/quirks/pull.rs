//! Reading.

use super::common::{STRANGER, Times, abroad, app, app_abroad, headers, impatient, resolve, tag};
use crate::registry::server::{Server, answer, hang_up, manifest, pull, push, refusal};
use greenroom::domain::model::{Digest, ErrorKind};
use greenroom::domain::oci::media;
use greenroom::ports::{Content, Registry};

/// Longer than any buffer, no two parts alike.
fn content() -> Vec<u8> {
    (0..=199_u8).flat_map(|n| vec![n; 3_000]).collect()
}

/// Pulls the content, and makes sure that it is all there.
fn pull_content(server: &Server) {
    let digest = server.store.add_blob("app", &content());
    assert!(pull(&server.client(), &app(server), &digest).unwrap() == content());
}

fn ranges(server: &Server) -> Vec<String> {
    headers(server, "GET", "/blobs/", "range")
}

#[test]
fn docker_hub_counts_no_pull_when_a_tag_is_looked_up() {
    let server = Server::plain();
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    assert_eq!(resolve(&server).unwrap(), Some(digest));
    assert_eq!(server.asked(), ["HEAD app/manifests/1.0"]);
    let accept = headers(&server, "HEAD", "", "accept").remove(0);
    for kind in media::MANIFESTS {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[test]
fn an_old_registry_names_no_digest_and_the_content_does() {
    for said in ["", "sha512:abc", "sha256:short"] {
        let server = Server::with(move |request, store| {
            let given = store.answer(request).without("docker-content-digest");
            Some(given.header("docker-content-digest", said))
        });
        let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
        assert_eq!(resolve(&server).unwrap(), Some(digest));
        assert_eq!(
            server.asked(),
            ["HEAD app/manifests/1.0", "GET app/manifests/1.0"],
            "{said}"
        );
    }
}

#[test]
fn a_server_that_knows_no_head_is_asked_with_get() {
    for status in [400, 405, 501] {
        let server = Server::with(move |request, _| (request.method == "HEAD").then(|| answer(status)));
        let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
        assert_eq!(resolve(&server).unwrap(), Some(digest), "{status}");
        assert_eq!(server.seen().len(), 2, "{status}");
    }
}

#[test]
fn a_web_page_is_no_image_and_no_proof_that_something_is_there() {
    let server = Server::with(|_, _| {
        Some(
            answer(200)
                .header("content-type", "text/html; charset=utf-8")
                .body("<html>Sign in to the wireless network</html>"),
        )
    });
    let client = server.client();
    assert_eq!(resolve(&server).unwrap_err().kind, ErrorKind::Invalid);
    for content in [Content::Blob, Content::Manifest] {
        let error = client.has(&app(&server), content, &Digest::of(b"x")).unwrap_err();
        assert!(error.to_string().contains("web page"), "{error}");
    }
    let error = push(&client, &app(&server), &content()).unwrap_err();
    assert!(error.to_string().contains("web page"), "{error}");
    assert_eq!(server.count("POST", ""), 0);
}

#[test]
fn a_digest_header_that_lies_is_refused() {
    let other = Digest::of(b"other");
    let server = Server::with(move |request, store| {
        let given = store.answer(request).without("docker-content-digest");
        Some(given.header("docker-content-digest", other.as_str()))
    });
    let digest = server.store.add_blob("app", b"content");
    let error = server
        .client()
        .has(&app(&server), Content::Blob, &digest)
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("something else"), "{error}");
    // What is read is judged by its bytes alone.
    assert_eq!(
        pull(&server.client(), &app(&server), &digest).unwrap(),
        b"content"
    );
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_manifest_that_the_registry_converted_is_refused() {
    let server = Server::with(|request, _| {
        let asked = request.is("GET", "/manifests/sha256:");
        asked.then(|| answer(200).body(manifest("converted")))
    });
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let error = server.client().manifest(&app(&server), &digest).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("do not use it"), "{error}");
    assert_eq!(server.seen().len(), 1, "asking again would not help");
}

#[test]
fn a_manifest_of_4_mib_is_read_and_a_larger_one_is_not() {
    for (length, fits) in [(4 << 20, true), ((4 << 20) + 1, false)] {
        let server = Server::with(move |_, _| Some(answer(200).body(vec![b' '; length])));
        let digest = Digest::of(&vec![b' '; length]);
        let read = server.client().manifest(&app(&server), &digest);
        assert_eq!(read.is_ok(), fits, "{length}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_manifest_that_was_cut_is_asked_for_again() {
    let times = Times::default();
    let server =
        Server::with(move |request, store| (times.next() == 1).then(|| store.answer(request).cut_after(9)));
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    assert_eq!(
        server.client().manifest(&app(&server), &digest).unwrap(),
        manifest("x")
    );
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_body_cut_short_is_resumed_by_range() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        (times.next() <= 2).then(|| store.answer(request).cut_after(100_000))
    });
    pull_content(&server);
    assert_eq!(ranges(&server), ["", "bytes=100000-", "bytes=200000-"]);
}

#[test]
fn a_range_answer_that_starts_elsewhere_is_not_used() {
    for range in [
        "bytes 0-599999/600000",
        "bytes 100001-599999/600000",
        "bytes 100000-599999/700000",
        "bytes 100000-200000/600000",
        "bytes */600000",
        "",
    ] {
        let times = Times::default();
        let server = Server::with(move |request, store| match times.next() {
            1 => Some(store.answer(request).cut_after(100_000)),
            2 => Some(answer(206).header("content-range", range).body(vec![0; 500_000])),
            _ => None,
        });
        pull_content(&server);
        assert_eq!(ranges(&server), ["", "bytes=100000-", ""], "{range}");
    }
}

#[test]
fn a_server_that_refuses_ranges_is_asked_for_the_whole() {
    let times = Times::default();
    let server = Server::with(move |request, store| match times.next() {
        1 => Some(store.answer(request).cut_after(100_000)),
        2 => Some(answer(416)),
        _ => None,
    });
    pull_content(&server);
    assert_eq!(ranges(&server), ["", "bytes=100000-", ""]);
}

#[test]
fn a_server_that_gives_the_whole_instead_of_a_part_is_read_over_to_the_place() {
    let times = Times::default();
    let server = Server::with(move |_, _| {
        let whole = answer(200).body(content());
        Some(if times.next() == 1 {
            whole.cut_after(100_000)
        } else {
            whole
        })
    });
    pull_content(&server);
    assert_eq!(ranges(&server), ["", "bytes=100000-"]);
}

#[test]
fn a_blob_that_changed_between_cut_and_resume_is_refused_as_a_whole() {
    let times = Times::default();
    let server = Server::with(move |request, store| match times.next() {
        1 => Some(store.answer(request).cut_after(100_000)),
        _ => {
            let range = "bytes 100000-599999/600000";
            Some(answer(206).header("content-range", range).body(vec![0; 500_000]))
        }
    });
    let digest = server.store.add_blob("app", &content());
    let error = pull(&server.client(), &app(&server), &digest).unwrap_err();
    assert!(error.contains("do not use it"), "{error}");
    assert_eq!(ranges(&server), ["", "bytes=100000-"]);
}

#[test]
fn a_connection_that_is_cut_again_and_again_ends_within_its_bound() {
    let nothing = Server::with(|request, store| Some(store.answer(request).cut_after(0)));
    let digest = nothing.store.add_blob("app", &content());
    let error = pull(&nothing.client(), &app(&nothing), &digest).unwrap_err();
    assert!(error.contains("was cut"), "{error}");
    assert!(nothing.seen().len() < 40, "{}", nothing.seen().len());
    let little = Server::with(|request, store| Some(store.answer(request).cut_after(10)));
    let digest = little.store.add_blob("app", &content());
    let error = pull(&little.client(), &app(&little), &digest).unwrap_err();
    assert!(error.contains("was cut 21 times"), "{error}");
    assert_eq!(little.seen().len(), 21);
}

#[test]
fn a_storage_link_that_has_expired_is_asked_for_anew() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        if request.header("host") != STRANGER {
            let link = format!("http://{STRANGER}{}?signature={}", request.target, times.next());
            return Some(answer(307).header("location", link));
        }
        match request.parameter("signature") {
            Some("1") => Some(store.answer(request).cut_after(100_000)),
            _ => None,
        }
    });
    let digest = server.store.add_blob("app", &content());
    assert!(pull(&abroad(&server), &app_abroad(), &digest).unwrap() == content());
    assert_eq!(server.count("GET", "signature=2"), 1);
    assert_eq!(ranges(&server), ["", "", "bytes=100000-", "bytes=100000-"]);
}

#[test]
fn a_storage_link_that_is_good_for_get_only_still_says_that_the_blob_is_there() {
    for status in [403, 405] {
        let server = Server::with(move |request, _| {
            let stored = request.header("host") == STRANGER;
            let link = format!("http://{STRANGER}/bucket?signature=1");
            Some(if stored {
                answer(status)
            } else {
                answer(307).header("location", link)
            })
        });
        let digest = Digest::of(&content());
        assert!(
            abroad(&server)
                .has(&app_abroad(), Content::Blob, &digest)
                .unwrap()
        );
        push(&abroad(&server), &app_abroad(), &content()).unwrap();
        assert_eq!(
            (server.count("HEAD", ""), server.seen().len()),
            (4, 4),
            "{status}"
        );
    }
}

#[test]
fn a_body_without_a_length_is_read_to_its_end() {
    let server = Server::with(|request, _| {
        let mut body = b"7\r\ncontent\r\n".to_vec();
        body.extend_from_slice(b"0\r\n\r\n");
        let chunked = answer(200).header("transfer-encoding", "chunked").body(body);
        (request.method == "GET").then_some(chunked)
    });
    let digest = Digest::of(b"content");
    assert_eq!(
        pull(&server.client(), &app(&server), &digest).unwrap(),
        b"content"
    );
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_body_that_stalls_is_given_up_and_resumed() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        (times.next() == 1).then(|| store.answer(request).cut_after(100_000).stalls())
    });
    let digest = server.store.add_blob("app", &content());
    assert!(pull(&impatient(&server, 1_500), &app(&server), &digest).unwrap() == content());
    assert_eq!(ranges(&server), ["", "bytes=100000-"]);
}

#[test]
fn a_registry_that_never_answers_is_given_up_within_its_bound() {
    let server = Server::with(|_, _| Some(hang_up().stalls()));
    let error = impatient(&server, 300)
        .resolve(&app(&server), &tag("1.0"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.to_string().contains("no answer from"), "{error}");
    assert!(error.to_string().contains("(tried 5 times)"), "{error}");
}

#[test]
fn what_is_not_there_is_missing_and_what_cannot_be_told_is_not() {
    let server = Server::plain();
    let absent = Digest::of(b"absent");
    assert_eq!(resolve(&server).unwrap(), None);
    let error = server.client().manifest(&app(&server), &absent).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    for (status, kind) in [(403, ErrorKind::Denied), (500, ErrorKind::Transient)] {
        let server = Server::with(move |_, _| Some(refusal(status, "DENIED", "no")));
        assert_eq!(resolve(&server).unwrap_err().kind, kind);
    }
    assert_eq!(server.asked(), ["HEAD app/manifests/1.0", "GET app/manifests/"]);
}
