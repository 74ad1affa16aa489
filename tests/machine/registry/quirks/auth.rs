//! Tokens and passwords.

use super::common::{BASIC, CI, Times, app, challenge, first, guarded, headers, resolve, tag};
use crate::registry::server::{Server, answer, manifest, pull, push, push_from, refusal};
use greenroom::domain::model::{Digest, ErrorKind};
use greenroom::ports::{Catalog, Content, Registry};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HEAD: &str = "HEAD app/manifests/1.0";

#[test]
fn azure_calls_its_token_access_token_and_says_no_expiry() {
    let server = Server::with(|request, _| {
        let token = request.target.starts_with("/token");
        token
            .then(|| answer(200).body(r#"{"access_token":"t"}"#))
            .or_else(|| guarded(request))
    });
    let digest = server.store.add_manifest("app", &manifest("x"), "1.0");
    assert_eq!(resolve(&server).unwrap(), Some(digest));
    assert_eq!(server.asked(), [HEAD, "GET /token", HEAD]);
}

#[test]
fn a_token_without_expires_in_is_renewed_within_its_minute() {
    let server = Server::with(|request, _| {
        let token = request.target.starts_with("/token");
        token
            .then(|| answer(200).body(r#"{"token":"t"}"#))
            .or_else(|| guarded(request))
    });
    let client = server.client();
    for (passed, asked) in [(0, 1), (30, 1), (29, 2)] {
        server.clock.advance(Duration::from_secs(passed));
        assert_eq!(client.resolve(&app(&server), &tag("1.0")).unwrap(), None);
        assert_eq!(server.count("GET", "/token"), asked, "{passed} s later");
    }
}

#[test]
fn a_401_in_the_middle_of_an_upload_refreshes_the_token_and_sends_all_again() {
    let puts = Times::default();
    let server = Server::with(move |request, _| {
        if request.is("PUT", "/uploads/") && puts.next() == 1 {
            return Some(challenge(request, "repository:app:pull,push"));
        }
        guarded(request)
    });
    let content = vec![7; 300_000];
    let digest = push(&server.client(), &app(&server), &content).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), content);
    let bodies: Vec<usize> = server
        .seen()
        .iter()
        .filter(|seen| seen.method == "PUT")
        .map(|seen| seen.body.len())
        .collect();
    assert_eq!(bodies, [300_000, 300_000]);
    assert_eq!(server.count("POST", ""), 1, "the session goes on");
}

#[test]
fn a_401_in_the_middle_of_a_blob_refreshes_the_token_and_goes_on_by_range() {
    let gets = Times::default();
    let server = Server::with(move |request, store| {
        let blob = request.is("GET", "/blobs/");
        match (blob, guarded(request)) {
            (true, None) => match gets.next() {
                1 => Some(store.answer(request).cut_after(60_000)),
                2 => Some(challenge(request, "repository:app:pull")),
                _ => None,
            },
            (_, other) => other,
        }
    });
    let content = vec![7; 300_000];
    let digest = server.store.add_blob("app", &content);
    assert!(pull(&server.client(), &app(&server), &digest).unwrap() == content);
    assert_eq!(server.count("GET", "/token"), 2);
    assert_eq!(
        headers(&server, "GET", "/blobs/", "range"),
        ["", "", "bytes=60000-", "bytes=60000-"]
    );
}

#[test]
fn a_token_answer_larger_than_64_kib_is_refused_and_not_asked_for_again() {
    let server = Server::with(|request, _| {
        let large = format!("{{\"token\":\"{}\"}}", "t".repeat(70_000));
        let token = request.target.starts_with("/token");
        token
            .then(|| answer(200).body(large))
            .or_else(|| guarded(request))
    });
    let error = resolve(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.to_string().contains("larger than 65536 bytes"), "{error}");
    assert_eq!(server.asked(), [HEAD, "GET /token"]);
}

#[test]
fn a_token_with_a_line_break_adds_no_header() {
    let server = Server::with(|request, _| {
        let token = request.target.starts_with("/token");
        token
            .then(|| answer(200).body(r#"{"token":"t\r\nx-admin: yes"}"#))
            .or_else(|| guarded(request))
    });
    let error = resolve(&server).unwrap_err();
    assert!(
        error.to_string().contains("characters that no token has"),
        "{error}"
    );
    assert_eq!(server.asked(), [HEAD, "GET /token"]);
}

#[test]
fn scopes_are_merged_with_the_newly_demanded_first() {
    let server = Server::with(|request, _| {
        if request.target.starts_with("/token") {
            // It looks at the first scope only.
            let good = request.parameter("scope") == Some("repository:base:pull");
            let token = if good { "t" } else { "weak" };
            return Some(answer(200).body(format!("{{\"token\":\"{token}\"}}")));
        }
        let shown = request.header("authorization") == "Bearer t";
        (!shown).then(|| challenge(request, "repository:base:pull"))
    });
    server.store.add_blob("base", b"layer");
    let from = server.repository("base");
    push_from(&server.client(), &app(&server), b"layer", Some(&from)).unwrap();
    assert_eq!(server.asked(), ["POST app/blobs", "GET /token", "POST app/blobs"]);
    assert!(
        server.seen()[1]
            .target
            .ends_with("&scope=repository:base:pull&scope=repository:app:pull,push")
    );
}

#[test]
fn gitlab_honours_only_the_last_scope_and_the_blob_is_uploaded() {
    let server = Server::with(|request, _| {
        if request.target.starts_with("/token") {
            let last = request.target.rsplit("scope=").next().unwrap_or_default();
            return Some(answer(200).body(format!("{{\"token\":\"{}\"}}", last.replace(':', "."))));
        }
        let good = request.header("authorization") == "Bearer repository.app.pull,push";
        (!good).then(|| challenge(request, "repository:app:pull,push"))
    });
    server.store.add_blob("base", b"layer");
    let from = server.repository("base");
    let digest = push_from(&server.client(), &app(&server), b"layer", Some(&from)).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), b"layer");
    assert_eq!(server.count("PUT", "/uploads/"), 1);
    assert_eq!(server.store.open_uploads(), 0);
}

#[test]
fn a_token_server_that_gives_nothing_for_the_source_does_not_fail_the_upload() {
    for status in [401, 403] {
        let server = Server::with(move |request, _| {
            let about_source = request.target.starts_with("/token") && request.target.contains("base:");
            about_source
                .then(|| refusal(status, "DENIED", "no access to base"))
                .or_else(|| guarded(request))
        });
        let from = server.repository("base");
        let digest = push_from(&server.client(), &app(&server), b"layer", Some(&from)).unwrap();
        assert_eq!(server.store.blob("app", &digest).unwrap(), b"layer");
        assert_eq!(
            server.count("GET", "base:pull"),
            1,
            "{status} is not asked for again"
        );
    }
}

#[test]
fn a_wide_token_of_a_mount_that_reaches_less_far_is_replaced() {
    // The token server gives a token for less than was asked for, and says nothing.
    let server = Server::with(|request, _| {
        if request.target.starts_with("/token") {
            let narrow = request.target.contains("base:");
            let token = if narrow { "narrow" } else { "t" };
            return Some(answer(200).body(format!("{{\"token\":\"{token}\"}}")));
        }
        let shown = request.header("authorization") == "Bearer t";
        (!shown).then(|| challenge(request, "repository:app:pull,push"))
    });
    let from = server.repository("base");
    let digest = push_from(&server.client(), &app(&server), b"layer", Some(&from)).unwrap();
    assert_eq!(server.store.blob("app", &digest).unwrap(), b"layer");
    assert_eq!(server.count("POST", "mount="), 3, "and then without it");
}

#[test]
fn an_oauth_post_that_is_not_known_becomes_a_get_with_several_scopes() {
    for status in [404, 405] {
        let server = Server::with(move |request, _| {
            let post = request.is("POST", "/token");
            post.then(|| answer(status)).or_else(|| guarded(request))
        });
        server.store.add_blob("base", b"layer");
        let client = server.client_with(&[
            ("GREENROOM_REGISTRY_USERNAME", "<token>"),
            ("GREENROOM_REGISTRY_PASSWORD", "identity"),
        ]);
        let from = server.repository("base");
        push_from(&client, &app(&server), b"layer", Some(&from)).unwrap();
        let mount = "POST app/blobs";
        assert_eq!(server.asked(), [mount, "POST /token", "GET /token", mount]);
        let seen = server.seen();
        let form = String::from_utf8(seen[1].body.clone()).unwrap();
        assert!(
            form.contains("scope=repository:app:pull,push%20repository:base:pull"),
            "{form}"
        );
        assert_eq!(seen[2].target.matches("scope=").count(), 2);
        assert!(!seen[2].target.contains("identity"), "secrets stand in no URL");
    }
}

#[test]
fn ecr_takes_its_password_with_every_request_and_exchanges_nothing() {
    let server = Server::with(|request, _| {
        let shown = request.header("authorization") == BASIC;
        (!shown)
            .then(|| answer(401).header("www-authenticate", "Basic realm=\"https://ecr/\",service=\"ecr\""))
    });
    let client = server.client_with(&CI);
    for _ in 0..2 {
        assert!(
            !client
                .has(&app(&server), Content::Blob, &Digest::of(b"x"))
                .unwrap()
        );
    }
    assert_eq!(
        headers(&server, "HEAD", "/blobs/", "authorization"),
        ["", BASIC, BASIC]
    );
}

#[test]
fn an_ecr_password_that_has_expired_is_shown_once_and_its_source_is_named() {
    let server = Server::with(|_, _| {
        let refused = refusal(401, "DENIED", "Your authorization token has expired.");
        Some(refused.header("www-authenticate", "Basic realm=\"ecr\""))
    });
    let error = server.client_with(&CI).tags(&app(&server)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    for part in ["has expired", "GREENROOM_REGISTRY_PASSWORD"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(headers(&server, "GET", "", "authorization"), ["", BASIC]);
}

#[test]
fn a_registry_that_wants_a_password_that_nobody_has_says_how_to_set_one() {
    let server = Server::with(|_, _| Some(answer(401).header("www-authenticate", "Basic realm=\"x\"")));
    let error = resolve(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("_USERNAME"), "{error}");
    assert_eq!(server.asked(), [HEAD]);
}

#[test]
fn a_token_server_that_is_busy_is_asked_again_after_its_wait() {
    let times = Times::default();
    let server = Server::with(move |request, _| {
        let busy = request.target.starts_with("/token") && times.next() <= 2;
        busy.then(|| answer(429).header("retry-after", "3"))
            .or_else(|| guarded(request))
    });
    assert_eq!(resolve(&server).unwrap(), None);
    assert_eq!(server.count("GET", "/token"), 3);
    assert!(server.waited() >= Duration::from_secs(6), "{:?}", server.waited());
}

#[test]
fn a_401_without_a_challenge_is_denied_at_once() {
    let server = Server::with(|_, _| Some(refusal(401, "UNAUTHORIZED", "who are you?")));
    let error = resolve(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(server.asked(), [HEAD]);
}

#[test]
fn a_registry_that_refuses_every_token_is_not_asked_for_ever() {
    let server = Server::with(|request, _| {
        if request.target.starts_with("/token") {
            return guarded(request);
        }
        Some(challenge(request, "repository:app:pull"))
    });
    let error = resolve(&server).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(server.asked(), [HEAD, "GET /token", HEAD, "GET /token", HEAD]);
}

#[test]
fn a_registry_token_of_dockers_config_is_shown_without_an_exchange() {
    let server = Server::with(|request, _| {
        let shown = request.header("authorization") == "Bearer cGF0";
        (!shown).then(|| challenge(request, "repository:app:pull"))
    });
    let home = tempfile::tempdir().unwrap();
    let config = serde_json::json!({"auths": {server.address.to_string(): {"registrytoken": "cGF0"}}});
    std::fs::write(home.path().join("config.json"), config.to_string()).unwrap();
    let client = server.client_with(&[("DOCKER_CONFIG", home.path().to_str().unwrap())]);
    assert_eq!(client.resolve(&app(&server), &tag("1.0")).unwrap(), None);
    assert_eq!(server.asked(), [HEAD, HEAD]);
}

#[test]
fn a_token_that_is_revoked_under_many_threads_is_exchanged_once() {
    let revoked = AtomicBool::new(false);
    let server = Server::with(move |request, _| {
        let now = if revoked.load(Ordering::SeqCst) {
            "new"
        } else {
            "old"
        };
        if request.is("GET", "/revoke") {
            revoked.store(true, Ordering::SeqCst);
            return Some(answer(200));
        }
        if request.target.starts_with("/token") {
            return Some(answer(200).body(format!("{{\"token\":\"{now}\"}}")));
        }
        let good = request.header("authorization") == format!("Bearer {now}");
        (!good).then(|| challenge(request, "repository:app:pull"))
    });
    let client = server.client();
    let look = || client.resolve(&app(&server), &tag("1.0")).unwrap();
    look();
    let plain = greenroom::host::http::Client::new(&greenroom::host::http::HttpSettings::default()).unwrap();
    let revoke = greenroom::host::http::HttpRequest {
        method: "GET",
        url: &server.url("/revoke"),
        headers: &std::collections::BTreeMap::new(),
        body: None,
        timeout: Duration::from_secs(10),
    };
    plain.send(&revoke).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(look);
        }
    });
    assert_eq!(server.count("GET", "/token"), 2);
}

#[test]
fn many_threads_share_one_exchange() {
    let server = Server::with(|request, _| guarded(request));
    let client = server.client();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(client.resolve(&app(&server), &tag("1.0")).unwrap(), None));
        }
    });
    assert_eq!(server.count("GET", "/token"), 1);
}

