//! An answer of a registry, and what it means that there is none.

use super::retry::{Again, Setback};
use crate::domain::model::{ErrorKind, Explanation, PortError, Redactor};
use crate::host::http::{Failure, HttpError};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// How much of an unwanted body is read, in bytes, so that the connection can serve again.
const DRAINED: u64 = 64 * 1024;

/// An answer whose body has not been read yet.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Box<dyn Read + Send>,
    /// What answered: the request's URL, or that of its last redirect.
    pub(super) url: String,
    /// Who answered, for errors.
    pub(super) host: String,
    /// Which credential was shown and what to do about it, for errors; empty unless it was refused.
    pub(super) credential: String,
    /// What was shown, to be taken out of what the server says about it.
    pub(super) hidden: Redactor,
}

impl Reply {
    /// A header's value, where it is there and not empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Reads what is left of a small body, so that the connection can serve again.
    pub(super) fn drain(self) {
        // A connection that cannot serve again is closed.
        let _ = io::copy(&mut self.body.take(DRAINED), &mut io::sink());
    }

    /// The whole body, which may have at most `most` bytes.
    pub(super) fn whole(self, most: u64, doing: &str) -> Result<Vec<u8>, Setback> {
        let mut bytes = Vec::new();
        self.body
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| {
                let message = format!("{}'s answer was cut short", self.host);
                Setback::passing(PortError::new(ErrorKind::Transient, doing, message).because(&error))
            })?;
        if bytes.len() as u64 > most {
            let message = format!("{}'s answer is larger than {most} bytes", self.host);
            return Err(Setback::last(PortError::new(ErrorKind::Invalid, doing, message)));
        }
        Ok(bytes)
    }
}

/// A request without an answer.
pub(super) fn setback_of(error: &HttpError, doing: &str) -> Setback {
    let port_error = |kind| PortError::new(kind, doing, error);
    match error.failure {
        Failure::Invalid => Setback::last(port_error(ErrorKind::Invalid)),
        Failure::Untrusted => Setback::last(port_error(ErrorKind::Denied).fix(
            "name certificates of your own in GREENROOM_REGISTRY_CA_FILE, or registries in plain HTTP in GREENROOM_REGISTRY_INSECURE",
        )),
        Failure::Unreachable => Setback::passing(port_error(ErrorKind::Transient)),
        Failure::Unanswered => Setback {
            error: port_error(ErrorKind::Transient),
            again: Again::Later,
            unanswered: true,
        },
    }
}

/// What went wrong where content came from, and not where it went.
pub(super) fn setback_of_source(error: &io::Error, doing: &str) -> Setback {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<PortError>());
    let error = match inner {
        Some(inner) => inner.clone(),
        None => PortError::new(
            ErrorKind::Invalid,
            doing,
            Explanation::of(error).while_doing("reading the content"),
        ),
    };
    Setback::last(error)
}
