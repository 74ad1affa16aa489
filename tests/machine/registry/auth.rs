//! Oddities of tokens and passwords.

use super::server::{Answer, Request, Server, answer, manifest, pull, push, push_from, refusal};
use greenroom::domain::model::{Digest, ErrorKind, Tag};
use greenroom::ports::{Catalog, Registry};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn tag() -> Tag {
    "1.0".parse().unwrap()
}

/// Wants a token of this server's own `/token`, for the given scope.
fn challenge(request: &Request, scope: &str) -> Answer {
    let host = request.header("host");
    let header = format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"{scope}\"");
    refusal(401, "UNAUTHORIZED", "authentication required").header("www-authenticate", header)
}

/// A registry that lets in whoever shows `Bearer t`, and gives `token` at `/token`.
fn guarded(request: &Request, token: &str) -> Option<Answer> {
    if request.is("GET", "/token") {
        return Some(answer(200).body(token));
    }
    (request.header("authorization") != "Bearer t").then(|| challenge(request, "repository:app:pull"))
}

#[test]
fn a_token_is_asked_for_once_and_shown_at_once_from_then_on() {
    let server = Server::with(|request, _| guarded(request, r#"{"token":"t","expires_in":300}"#));
    server.store.add_manifest("app", &manifest("x"), "1.0");
    let client = server.client();
    for _ in 0..3 {
        assert!(
            client
                .resolve(&server.repository("app"), &tag())
                .unwrap()
                .is_some()
        );
    }
    let manifests = "HEAD app/manifests/1.0";
    assert_eq!(
        server.asked(),
        [manifests, "GET /token", manifests, manifests, manifests]
    );
}

#[test]
fn azure_calls_its_token_access_token() {
    let server = Server::with(|request, _| guarded(request, r#"{"access_token":"t"}"#));
    let digest = server.store.add_blob("app", b"content");
    assert_eq!(
        pull(&server.client(), &server.repository("app"), &digest).unwrap(),
        b"content"
    );
}

#[test]
fn a_token_without_a_life_is_renewed_before_a_minute_is_over() {
    let server = Server::with(|request, _| guarded(request, r#"{"token":"t"}"#));
    let client = server.client();
    for (passed, asked) in [(0, 1), (40, 1), (10, 2), (60, 3)] {
        server.clock.advance(Duration::from_secs(passed));
        client
            .has(
                &server.repository("app"),
                greenroom::ports::Content::Blob,
                &Digest::of(b""),
            )
            .unwrap();
        assert_eq!(server.count("GET", "/token"), asked, "after {passed} s more");
    }
}

#[test]
fn many_threads_ask_for_one_token() {
    let server = Server::with(|request, _| guarded(request, r#"{"token":"t"}"#));
    let client = server.client();
    let repository = server.repository("app");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(client.resolve(&repository, &tag()).unwrap().is_none()));
        }
    });
    assert_eq!(server.count("GET", "/token"), 1);
}

#[test]
fn a_401_in_the_middle_of_an_upload_gets_a_fresh_token_and_the_whole_body() {
    let puts = AtomicUsize::new(0);
    let server = Server::with(move |request, _| {
        let refused = request.is("PUT", "/uploads/") && puts.fetch_add(1, Ordering::SeqCst) == 0;
        if refused {
            request.body();
            return Some(challenge(request, "repository:app:pull,push"));
        }
        guarded(request, r#"{"token":"t"}"#)
    });
    let content = vec![7; 300_000];
    let digest = push(&server.client(), &server.repository("app"), &content).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), content);
    assert_eq!(server.count("GET", "/token"), 2, "one, and a fresh one");
}

#[test]
fn a_401_that_closes_the_connection_under_the_body_is_heard_the_second_time() {
    let puts = AtomicUsize::new(0);
    let server = Server::with(move |request, _| {
        let first = request.is("PUT", "/uploads/") && puts.fetch_add(1, Ordering::SeqCst) < 2;
        if first {
            return Some(challenge(request, "repository:app:pull,push").deaf());
        }
        guarded(request, r#"{"token":"t"}"#)
    });
    // More than the buffers of a connection hold, so that the client is still sending.
    let content = vec![7; 30_000_000];
    push(&server.client(), &server.repository("app"), &content).unwrap();
    let careful = server
        .seen()
        .iter()
        .filter(|seen| seen.headers.contains_key("expect"))
        .count();
    assert!(careful >= 1, "the second try waits for the registry's word");
}

#[test]
fn a_registry_that_wants_passwords_gets_no_exchange() {
    let server = Server::with(|request, _| {
        let shown = request.header("authorization") == "Basic Y2k6czNjcmV0";
        (!shown).then(|| answer(401).header("www-authenticate", "Basic realm=\"ECR\""))
    });
    server.store.add_manifest("app", &manifest("x"), "1.0");
    let client = server.client_of_ci();
    for _ in 0..2 {
        client
            .resolve(&server.repository("app"), &tag())
            .unwrap()
            .unwrap();
    }
    assert_eq!(server.seen().len(), 3, "one refusal, then the password at once");
}

#[test]
fn both_kinds_in_two_headers_and_odd_case_are_understood() {
    let server = Server::with(|request, _| {
        if request.is("GET", "/token") || request.header("authorization") == "Bearer t" {
            return guarded(request, r#"{"token":"t"}"#);
        }
        let bearer = format!(
            "BEARER Realm = \"http://{}/token?x=1\" , service=\"a \\\"b\\\"\"",
            request.header("host")
        );
        Some(
            answer(401)
                .header("www-authenticate", "Basic realm=\"a, b\"")
                .header("WWW-Authenticate", bearer),
        )
    });
    let client = server.client_of_ci();
    assert_eq!(client.resolve(&server.repository("app"), &tag()).unwrap(), None);
    let token = server
        .seen()
        .into_iter()
        .find(|seen| seen.target.starts_with("/token"))
        .unwrap();
    assert_eq!(
        token.target,
        "/token?x=1&service=a%20%22b%22&scope=repository:app:pull"
    );
    assert_eq!(token.headers["authorization"], "Basic Y2k6czNjcmV0");
}

#[test]
fn what_is_newly_demanded_is_asked_for_first() {
    // One server looks at the first scope only.
    let server = Server::with(|request, _| {
        if request.is("GET", "/token") {
            let first = request.parameter("scope").unwrap_or_default();
            let token = if first == "repository:base:pull" {
                "t"
            } else {
                "weak"
            };
            return Some(answer(200).body(format!("{{\"token\":\"{token}\"}}")));
        }
        (request.header("authorization") != "Bearer t").then(|| challenge(request, "repository:base:pull"))
    });
    server.store.add_blob("base", b"layer");
    let from = server.repository("base");
    push_from(&server.client(), &server.repository("app"), b"layer", Some(&from)).unwrap();
    assert_eq!(
        server.count("GET", "scope=repository:base:pull&scope=repository:app:pull,push"),
        1
    );
}

#[test]
fn an_identity_token_is_posted_and_a_server_that_knows_get_only_gets_that() {
    for knows_post in [true, false] {
        let server = Server::with(move |request, _| {
            if request.is("POST", "/token") && !knows_post {
                return Some(answer(404));
            }
            if request.is("POST", "/token") {
                let form = String::from_utf8(request.body().to_vec()).unwrap();
                assert!(
                    form.contains("grant_type=refresh_token") && form.contains("&refresh_token=id%2Btoken"),
                    "{form}"
                );
                return Some(answer(200).body(r#"{"access_token":"t"}"#));
            }
            guarded(request, r#"{"token":"t"}"#)
        });
        let client = server.client_with(&[
            ("GREENROOM_REGISTRY_USERNAME", "<token>"),
            ("GREENROOM_REGISTRY_PASSWORD", "id+token"),
        ]);
        assert_eq!(client.tags(&server.repository("app")).unwrap(), []);
        assert_eq!(server.count("GET", "/token"), usize::from(!knows_post));
    }
}

#[test]
fn a_wrong_password_is_named_by_its_source_and_never_shown() {
    let server = Server::with(|request, _| {
        if request.is("GET", "/token") {
            return Some(refusal(401, "UNAUTHORIZED", "incorrect username or password"));
        }
        guarded(request, "")
    });
    let error = server.client_of_ci().tags(&server.repository("app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let text = error.to_string();
    assert!(
        text.contains("GREENROOM_REGISTRY_PASSWORD") && text.contains("incorrect username"),
        "{text}"
    );
    assert!(
        !text.contains("s3cret") && !text.contains("Y2k6czNjcmV0"),
        "{text}"
    );
    assert_eq!(
        server.count("GET", "/token"),
        1,
        "a wrong password is not tried again"
    );
}

#[test]
fn a_token_server_at_the_clouds_metadata_address_is_not_asked() {
    let server = Server::with(|_, _| {
        Some(answer(401).header(
            "www-authenticate",
            "Bearer realm=\"http://169.254.169.254/token\"",
        ))
    });
    let error = server.client_of_ci().tags(&server.repository("app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(
        error.to_string().contains("169.254.169.254") && error.to_string().contains("metadata"),
        "{error}"
    );
}

#[test]
fn a_token_answer_without_end_is_not_read() {
    let server = Server::with(|request, _| {
        let token = format!("{{\"token\":\"{}\"}}", "t".repeat(100_000));
        guarded(request, &token)
    });
    let error = server.client().tags(&server.repository("app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("larger than 65536"), "{error}");
}

#[test]
fn a_redirect_to_another_host_loses_the_authorization() {
    let storage = Server::plain();
    let digest = storage.store.add_blob("app", b"content");
    let there = storage.url(&format!("/v2/app/blobs/{digest}"));
    let server = Server::with(move |request, _| {
        guarded(request, r#"{"token":"t"}"#).or_else(|| {
            request
                .is("GET", "/blobs/")
                .then(|| answer(307).header("location", there.as_str()))
        })
    });
    assert_eq!(
        pull(&server.client_of_ci(), &server.repository("app"), &digest).unwrap(),
        b"content"
    );
    assert!(!storage.seen()[0].headers.contains_key("authorization"));
}

#[test]
fn a_host_that_was_redirected_to_gets_a_token_of_its_own() {
    let storage = Server::with(|request, _| {
        if request.is("GET", "/token") {
            return Some(answer(200).body(r#"{"token":"other"}"#));
        }
        (request.header("authorization") != "Bearer other").then(|| challenge(request, "repository:app:pull"))
    });
    let digest = storage.store.add_blob("app", b"content");
    let there = storage.url(&format!("/v2/app/blobs/{digest}"));
    let server = Server::with(move |request, _| {
        guarded(request, r#"{"token":"t"}"#).or_else(|| {
            request
                .is("GET", "/blobs/")
                .then(|| answer(302).header("location", there.as_str()))
        })
    });
    let client = server.client_of_ci();
    for _ in 0..2 {
        assert_eq!(
            pull(&client, &server.repository("app"), &digest).unwrap(),
            b"content"
        );
    }
    let shown: Vec<_> = storage
        .seen()
        .iter()
        .filter_map(|seen| seen.headers.get("authorization").cloned())
        .collect();
    assert_eq!(
        shown,
        ["Bearer other", "Bearer other"],
        "neither the token nor the password went there"
    );
    assert_eq!(
        server.count("GET", "/token"),
        1,
        "the registry's own token is still good"
    );
}

#[test]
fn deleting_asks_for_its_own_right() {
    let server = Server::with(|request, _| guarded(request, r#"{"token":"t"}"#));
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    let what = greenroom::ports::Discard::Manifest(digest);
    server.client().discard(&server.repository("app"), &what).unwrap();
    assert_eq!(server.count("GET", "scope=repository:app:delete,pull"), 1);
}