#[test]
fn a_secret_that_a_server_repeats_is_not_repeated_by_the_error() {
    let echo = |request: &crate::registry::server::Request| {
        let shown = request.header("authorization").to_owned();
        (!shown.is_empty()).then(|| refusal(400, "BAD_HEADER", &format!("not understood: {shown}")))
    };
    let basic = Server::with(move |request, _| {
        let wants = answer(401).header("www-authenticate", "Basic realm=\"x\"");
        Some(echo(request).unwrap_or(wants))
    });
    let bearer = Server::with(move |request, _| {
        let token = request.target.starts_with("/token");
        token
            .then(|| answer(200).body(r#"{"token":"s3cret-token"}"#))
            .or_else(|| echo(request))
            .or_else(|| Some(challenge(request, "repository:app:pull")))
    });
    let exchange = Server::with(move |request, _| {
        if request.target.starts_with("/token") {
            return echo(request);
        }
        guarded(request)
    });
    for server in [basic, bearer, exchange] {
        let error = server.client_with(&CI).tags(&app(&server)).unwrap_err();
        assert!(error.to_string().contains("not understood: "), "{error}");
        for secret in ["s3cret", "Y2k6czNjcmV0"] {
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }
}

#[test]
fn a_connection_that_breaks_during_the_exchange_is_made_again() {
    let server = first(2, crate::registry::server::hang_up);
    assert_eq!(resolve(&server).unwrap(), None);
    assert_eq!(server.asked(), [HEAD; 3]);
}
