//! Records that hold a whole list of what stands, so that the newest one is all that has to be read.

use super::Unreadable;
use super::refs::carried;
use crate::model::{Record, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A body of such records. The reference to the newest of them has the name of their kind.
pub trait Kept: DeserializeOwned {
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

/// The record that holds the list of kind `T`, as the newest record of the environment, `head`, tells.
pub fn newest_of<T: Kept>(head: &Record) -> Option<u64> {
    head.refs.get(T::KIND).copied()
}

/// The references of a record of kind `T` that follows `previous`.
pub fn refs_after_list<T: Kept>(previous: Option<&Record>) -> BTreeMap<String, u64> {
    let (mut refs, seq) = carried(previous);
    refs.insert(T::KIND.to_owned(), seq);
    refs
}

/// The body of a record of kind `T`; `None` for records of other kinds.
///
/// # Errors
/// When the body is none.
pub fn standing_in<T: Kept>(record: &Record) -> Result<Option<T>, Unreadable> {
    if record.kind != T::KIND {
        return Ok(None);
    }
    T::deserialize(&record.body)
        .map(Some)
        .map_err(|error| Unreadable {
            seq: record.seq,
            reason: error.to_string(),
        })
}

/// Everything of kind `T` that `records` tell of, oldest first. What cannot be understood is passed over: a
/// newer greenroom may have written it.
pub fn told_by<'a, T: Kept>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Told<T>> {
    records
        .into_iter()
        .filter_map(|record| {
            Some(Told {
                at: record.at,
                seq: record.seq,
                body: standing_in(record).ok().flatten()?,
            })
        })
        .collect()
}
