//! GitHub's adapter against a GitHub that is stricter than the real one: every verb, every refusal, every
//! answer that was lost.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../support/github/mod.rs"]
mod github;

mod calls;
mod checks;
mod comments;
mod deployments;
mod limits;
mod marks;
mod models;
mod packages;
mod people;
mod scanning;
mod strictness;

use github::{FakeGitHub, Fault, Repository};
use greenroom::forge::github::{Connection, GitHub};
use greenroom::host::http::{Client, Settings};
use greenroom::model::{Secret, Timestamp};
use greenroom::ports::{Clock, ErrorKind, PortError};
use greenroom::testing::clock::FakeClock;
use std::sync::Arc;
use std::time::Duration;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const MERGE: &str = "89abcdef0123456789abcdef0123456789abcdef";
/// Text of somebody who wishes nobody well.
const HOSTILE: &str = "a\r\n::error::b ##[add-mask]c `d` ${{ e }} <!-- f --> \u{202e}g \u{0}h 😀";

/// The adapter, on a clock that moves by its waits only, and what it speaks to.
struct Yard {
    fake: FakeGitHub,
    github: GitHub,
    connection: Arc<Connection>,
    clock: Arc<FakeClock>,
}

impl Yard {
    fn of(repository: Repository) -> Self {
        let fake = FakeGitHub::start(repository);
        let clock = Arc::new(FakeClock::default());
        let name = fake.with(|state| state.repository.name.clone());
        let connection = connected(&fake.url(), clock.clone()).unwrap();
        let github = GitHub::new(Arc::clone(&connection), &name).unwrap();
        Self {
            fake,
            github,
            connection,
            clock,
        }
    }

    fn new() -> Self {
        Self::of(Repository::default())
    }

    /// One whose token may do only this.
    fn allowed(permissions: &[&str]) -> Self {
        Self::of(Repository {
            permissions: Some(permissions.iter().map(|one| (*one).to_owned()).collect()),
            ..Repository::default()
        })
    }

    /// How long was waited in all.
    fn waited(&self) -> Duration {
        self.clock.monotonic()
    }

    fn fails(&self, operation: &str, faults: &[Fault]) {
        for fault in faults {
            self.fake.fail_next(operation, fault.clone());
        }
    }
}

/// A connection with the token of tests.
fn connected(api: &str, clock: Arc<dyn Clock>) -> Result<Arc<Connection>, PortError> {
    let client = Client::new(&Settings::default()).unwrap();
    let token = Secret::new("ghs_swordfish".to_owned());
    Connection::new(client, api, token, clock).map(Arc::new)
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Holds an error against its kind and what has to be in its text.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, PortError>, kind: ErrorKind, parts: &[&str]) -> PortError {
    let error = outcome.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind, kind, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains("swordfish"), "{text}");
    assert!(!text.contains(['\n', '\r', '\u{202e}']), "{text:?}");
    error
}
