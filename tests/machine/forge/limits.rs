//! When a request is sent again, how long is waited, and when that is enough.

use crate::forge::deployments::draft;
use crate::forge::yard::{Yard, connected, refused};
use crate::support::address::free_address;
use crate::support::github::{Fault, Repository};
use greenroom::adapters::forge::github::GitHub;
use greenroom::domain::model::{ErrorKind, PortError, Timestamp};
use greenroom::ports::{Clock, Forge as _, Interrupted, Reviews as _};
use greenroom::testing::clock::FakeClock;
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

const READ: &str = "actions/get-reviews-for-run";
const WRITE: &str = "repos/create-deployment";

#[test]
fn what_is_only_read_is_asked_again_with_longer_and_longer_waits() {
    for fault in [
        Fault::Page(500),
        Fault::Page(502),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::LostAfter,
    ] {
        let yard = Yard::new();
        yard.fails(READ, &[fault.clone(), fault.clone(), fault]);
        yard.github.of_run(42).unwrap();
        assert_eq!(yard.fake.count(READ), 4);
        assert_eq!(yard.waited(), Duration::from_secs(1 + 2 + 4));
    }
}

#[test]
fn four_failures_are_enough() {
    let yard = Yard::new();
    yard.fails(READ, &[const { Fault::Page(503) }; 5]);
    refused(
        yard.github.of_run(42),
        ErrorKind::Transient,
        &["503", "try again later"],
    );
    assert_eq!(yard.fake.count(READ), 4);
}

#[test]
fn a_refusal_is_final() {
    for status in [400, 401, 403, 404, 409, 410, 422] {
        let yard = Yard::new();
        let body = json!({"message": "no"});
        yard.fails(READ, &[Fault::Answer(status, Vec::new(), body)]);
        let error = yard.github.of_run(42).unwrap_err();
        assert_ne!(error.kind, ErrorKind::Transient, "{error}");
        assert_eq!(yard.fake.count(READ), 1);
        assert_eq!(yard.waited(), Duration::ZERO);
    }
}

#[test]
fn limits_are_waited_out_as_long_as_github_says() {
    let yard = Yard::new();
    let now = u64::try_from(yard.clock.now().unix_millis() / 1000).unwrap();
    for (fault, seconds) in [
        (Fault::SecondaryLimit(Some(7)), 7),
        (Fault::SecondaryLimit(None), 60),
        (Fault::PrimaryLimit(now + 30), 31),
        (Fault::SecondaryLimit(Some(0)), 1),
        (
            Fault::Answer(429, Vec::new(), json!({"message": "Too many requests"})),
            60,
        ),
    ] {
        let yard = Yard::new();
        // A write, too: it was refused, so it was not done.
        yard.fails(WRITE, std::slice::from_ref(&fault));
        yard.github.open_deployment(&draft()).unwrap();
        assert_eq!(yard.waited(), Duration::from_secs(seconds), "{fault:?}");
        assert_eq!(yard.fake.count(WRITE), 2);
        assert_eq!(yard.fake.deployments().len(), 1);
    }
}

#[test]
fn a_limit_that_lasts_too_long_is_told_with_its_end_and_nothing_more_is_sent() {
    let yard = Yard::new();
    let now = u64::try_from(yard.clock.now().unix_millis() / 1000).unwrap();
    yard.fails(READ, &[Fault::PrimaryLimit(now + 1800)]);
    let until = [
        "403",
        "API rate limit exceeded",
        "until 2026-11-20T12:30:01",
        "waits 120 seconds at most",
    ];
    refused(yard.github.of_run(42), ErrorKind::Transient, &until);
    assert_eq!(yard.waited(), Duration::ZERO);
    let asked = yard.fake.requests().len();
    refused(
        yard.github.open_deployment(&draft()),
        ErrorKind::Transient,
        &["until 2026-11-20T12:30:01"],
    );
    assert_eq!(yard.fake.requests().len(), asked);
    // Near its end it is waited for, and then everything goes on.
    yard.clock.advance(Duration::from_secs(1781));
    yard.github.of_run(42).unwrap();
    assert_eq!(yard.waited(), Duration::from_secs(1801));
}

#[test]
fn all_waits_of_one_verb_together_have_a_bound() {
    let yard = Yard::new();
    yard.fails(READ, &[const { Fault::SecondaryLimit(None) }; 9]);
    refused(
        yard.github.of_run(42),
        ErrorKind::Transient,
        &["secondary rate limit", "120 seconds"],
    );
    assert_eq!(yard.waited(), Duration::from_secs(120));
    assert_eq!(yard.fake.count(READ), 3);
}

/// A clock on which every look takes a minute, as where GitHub keeps silent.
struct Slow(FakeClock);

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.advance(Duration::from_secs(60));
        self.0.monotonic()
    }

    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        self.0.sleep(period)
    }

    fn interruption(&self) -> Option<Interrupted> {
        self.0.interruption()
    }
}

