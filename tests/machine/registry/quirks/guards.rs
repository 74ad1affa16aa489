//! Where a registry may send greenroom, and what goes along.

use super::common::{BASIC, abroad, app, app_abroad, challenge_of, shown_to, tag};
use super::common::{CI, REGISTRY, STRANGER};
use crate::registry::server::{Request, Server, answer, manifest, pull, push};
use greenroom::domain::model::{Digest, ErrorKind};
use greenroom::ports::{Catalog, Registry};

/// Addresses within a network that nobody outside may name.
const INSIDE: [&str; 9] = [
    "http://10.0.0.1/x",
    "http://172.16.9.9/x",
    "http://192.168.1.1/x",
    "http://100.100.100.200/x",
    "http://127.0.0.1/x",
    "http://localhost/x",
    "http://169.254.169.254/x",
    "http://[::1]/x",
    "http://[fd00:ec2::254]/x",
];

fn is_at(request: &Request, host: &str) -> bool {
    request.header("host") == host
}

/// Whether `ci` has logged in here.
fn knows_ci(request: &Request) -> bool {
    request.header("authorization") == BASIC
}

fn wants_password() -> crate::registry::server::Answer {
    answer(401).header("www-authenticate", "Basic realm=\"x\"")
}

#[test]
fn a_realm_in_a_private_network_is_not_asked() {
    for realm in INSIDE {
        let server = Server::with(move |_, _| Some(challenge_of(realm, "repository:app:pull")));
        let error = abroad(&server).tags(&app_abroad()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{realm}");
        assert!(error.to_string().contains("does not go there"), "{error}");
        assert_eq!(server.seen().len(), 1, "{realm}");
    }
}

#[test]
fn a_realm_on_another_public_host_gets_the_password_and_nobody_else_does() {
    let server = Server::with(|request, _| {
        if is_at(request, STRANGER) {
            return Some(answer(200).body(r#"{"token":"t"}"#));
        }
        let shown = request.header("authorization") == "Bearer t";
        let realm = format!("http://{STRANGER}/token");
        (!shown).then(|| challenge_of(&realm, "repository:app:pull"))
    });
    assert_eq!(abroad(&server).tags(&app_abroad()).unwrap(), []);
    assert_eq!(shown_to(&server, STRANGER), [BASIC]);
    assert_eq!(shown_to(&server, REGISTRY), ["", "Bearer t"]);
}

#[test]
fn a_realm_with_a_user_and_password_is_refused_and_its_password_not_shown() {
    let server = Server::with(|_, _| {
        let realm = format!("http://user:hunter2@{STRANGER}/token?key=hunter2");
        Some(challenge_of(&realm, "repository:app:pull"))
    });
    let error = abroad(&server).tags(&app_abroad()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_token_server_that_redirects_is_not_followed() {
    let server = Server::with(|request, _| match request.target.as_str() {
        target if target.starts_with("/token") => {
            Some(answer(307).header("location", format!("http://{STRANGER}/token")))
        }
        _ => {
            let realm = format!("http://{REGISTRY}/token");
            Some(challenge_of(&realm, "repository:app:pull"))
        }
    });
    let error = abroad(&server).tags(&app_abroad()).unwrap_err();
    assert!(
        error.to_string().contains("does not follow such a redirect"),
        "{error}"
    );
    assert_eq!(shown_to(&server, STRANGER), [""; 0]);
}

#[test]
fn an_upload_sent_into_a_private_network_is_refused() {
    for location in INSIDE {
        let server = Server::with(move |request, _| {
            let begins = request.is("POST", "/uploads/");
            begins.then(|| answer(202).header("location", format!("{location}?key=hunter2")))
        });
        let error = push(&abroad(&server), &app_abroad(), b"x").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{location}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(server.count("PUT", ""), 0, "{location}");
    }
}

#[test]
fn an_upload_sent_to_another_host_takes_no_authorization_along() {
    let server = Server::with(|request, store| {
        if is_at(request, STRANGER) {
            let digest = store.add_blob("app", request.body());
            return Some(answer(201).header("docker-content-digest", digest.as_str()));
        }
        if !knows_ci(request) {
            return Some(wants_password());
        }
        let begins = request.is("POST", "/uploads/");
        begins.then(|| answer(202).header("location", format!("http://{STRANGER}/bucket?signature=a%2Fb")))
    });
    let digest = push(&abroad(&server), &app_abroad(), b"x").unwrap();
    assert_eq!(shown_to(&server, STRANGER), [""]);
    let put = server.seen().pop().unwrap();
    assert_eq!(put.target, format!("/bucket?signature=a%2Fb&digest={digest}"));
}

#[test]
fn a_redirect_to_another_host_gets_no_authorization() {
    let server = Server::with(|request, _| {
        if is_at(request, STRANGER) {
            return Some(answer(200).body("content"));
        }
        let there = answer(307).header("location", format!("http://{STRANGER}/bucket?signature=1"));
        Some(if knows_ci(request) {
            there
        } else {
            wants_password()
        })
    });
    let content = pull(&abroad(&server), &app_abroad(), &Digest::of(b"content")).unwrap();
    assert_eq!(content, b"content");
    assert_eq!(shown_to(&server, REGISTRY), ["", BASIC]);
    assert_eq!(shown_to(&server, STRANGER), [""]);
}

#[test]
fn a_redirect_to_another_port_of_the_host_gets_no_authorization() {
    let server = Server::with(|request, _| {
        if is_at(request, &format!("{REGISTRY}:8080")) {
            return Some(answer(200).body("content"));
        }
        let there = answer(302).header("location", format!("http://{REGISTRY}:8080/bucket"));
        Some(if knows_ci(request) {
            there
        } else {
            wants_password()
        })
    });
    pull(&abroad(&server), &app_abroad(), &Digest::of(b"content")).unwrap();
    assert_eq!(shown_to(&server, &format!("{REGISTRY}:8080")), [""]);
}

#[test]
fn a_redirect_within_the_registry_keeps_the_authorization() {
    for there in [
        "/elsewhere?x=1".to_owned(),
        format!("http://{REGISTRY}:80/elsewhere?x=1"),
    ] {
        let server = Server::with(move |request, _| {
            if !knows_ci(request) {
                return Some(wants_password());
            }
            let arrived = request.target == "/elsewhere?x=1";
            Some(if arrived {
                answer(200).body("content")
            } else {
                answer(301).header("location", there.as_str())
            })
        });
        pull(&abroad(&server), &app_abroad(), &Digest::of(b"content")).unwrap();
        let shown: Vec<_> = server
            .seen()
            .iter()
            .map(|seen| seen.headers.get("authorization").cloned().unwrap_or_default())
            .collect();
        assert_eq!(shown, ["", BASIC, BASIC]);
    }
}

#[test]
fn a_host_that_is_redirected_to_and_challenges_gets_an_anonymous_token_of_its_own() {
    let server = Server::with(|request, _| {
        let stranger = is_at(request, STRANGER);
        if stranger && request.target.starts_with("/token") {
            return Some(answer(200).body(r#"{"token":"own"}"#));
        }
        if stranger {
            let good = request.header("authorization") == "Bearer own";
            let realm = format!("http://{STRANGER}/token");
            let refused = challenge_of(&realm, "repository:cache:pull");
            return Some(if good {
                answer(200).body("content")
            } else {
                refused
            });
        }
        let there = answer(307).header("location", format!("http://{STRANGER}/blob"));
        Some(if knows_ci(request) {
            there
        } else {
            wants_password()
        })
    });
    let client = abroad(&server);
    for _ in 0..2 {
        pull(&client, &app_abroad(), &Digest::of(b"content")).unwrap();
    }
    let each = ["", "", "Bearer own"];
    assert_eq!(shown_to(&server, STRANGER), [each, each].concat());
    assert_eq!(shown_to(&server, REGISTRY), ["", BASIC, BASIC]);
}

#[test]
fn a_host_that_is_redirected_to_and_wants_a_password_gets_none() {
    let server = Server::with(|request, _| {
        let there = answer(307).header("location", format!("http://{STRANGER}/blob"));
        let here = !is_at(request, STRANGER) && knows_ci(request);
        Some(if here { there } else { wants_password() })
    });
    let error = pull(&abroad(&server), &app_abroad(), &Digest::of(b"content")).unwrap_err();
    assert!(error.contains("203.0.113.7 answered 401"), "{error}");
    assert!(!error.ends_with("; "), "{error:?}");
    assert_eq!(shown_to(&server, STRANGER), [""]);
}

#[test]
fn redirects_in_a_circle_end_after_five() {
    let server = Server::with(|request, _| Some(answer(307).header("location", request.target.clone())));
    let error = pull(&server.client(), &app(&server), &Digest::of(b"x")).unwrap_err();
    assert!(error.contains("redirects more than 5 times"), "{error}");
    assert_eq!(server.seen().len(), 6);
}

#[test]
fn a_redirect_to_what_is_no_public_http_is_refused() {
    for location in [
        "file:///etc/passwd",
        "ftp://203.0.113.7/x",
        "http://user:hunter2@203.0.113.7/x",
        "http://169.254.169.254/latest/meta-data?key=hunter2",
        "http://127.0.0.1/x",
        "",
    ] {
        let server = Server::with(move |_, _| Some(answer(307).header("location", location)));
        let error = pull(&abroad(&server), &app_abroad(), &Digest::of(b"x")).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(server.seen().len(), 1, "{location}");
    }
}

#[test]
fn a_redirect_of_an_upload_is_not_followed() {
    let server = Server::with(|request, _| {
        let put = request.is("PUT", "/uploads/");
        put.then(|| answer(307).header("location", format!("http://{STRANGER}/bucket")))
    });
    let error = push(&abroad(&server), &app_abroad(), b"x").unwrap_err();
    assert!(
        error.to_string().contains("does not follow such a redirect"),
        "{error}"
    );
    assert_eq!(shown_to(&server, STRANGER), [""; 0]);
    assert_eq!(server.store.open_uploads(), 0);
}

#[test]
fn a_password_goes_to_its_own_registry_only() {
    let server = Server::with(|request, _| (!knows_ci(request)).then(wants_password));
    let client = abroad(&server);
    assert_eq!(client.tags(&app_abroad()).unwrap(), []);
    let error = client.tags(&format!("{STRANGER}/app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(
        error.to_string().contains(&format!("belongs to {REGISTRY}")),
        "{error}"
    );
    assert_eq!(shown_to(&server, STRANGER), [""]);
}

#[test]
fn a_registry_on_this_machine_sends_no_password_across_the_internet_in_the_clear() {
    let server = Server::with(|_, _| {
        let realm = format!("http://{STRANGER}/token");
        Some(challenge_of(&realm, "repository:app:pull"))
    });
    let error = server.client_with(&CI).tags(&app(&server)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("plain HTTP"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_token_of_one_registry_is_never_shown_to_another() {
    let scripted = || Server::with(|request, _| super::common::guarded(request));
    let (one, other) = (scripted(), scripted());
    let client = one.client_with(&CI);
    for server in [&one, &other] {
        server.store.add_manifest("app", &manifest("x"), "1.0");
        assert!(client.resolve(&app(server), &tag("1.0")).unwrap().is_some());
    }
    let shown = shown_to(&other, &other.address.to_string());
    assert_eq!(
        shown,
        ["", "", "Bearer t"],
        "no token of the first, and no password"
    );
}
