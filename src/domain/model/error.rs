//! Errors behind the ports: what was being done, what happened, and what can be done about it.

use std::fmt;
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

/// An error behind a port. Reads as "while {doing}: {message}".
#[derive(Debug, Clone, Error)]
#[error("{doing}: {message}")]
pub struct PortError {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// What was being done, as a lowercase fragment with the object's name: "starting web-1 (green)".
    pub doing: String,
    /// What happened, and how to fix it where that is known. Never holds a secret.
    pub message: String,
}

impl PortError {
    /// An error of `kind` while `doing`, caused by `cause`.
    pub fn new(kind: ErrorKind, doing: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self {
            kind,
            doing: doing.into(),
            message: cause.to_string(),
        }
    }
}
