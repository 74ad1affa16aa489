//! Servers that have had enough, and servers that say too much.

use super::common::{app, first, resolve};
use crate::registry::server::{Server, answer, push, refusal};
use greenroom::domain::model::ErrorKind;
use greenroom::ports::Catalog;
use std::time::Duration;

fn busy() -> crate::registry::server::Answer {
    refusal(429, "TOOMANYREQUESTS", "slow down")
}

/// Whether the client waited for so long, and the moment more that keeps clients apart.
fn assert_waited(server: &Server, millis: u64) {
    let waited = server.waited();
    let least = Duration::from_millis(millis);
    assert!(
        waited >= least && waited < least + Duration::from_secs(1),
        "{waited:?}"
    );
}

#[test]
fn retry_after_in_seconds_is_waited_for() {
    let server = first(1, || busy().header("retry-after", "30"));
    assert_eq!(resolve(&server).unwrap(), None);
    assert_waited(&server, 30_000);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn retry_after_as_a_date_is_waited_for() {
    // The clock stands at 2026-11-20T12:00:00Z.
    let server = first(1, || {
        busy().header("retry-after", "Fri, 20 Nov 2026 12:00:45 GMT")
    });
    assert_eq!(resolve(&server).unwrap(), None);
    assert_waited(&server, 45_000);
}

#[test]
fn a_date_that_has_passed_is_no_wait() {
    let server = first(1, || {
        busy().header("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")
    });
    assert_eq!(resolve(&server).unwrap(), None);
    assert_waited(&server, 0);
}

#[test]
fn ghcr_says_how_long_to_wait_in_its_message() {
    for (message, millis) in [
        ("retry-after: 880µs, allowed: 44000/minute", 0),
        ("retry-after: 1m1.5s, allowed: 44000/minute", 61_500),
    ] {
        let server = first(1, move || refusal(429, "TOOMANYREQUESTS", message));
        assert_eq!(server.client().tags(&app(&server)).unwrap(), []);
        assert_waited(&server, millis);
    }
}

#[test]
fn a_429_that_names_no_wait_is_waited_for_longer_each_time() {
    let server = first(4, busy);
    assert_eq!(server.client().tags(&app(&server)).unwrap(), []);
    assert_eq!(server.seen().len(), 5);
    let waited = server.waited();
    let (least, most) = (Duration::from_millis(1875), Duration::from_millis(3750));
    assert!(waited >= least && waited <= most, "{waited:?}");
}

#[test]
fn the_quota_of_docker_hub_is_not_waited_for() {
    for (message, headers) in [
        ("You have reached your unauthenticated pull rate limit.", false),
        ("Too Many Requests", true),
    ] {
        let server = Server::with(move |_, _| {
            let refused = refusal(429, "TOOMANYREQUESTS", message);
            let limits = [
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "0;w=21600"),
            ];
            let used = limits.into_iter().filter(|_| headers);
            Some(used.fold(refused, |refused, (name, value)| refused.header(name, value)))
        });
        let error = server.client().tags(&app(&server)).unwrap_err();
        assert!(error.to_string().contains("pull from a mirror"), "{error}");
        assert_eq!((server.seen().len(), server.waited()), (1, Duration::ZERO));
    }
}

#[test]
fn a_wait_of_hours_is_said_and_not_waited_for() {
    let server = Server::with(|_, _| Some(busy().header("retry-after", "7200")));
    let error = server.client().tags(&app(&server)).unwrap_err();
    assert!(error.to_string().contains("it asks to wait 7200s"), "{error}");
    assert_eq!((server.seen().len(), server.waited()), (1, Duration::ZERO));
}

#[test]
fn githubs_secondary_limit_comes_as_a_403_and_passes() {
    let server = first(2, || {
        let limit = answer(403).body("You have exceeded a secondary rate limit. Please wait a few minutes.");
        limit.header("retry-after", "60")
    });
    push(&server.client(), &app(&server), b"x").unwrap();
    assert_waited(&server, 120_000);
    assert_eq!(
        server.asked(),
        [
            "POST app/blobs",
            "POST app/blobs",
            "POST app/blobs",
            "PUT app/blobs"
        ]
    );
}

#[test]
fn another_403_is_final() {
    let server = Server::with(|_, _| Some(refusal(403, "DENIED", "requested access is denied")));
    let error = push(&server.client(), &app(&server), b"x").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_503_that_comes_three_times_passes() {
    let server = first(3, || answer(503));
    assert_eq!(resolve(&server).unwrap(), None);
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_503_without_end_ends_within_the_bound() {
    for wait in ["", "60"] {
        let server = Server::with(move |_, _| Some(answer(503).header("retry-after", wait)));
        let error = resolve(&server).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient);
        assert!(error.to_string().contains("(tried "), "{error}");
        assert!(server.seen().len() <= 5);
        assert!(
            server.waited() <= Duration::from_secs(300),
            "{:?}",
            server.waited()
        );
    }
}

#[test]
fn headers_without_end_are_not_read() {
    let server = Server::with(|_, _| Some(answer(200).header("x-large", "h".repeat(100_000))));
    let error = resolve(&server).unwrap_err();
    assert!(
        error.to_string().contains("more than 32768 bytes of headers"),
        "{error}"
    );
    assert!(error.to_string().len() < 600);
}

#[test]
fn what_is_no_http_is_an_error() {
    let server = Server::with(|_, _| Some(answer(0)));
    let error = resolve(&server).unwrap_err();
    assert!(
        error.to_string().contains("did not answer in proper HTTP"),
        "{error}"
    );
    assert!(server.seen().len() <= 5);
}

#[test]
fn an_error_of_megabytes_is_shown_in_one_line() {
    let json = refusal(400, "UNKNOWN", &"long ".repeat(1_000_000));
    let text = answer(400).body("long ".repeat(1_000_000));
    for large in [json, text] {
        let server = Server::with(move |_, _| Some(large.clone()));
        let error = server.client().tags(&app(&server)).unwrap_err();
        assert!(
            error.why.message.chars().count() < 400,
            "{}",
            error.why.message.len()
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn an_error_with_control_characters_reaches_nobodys_terminal() {
    let said = "\u{1b}]0;title\u{7}\u{1b}[2J::error::\r\nno\u{202e}thing\u{200b}";
    for odd in [refusal(400, "X\u{1b}[31m", said), answer(400).body(said)] {
        let server = Server::with(move |_, _| Some(odd.clone()));
        let error = server.client().tags(&app(&server)).unwrap_err();
        let bad = |c: char| c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c);
        assert!(!error.to_string().contains(bad), "{error:?}");
        assert!(error.to_string().contains("[2J"), "{error}");
    }
}

#[test]
fn a_signal_ends_the_wait() {
    let server = Server::with(|_, _| Some(answer(503)));
    server.clock.interrupt_after(Duration::ZERO, "SIGTERM");
    let error = resolve(&server).unwrap_err();
    assert!(error.to_string().contains("SIGTERM"), "{error}");
    assert_eq!(server.seen().len(), 1);
}
