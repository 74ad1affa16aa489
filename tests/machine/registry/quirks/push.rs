//! Uploads.

use super::common::{Times, app, headers, impatient, in_pieces_only};
use crate::registry::server::{Request, Server, answer, hang_up, pull, push, refusal};
use greenroom::domain::model::ErrorKind;
use std::sync::{LazyLock, Mutex};

const MIB: usize = 1 << 20;

/// Large enough to be asked for first.
const LAYER: [u8; 9_000] = [7; 9_000];

/// Two chunks of four mebibytes and a bit more, no two parts alike.
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut content: Vec<u8> = (0..=32_u8).flat_map(|n| vec![n; MIB / 4]).collect();
    content.truncate(8 * MIB + 100);
    content
});

/// Pushes a layer, and makes sure that it arrived and that nothing is left over.
fn push_layer(server: &Server) {
    push_whole(server, &LAYER);
}

fn push_whole(server: &Server, content: &[u8]) {
    let digest = push(&server.client(), &app(server), content).unwrap();
    assert!(server.store.blob("app", &digest).unwrap() == content);
    assert_eq!(server.store.open_uploads(), 0);
}

fn whole(request: &Request) -> bool {
    request.is("PUT", "/uploads/") && request.header("content-length") != "0"
}

#[test]
fn artifact_registry_takes_a_blob_in_one_piece_only() {
    let server = Server::with(|request, _| (request.method == "PATCH").then(|| answer(405)));
    push_layer(&server);
    assert_eq!(
        server.asked(),
        ["HEAD app/blobs/", "POST app/blobs", "PUT app/blobs"]
    );
    assert_eq!(headers(&server, "PUT", "", "content-length"), ["9000"]);
    assert_eq!(headers(&server, "PUT", "", "transfer-encoding"), [""]);
}

#[test]
fn ghcr_takes_no_more_than_4_mib_in_a_chunk() {
    let server = Server::with(|request, _| {
        let length: usize = request.header("content-length").parse().unwrap_or(0);
        let large = matches!(request.method.as_str(), "PUT" | "PATCH") && length > 4 * MIB;
        large.then(|| refusal(416, "REQUESTED_RANGE_NOT_SATISFIABLE", "chunk too large"))
    });
    push_whole(&server, &LARGE);
    assert_eq!(
        headers(&server, "PATCH", "", "content-range"),
        ["0-4194303", "4194304-8388607", "8388608-8388707"]
    );
}

#[test]
fn ecr_drops_chunks_after_the_first_and_is_found_out() {
    let server = Server::with(|request, store| {
        let chunk = request.method == "PATCH";
        let kept = || {
            request.body();
            let location = request.target.clone();
            answer(201)
                .header("location", location)
                .header("range", "0-4194303")
        };
        chunk.then(kept).or_else(|| in_pieces_only(request, store))
    });
    let error = push(&server.client(), &app(&server), &LARGE).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("loses chunks"), "{error}");
    assert_eq!(server.count("PATCH", ""), 2);
    assert_eq!(server.store.open_uploads(), 0);
}

#[test]
fn nexus_wants_a_length_with_everything_that_is_written() {
    let server = Server::with(|request, store| {
        let writes = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
        let without = writes && !request.headers.contains_key("content-length");
        without
            .then(|| answer(411))
            .or_else(|| in_pieces_only(request, store))
    });
    push_whole(&server, &LARGE);
    assert_eq!(headers(&server, "POST", "", "content-length"), ["0", "0"]);
}

#[test]
fn a_proxy_that_refuses_a_large_body_without_reading_it_is_heard() {
    let server = Server::with(|request, _| whole(request).then(|| answer(413).deaf()));
    push_whole(&server, &LARGE);
    assert_eq!(server.count("PATCH", ""), 3);
}

#[test]
fn a_chunk_that_is_out_of_place_is_sent_again_from_where_the_registry_is() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        let second = request.method == "PATCH" && times.next() == 2;
        second
            .then(|| answer(416))
            .or_else(|| in_pieces_only(request, store))
    });
    push_whole(&server, &LARGE);
    assert_eq!(
        headers(&server, "PATCH", "", "content-range"),
        [
            "0-4194303",
            "4194304-8388607",
            "4194304-8388607",
            "8388608-8388707"
        ]
    );
    assert_eq!(server.count("GET", "/uploads/"), 1);
}

