//! Records that hold all of what stands (a switch, a list), so that the newest one is all that has to be read.

use super::Unreadable;
use super::refs::carried;
use crate::domain::model::{Record, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A body of such records. The reference to the newest of them has the name of their kind.
pub trait StandingRecord: DeserializeOwned {
    /// The kind of the records.
    const KIND: &'static str;
}

/// A body as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told<T> {
    /// When it was written.
    pub at: Timestamp,
    /// The record.
    pub seq: u64,
    /// What it says.
    #[serde(flatten)]
    pub body: T,
}

/// The record that holds what stands of kind `T`, as the newest record of the environment, `head`, tells.
pub fn newest_of<T: StandingRecord>(head: &Record) -> Option<u64> {
    head.refs.get(T::KIND).copied()
}

/// The references of a record of kind `T` that follows `previous`.
pub fn refs_after_kept<T: StandingRecord>(previous: Option<&Record>) -> BTreeMap<String, u64> {
    let (mut refs, seq) = carried(previous);
    refs.insert(T::KIND.to_owned(), seq);
    refs
}

/// What a record of kind `T` says; `None` for records of other kinds.
///
/// # Errors
/// When the body is none.
pub fn told_in<T: StandingRecord>(record: &Record) -> Result<Option<Told<T>>, Unreadable> {
    if record.kind != T::KIND {
        return Ok(None);
    }
    let body = T::deserialize(&record.body).map_err(|error| Unreadable {
        seq: record.seq,
        reason: error.to_string(),
    })?;
    Ok(Some(Told {
        at: record.at,
        seq: record.seq,
        body,
    }))
}

/// Everything of kind `T` that `records` tell of, oldest first. What cannot be understood is passed over: a
/// newer greenroom may have written it.
pub fn told_by<'a, T: StandingRecord>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Told<T>> {
    records
        .into_iter()
        .filter_map(|record| told_in(record).ok().flatten())
        .collect()
}
