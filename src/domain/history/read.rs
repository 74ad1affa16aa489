//! What records say.

use crate::domain::model::Record;
use crate::domain::rollout::Event;
use crate::domain::scan::ScanRecord;
use serde::Deserialize as _;
use thiserror::Error;

/// The kind of the records that hold a [`rollout::Event`](crate::domain::rollout::Event).
pub const ROLLOUT: &str = "rollout";

/// The kind of the records that hold a [`ScanRecord`].
pub const SCAN: &str = "scan";

/// A record whose body is not what its kind says, or that does not lead where it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("reading record {seq} of the ledger: {reason}; was it written by a newer greenroom?")]
pub struct Unreadable {
    /// The record.
    pub seq: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// The event in a record of kind [`ROLLOUT`]; `None` for records of other kinds.
///
/// # Errors
/// When the body is no event.
pub fn event_of(record: &Record) -> Result<Option<Event>, Unreadable> {
    if record.kind != ROLLOUT {
        return Ok(None);
    }
    Event::deserialize(&record.body)
        .map(Some)
        .map_err(|error| Unreadable {
            seq: record.seq,
            reason: error.to_string(),
        })
}

/// The scan in a record of kind [`SCAN`]; `None` for records of other kinds.
///
/// # Errors
/// When the body is no scan.
pub fn scan_in(record: &Record) -> Result<Option<ScanRecord>, Unreadable> {
    if record.kind != SCAN {
        return Ok(None);
    }
    ScanRecord::deserialize(&record.body)
        .map(Some)
        .map_err(|error| Unreadable {
            seq: record.seq,
            reason: error.to_string(),
        })
}
