//! Time, and the signals that end a wait.

use crate::domain::model::Timestamp;
use std::time::Duration;
use thiserror::Error;

/// The wait was ended by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted by {signal}")]
pub struct Interrupted {
    /// `SIGINT` or `SIGTERM`.
    pub signal: &'static str,
}

/// Time.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits; ends early when a signal comes or has come that was not yet [taken](Clock::interruption).
    fn sleep(&self, period: Duration) -> Result<(), Interrupted>;
    /// Takes the pending signal, if there is one.
    fn interruption(&self) -> Option<Interrupted>;
}