#[test]
fn a_github_that_keeps_silent_is_given_up_after_three_minutes() {
    let yard = Yard::new();
    let connection = connected(&yard.fake.url(), Arc::new(Slow(FakeClock::default()))).unwrap();
    let github = GitHub::new(connection, "acme/hello").unwrap();
    yard.fails(READ, &[const { Fault::Page(504) }; 4]);
    refused(github.of_run(42), ErrorKind::Transient, &["504"]);
    assert_eq!(yard.fake.count(READ), 3);
    yard.fails(WRITE, &[const { Fault::Page(504) }; 4]);
    refused(github.open_deployment(&draft()), ErrorKind::Ambiguous, &["504"]);
    assert_eq!(yard.fake.count(WRITE), 3);
}

#[test]
fn a_signal_ends_the_wait() {
    let yard = Yard::new();
    yard.fails(READ, &[Fault::SecondaryLimit(Some(60))]);
    yard.clock.interrupt_after(Duration::from_secs(5), "SIGTERM");
    refused(
        yard.github.of_run(42),
        ErrorKind::Transient,
        &["interrupted by SIGTERM"],
    );
    assert_eq!(yard.waited(), Duration::from_secs(5));
}

#[test]
fn a_renamed_repository_is_told_and_nothing_is_sent_to_its_new_place() {
    let yard = Yard::of(Repository {
        renamed: Some("acme/goodbye".to_owned()),
        ..Repository::default()
    });
    let parts = [
        "acme/hello was renamed or moved",
        "it is acme/goodbye now",
        "GITHUB_REPOSITORY",
    ];
    refused(yard.github.of_run(42), ErrorKind::Missing, &parts);
    refused(
        yard.github.upsert_comment(&crate::forge::comments::comment("x")),
        ErrorKind::Missing,
        &parts,
    );
    let asked = yard.fake.requests();
    assert!(asked.iter().all(|asked| asked.method == "GET"));
    assert_eq!(asked.len(), 4);
}

#[test]
fn a_redirect_to_elsewhere_takes_no_token_along() {
    let yard = Yard::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!("http://{}/x", elsewhere.local_addr().unwrap());
    for status in [301, 302, 307, 308] {
        let headers = vec![("location".to_owned(), location.clone())];
        yard.fails(
            READ,
            &[Fault::Answer(status, headers, json!({"message": "Moved"}))],
        );
        refused(
            yard.github.of_run(42),
            ErrorKind::Missing,
            &["look up its new name"],
        );
    }
    assert!(elsewhere.accept().is_err());
}

#[test]
fn an_endless_answer_is_not_read_to_its_end() {
    let yard = Yard::new();
    yard.fails(READ, &[Fault::Endless]);
    refused(
        yard.github.of_run(42),
        ErrorKind::Invalid,
        &["more than 8388608 bytes"],
    );
}

#[test]
fn a_server_of_ones_own_is_spoken_to_below_its_path() {
    let yard = Yard::of(Repository {
        prefix: "/api/v3".to_owned(),
        ..Repository::default()
    });
    assert!(yard.fake.url().ends_with("/api/v3"));
    yard.github.open_deployment(&draft()).unwrap();
    assert_eq!(yard.fake.deployments().len(), 1);
}

fn open(api: &str, repository: &str) -> Result<GitHub, PortError> {
    GitHub::new(connected(api, Arc::new(FakeClock::default()))?, repository)
}

#[test]
fn a_write_that_never_left_is_sent_again_and_then_told() {
    let closed = free_address();
    let github = open(&format!("http://{closed}"), "acme/hello").unwrap();
    refused(github.of_run(42), ErrorKind::Transient, &["127.0.0.1"]);
    let outcome = github.upsert_comment(&crate::forge::comments::comment("x"));
    refused(outcome, ErrorKind::Transient, &["commenting on pull request 7"]);
}

#[test]
fn a_wrong_token_is_told_without_showing_it() {
    let yard = Yard::new();
    yard.fake
        .with(|state| state.repository.token = "ghs_another".to_owned());
    refused(
        yard.github.of_run(42),
        ErrorKind::Denied,
        &["401", "Bad credentials", "check GITHUB_TOKEN"],
    );
    // Whoever repeats it is not believed.
    let yard = Yard::new();
    let echo = json!({"message": "Bearer ghs_swordfish is not known", "errors": ["ghs_swordfish"]});
    yard.fails(READ, &[Fault::Answer(400, Vec::new(), echo)]);
    refused(
        yard.github.of_run(42),
        ErrorKind::Invalid,
        &["Bearer *** is not known"],
    );
}

#[test]
fn the_token_goes_nowhere_in_the_clear_and_the_repository_has_to_be_one() {
    assert_eq!(
        open("https://api.github.com", "acme/hello").unwrap().name(),
        "github.com acme/hello"
    );
    let own = open("https://ghe.example.test/api/v3", "acme/hello").unwrap();
    assert_eq!(own.name(), "ghe.example.test acme/hello");
    assert!(open("http://localhost:1", "acme/hello").is_ok());
    for (api, repository) in [
        ("http://api.github.com", "acme/hello"),
        ("http://127.0.0.1.evil.test", "acme/hello"),
        ("https://api.github.com", "acme"),
        ("https://api.github.com", "acme/hello/.."),
        ("https://api.github.com", "../x"),
    ] {
        let error = open(api, repository).map(|_| ()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{api} {repository}");
        assert!(!error.to_string().contains("swordfish"));
    }
}
