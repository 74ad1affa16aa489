//! The adapter on a clock of its own, and the GitHub that it speaks to.

use crate::support::github::{FakeGitHub, Fault, Repository};
use greenroom::adapters::forge::github::{Connection, GitHub};
use greenroom::domain::model::{ErrorKind, PortError, Secret, Timestamp};
use greenroom::host::http::{Client, HttpSettings};
use greenroom::ports::Clock;
use greenroom::testing::clock::FakeClock;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const MERGE: &str = "89abcdef0123456789abcdef0123456789abcdef";
/// Text of somebody who wishes nobody well.
pub(crate) const HOSTILE: &str = "a\r\n::error::b ##[add-mask]c `d` ${{ e }} <!-- f --> \u{202e}g \u{0}h 😀";

/// The adapter, on a clock that moves by its waits only, and what it speaks to.
pub(crate) struct Yard {
    pub(crate) fake: FakeGitHub,
    pub(crate) github: GitHub,
    pub(crate) connection: Arc<Connection>,
    pub(crate) clock: Arc<FakeClock>,
}

impl Yard {
    pub(crate) fn of(repository: Repository) -> Self {
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

    pub(crate) fn new() -> Self {
        Self::of(Repository::default())
    }

    /// One whose token may do only this.
    pub(crate) fn allowed(permissions: &[&str]) -> Self {
        Self::of(Repository {
            permissions: Some(permissions.iter().map(|one| (*one).to_owned()).collect()),
            ..Repository::default()
        })
    }

    /// How long was waited in all.
    pub(crate) fn waited(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn fails(&self, operation: &str, faults: &[Fault]) {
        for fault in faults {
            self.fake.fail_next(operation, fault.clone());
        }
    }
}

/// A connection with the token of tests.
pub(crate) fn connected(api: &str, clock: Arc<dyn Clock>) -> Result<Arc<Connection>, PortError> {
    let client = Client::new(&HttpSettings::default()).unwrap();
    let token = Secret::new("ghs_swordfish".to_owned());
    Connection::new(client, api, token, clock).map(Arc::new)
}

pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Holds an error against its kind and what has to be in its text.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    outcome: Result<T, PortError>,
    kind: ErrorKind,
    parts: &[&str],
) -> PortError {
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