#[test]
fn a_session_that_agrees_to_no_place_is_given_up() {
    let server = Server::with(|request, store| {
        let chunk = request.method == "PATCH";
        chunk
            .then(|| answer(416))
            .or_else(|| in_pieces_only(request, store))
    });
    let error = push(&server.client(), &app(&server), &LARGE).unwrap_err();
    assert!(error.to_string().contains("416"), "{error}");
    assert_eq!((server.count("PATCH", ""), server.store.open_uploads()), (4, 0));
}

#[test]
fn a_registry_says_how_small_a_chunk_may_be() {
    for (least, chunks) in [("5242880", 2), ("1", 3)] {
        let server = Server::with(move |request, store| {
            let begins = request.is("POST", "/uploads/");
            begins
                .then(|| store.answer(request).header("oci-chunk-min-length", least))
                .or_else(|| in_pieces_only(request, store))
        });
        push_whole(&server, &LARGE);
        assert_eq!(server.count("PATCH", ""), chunks, "{least}");
    }
}

#[test]
fn a_registry_that_wants_gigabytes_at_once_is_refused() {
    let server = Server::with(|request, store| {
        let begins = request.is("POST", "/uploads/");
        begins
            .then(|| store.answer(request).header("oci-chunk-min-length", "9999999999"))
            .or_else(|| in_pieces_only(request, store))
    });
    let error = push(&server.client(), &app(&server), &LARGE).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    assert_eq!(server.count("PATCH", ""), 0);
}

#[test]
fn a_busy_registry_is_not_asked_for_a_session_that_is_not_used() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        let busy = request.method == "PATCH" && times.next() == 2;
        busy.then(|| answer(503))
            .or_else(|| in_pieces_only(request, store))
    });
    push_whole(&server, &LARGE);
    assert_eq!(
        server.count("POST", ""),
        3,
        "whole, in chunks, and in chunks again"
    );
    assert_eq!(server.count("DELETE", ""), 2);
}

#[test]
fn every_chunk_goes_to_the_location_of_the_one_before() {
    let times = Times::default();
    let server = Server::with(move |request, store| {
        if let Some(refused) = in_pieces_only(request, store) {
            return Some(refused);
        }
        let answered = store.answer(request);
        let Some(location) = answered.value("location").map(str::to_owned) else {
            return Some(answered);
        };
        let host = request.header("host");
        // Relative with a query, absolute, and without a host's name.
        let next = match times.next() % 3 {
            0 => location.replace("state=1", "state=a%2Fb&x"),
            1 => format!("http://{host}{location}"),
            _ => format!("//{host}{location}&y=1"),
        };
        Some(answered.without("location").header("location", next))
    });
    push_whole(&server, &LARGE);
    let patches = server.seen().into_iter().filter(|seen| seen.method == "PATCH");
    let queries: Vec<String> = patches
        .map(|seen| seen.target.split_once('?').unwrap().1.to_owned())
        .collect();
    assert_eq!(queries, ["state=1&y=1", "state=a%2Fb&x", "state=1"]);
    let last = server.seen().pop().unwrap();
    assert!(
        last.target.contains("?state=1&y=1&digest=sha256:"),
        "{}",
        last.target
    );
}

#[test]
fn an_upload_answered_201_whose_blob_is_not_there_is_sent_again() {
    let times = Times::default();
    let server = Server::with(move |request, _| {
        (whole(request) && times.next() == 1).then(|| {
            request.body();
            answer(201)
        })
    });
    push_layer(&server);
    let tried = [
        "POST app/blobs",
        "PUT app/blobs",
        "HEAD app/blobs/",
        "DELETE app/blobs",
    ];
    assert_eq!(server.asked()[1..4], tried[..3], "it is looked for");
    assert_eq!(server.count("PUT", ""), 2);
}

#[test]
fn an_upload_answered_201_every_time_and_never_there_is_an_error() {
    let server = Server::with(|request, _| whole(request).then(|| answer(201)));
    let error = push(&server.client(), &app(&server), &LAYER).unwrap_err();
    assert!(
        error.to_string().contains("does not have it (tried 5 times)"),
        "{error}"
    );
    assert_eq!(server.count("PUT", ""), 5);
}

