//! Oddities of servers that have had enough.

use super::server::{Answer, Server, answer, hang_up, push, refusal};
use greenroom::domain::model::ErrorKind;
use greenroom::ports::Catalog;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Gives this answer so many times, then behaves.
fn first(count: usize, odd: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    let given = AtomicUsize::new(0);
    Server::with(move |_, _| (given.fetch_add(1, Ordering::SeqCst) < count).then(&odd))
}

#[test]
fn the_wait_is_as_long_as_the_server_says() {
    let server = first(2, || {
        refusal(429, "TOOMANYREQUESTS", "slow down").header("retry-after", "7")
    });
    assert_eq!(server.client().tags(&server.repository("app")).unwrap(), []);
    let waited = server.waited();
    assert!(
        waited >= Duration::from_secs(14) && waited < Duration::from_secs(16),
        "{waited:?}"
    );
}

#[test]
fn githubs_wait_stands_in_the_message() {
    let server = first(1, || {
        refusal(429, "TOOMANYREQUESTS", "retry-after: 1.5s, allowed: 44000/minute")
    });
    assert_eq!(server.client().tags(&server.repository("app")).unwrap(), []);
    assert!(
        server.waited() >= Duration::from_millis(1500),
        "{:?}",
        server.waited()
    );
}

#[test]
fn docker_hubs_quota_is_not_waited_for() {
    let server = Server::with(|_, _| {
        let refused = refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.");
        Some(
            refused
                .header("ratelimit-limit", "100;w=21600")
                .header("ratelimit-remaining", "0;w=21600"),
        )
    });
    let error = server.client().tags(&server.repository("app")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(
        error.to_string().contains("100;w=21600") && error.to_string().contains("mirror"),
        "{error}"
    );
    assert_eq!((server.seen().len(), server.waited()), (1, Duration::ZERO));
}

#[test]
fn a_wait_of_hours_is_not_waited_for() {
    let server = Server::with(|_, _| Some(answer(503).header("retry-after", "86400")));
    let error = server.client().tags(&server.repository("app")).unwrap_err();
    assert!(error.to_string().contains("asks to wait 86400s"), "{error}");
    assert_eq!(server.waited(), Duration::ZERO);
}

#[test]
fn githubs_second_limit_comes_as_a_403() {
    let server = first(2, || answer(403).body("You have exceeded a secondary rate limit"));
    push(&server.client(), &server.repository("app"), b"x").unwrap();
    assert!(server.waited() > Duration::ZERO);
}

#[test]
fn what_may_pass_is_tried_five_times_and_what_may_not_once() {
    for status in [408, 429, 500, 502, 503, 504, 522] {
        let server = first(4, move || answer(status));
        server.client().tags(&server.repository("app")).unwrap();
        let server = Server::with(move |_, _| Some(answer(status)));
        let error = server.client().tags(&server.repository("app")).unwrap_err();
        assert_eq!(
            (error.kind, server.seen().len()),
            (ErrorKind::Transient, 5),
            "{error}"
        );
        assert!(error.to_string().contains("tried 5 times"), "{error}");
    }
    for status in [400, 403, 410, 501] {
        let server = Server::with(move |_, _| Some(answer(status)));
        server.client().tags(&server.repository("app")).unwrap_err();
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let server = first(3, hang_up);
    push(&server.client(), &server.repository("app"), b"x").unwrap();
}

#[test]
fn a_signal_ends_the_wait() {
    let server = Server::with(|_, _| Some(answer(503)));
    server.clock.interrupt_after(Duration::ZERO, "SIGTERM");
    let error = server.client().tags(&server.repository("app")).unwrap_err();
    assert!(error.to_string().contains("SIGTERM"), "{error}");
    assert_eq!(server.seen().len(), 1);
}
