//! What one try of a request came to.

use crate::domain::model::{ErrorKind, Explanation};
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error as _;
use thiserror::Error;

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case; values of a repeated header joined by `, `.
    pub(super) headers: BTreeMap<String, String>,
    /// Its bytes; none with 204.
    pub(super) body: Bytes,
    /// GitHub's own words in a refusal, without the token; empty in a success.
    pub(super) said: String,
}

impl Answer {
    /// Whether the status is 200 to 299.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns its JSON; null where there is none. A refusal by somebody on the way is a page, and the status
    /// says enough.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// No answer, or not all of it. It travels through octocrab as the error of its transport, and comes out as it
/// went in: whether a request left decides whether it may be sent again.
#[derive(Debug, Error)]
#[error("{what}")]
pub(super) struct Lost {
    /// Whether the request may have left.
    pub(super) left: bool,
    /// What kind of trouble it is.
    pub(super) kind: ErrorKind,
    /// What happened.
    pub(super) what: Explanation,
}

impl Lost {
    /// Something went wrong before anything was sent.
    pub(super) fn before(why: impl Into<Explanation>) -> Self {
        Self {
            left: false,
            kind: ErrorKind::Invalid,
            what: why.into(),
        }
    }

    /// Something went wrong, and nobody can say whether anything was sent before.
    pub(super) fn on_the_way(why: impl Into<Explanation>) -> Self {
        Self {
            left: true,
            kind: ErrorKind::Transient,
            what: why.into(),
        }
    }
}

impl From<octocrab::Error> for Lost {
    fn from(error: octocrab::Error) -> Self {
        match error {
            octocrab::Error::Service { source, .. } => match source.downcast::<Self>() {
                Ok(lost) => *lost,
                // Of octocrab's own queue, whose other end may have taken the request.
                Err(other) => Self::on_the_way(other.to_string()),
            },
            // All its other errors are about the making of a request.
            other => Self::before(cause(&other)),
        }
    }
}

/// Returns what an error of octocrab's is about: its own words repeat its cause, or are only its kind.
pub(super) fn cause(error: &octocrab::Error) -> String {
    match error.source() {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}