#[test]
fn a_gateway_that_times_out_after_the_last_byte_is_no_failure_when_the_blob_is_there() {
    for status in [500, 502, 504] {
        let server = Server::with(move |request, store| {
            whole(request).then(|| {
                store.answer(request);
                answer(status).body("<html>Gateway Timeout</html>")
            })
        });
        push_layer(&server);
        let looked = [
            "HEAD app/blobs/",
            "POST app/blobs",
            "PUT app/blobs",
            "HEAD app/blobs/",
        ];
        assert_eq!(server.asked(), looked, "{status}");
    }
}

#[test]
fn a_gateway_that_times_out_and_has_nothing_gets_the_blob_again() {
    let times = Times::default();
    let server = Server::with(move |request, _| (whole(request) && times.next() <= 2).then(|| answer(504)));
    push_layer(&server);
    assert_eq!(server.count("PUT", ""), 3);
}

#[test]
fn a_connection_reset_while_the_body_is_sent_is_tried_again() {
    let times = Times::default();
    let server =
        Server::with(move |request, _| (whole(request) && times.next() == 1).then(|| hang_up().deaf()));
    push_whole(&server, &LARGE);
    assert_eq!(server.count("PUT", ""), 2);
}

#[test]
fn a_connection_reset_after_the_body_was_stored_is_no_second_upload() {
    let server = Server::with(|request, store| {
        whole(request).then(|| {
            store.answer(request);
            hang_up()
        })
    });
    push_layer(&server);
    assert_eq!(server.count("PUT", ""), 1);
}

#[test]
fn a_registry_that_takes_an_upload_and_never_answers_is_given_up() {
    let times = Times::default();
    let server =
        Server::with(move |request, _| (whole(request) && times.next() == 1).then(|| hang_up().stalls()));
    let digest = push(&impatient(&server, 1_500), &app(&server), &LAYER).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), LAYER);
    assert_eq!((server.count("PUT", ""), server.count("HEAD", "")), (2, 2));
}

#[test]
fn an_empty_blob_goes_out_and_comes_back() {
    let server = Server::plain();
    let digest = push(&server.client(), &app(&server), b"").unwrap();
    assert_eq!(pull(&server.client(), &app(&server), &digest).unwrap(), b"");
    assert_eq!(
        server.asked(),
        ["POST app/blobs", "PUT app/blobs", "GET app/blobs/"]
    );
    assert_eq!(headers(&server, "PUT", "", "content-length"), ["0"]);
}

#[test]
fn a_session_that_the_registry_has_forgotten_is_begun_anew() {
    let times = Times::default();
    let server = Server::with(move |request, _| {
        let lost = || refusal(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown to registry");
        (whole(request) && times.next() == 1).then(lost)
    });
    push_layer(&server);
    assert_eq!((server.count("POST", ""), server.count("PUT", "")), (2, 2));
}

#[test]
fn an_upload_without_a_location_is_an_error_and_not_a_guess() {
    let server = Server::with(|request, _| request.is("POST", "/uploads/").then(|| answer(202)));
    let error = push(&server.client(), &app(&server), b"x").unwrap_err();
    assert!(
        error.to_string().contains("without saying where to go on"),
        "{error}"
    );
    assert_eq!(server.asked(), ["POST app/blobs"]);
}

#[test]
fn jfrog_may_forbid_giving_up_an_upload_and_its_own_words_are_shown() {
    let server = Server::with(|request, _| match request.method.as_str() {
        "PUT" => Some(refusal(403, "DENIED", "deploy not permitted")),
        "DELETE" => Some(refusal(403, "DENIED", "delete not permitted")),
        _ => None,
    });
    let error = push(&server.client(), &app(&server), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("deploy not permitted"), "{error}");
    assert_eq!(
        server.asked(),
        ["POST app/blobs", "PUT app/blobs", "DELETE app/blobs"]
    );
}

#[test]
fn a_blob_is_read_anew_for_every_try() {
    let bodies = std::sync::Arc::new(Mutex::new(Vec::new()));
    let kept = bodies.clone();
    let times = Times::default();
    let server = Server::with(move |request, _| {
        (whole(request) && times.next() <= 2).then(|| {
            kept.lock().unwrap().push(request.body().to_vec());
            answer(503)
        })
    });
    push_layer(&server);
    assert!(*bodies.lock().unwrap() == [LAYER, LAYER]);
}
