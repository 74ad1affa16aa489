//! Errors behind the ports: what was being done, what happened, and what can be done about it.

use super::Explanation;
use thiserror::Error;

/// What went wrong behind a port, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// May pass by itself: the engine tries again, a bounded number of times.
    Transient,
    /// No permission, or a guard refused.
    Denied,
    /// The thing that was asked for is not there.
    Missing,
    /// Someone else was first, or holds it.
    Conflict,
    /// The request makes no sense; repeating it will not help.
    Invalid,
    /// This implementation cannot do it.
    Unsupported,
    /// It may or may not have happened (a timeout after a write): inspect before doing anything.
    Ambiguous,
}

/// An error behind a port. Reads as "{doing}: {message}: {causes}; {fix}" where only one line can be shown.
#[derive(Debug, Clone, Error)]
#[error("{doing}: {why}")]
pub struct PortError {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// What was being done, as a lowercase fragment with the object's name: "starting web-1 (green)".
    pub doing: String,
    /// What happened, what it came from and how to fix it where that is known. Never holds a secret.
    #[source]
    pub why: Explanation,
}

impl PortError {
    /// Returns an error of `kind` while `doing`. `why` is a text, or an error by reference: its own words are the
    /// message then, and those of its sources the causes.
    pub fn new(kind: ErrorKind, doing: impl Into<String>, why: impl Into<Explanation>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            why: why.into(),
        }
    }

    /// Adds the error that it came from, with the chain of that one's sources.
    #[must_use]
    pub fn because(mut self, cause: &(dyn std::error::Error + 'static)) -> Self {
        self.why = self.why.because(cause);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.why = self.why.fix(fix);
        self
    }
}
