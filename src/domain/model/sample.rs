//! What was seen of a running service.

use super::{Period, Timestamp};
use std::collections::BTreeMap;

/// What one sample saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// An HTTP answer.
    Answer {
        /// Status code.
        status: u16,
        /// Header names in lower case.
        headers: BTreeMap<String, String>,
        /// The first 64 KiB of the body.
        body: Vec<u8>,
    },
    /// A TCP connection was made.
    Connected,
    /// A command ended.
    Exited {
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
        /// The last 4 KiB it wrote, standard error after standard output.
        output: String,
    },
    /// There was no answer, and that is a finding about the service: refused, reset, timed out.
    Unanswered(String),
}

/// One sample of a running service.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When it was begun.
    pub at: Timestamp,
    /// How long it took.
    pub took: Period,
    /// What it saw.
    pub seen: Observation,
}
