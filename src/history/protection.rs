//! Protection that was switched by a person: it stands above the configuration until it is switched again.

use super::Unreadable;
use super::refs::carried;
use crate::model::{Origin, Record, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind of the records that hold a [`Protection`].
pub const PROTECTION: &str = "protection";
/// Name of the reference to the newest of them.
const NEWEST: &str = "protection";

/// An environment's protection was switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protection {
    /// Whether it is on.
    pub enabled: bool,
    /// Who switched it, why, from where.
    pub origin: Origin,
}

/// A switch as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Switched {
    /// When.
    pub at: Timestamp,
    /// The record.
    pub seq: u64,
    /// What was switched.
    #[serde(flatten)]
    pub protection: Protection,
}

/// Every switch that `records` tell of, oldest first. What cannot be understood is passed over: a newer
/// greenroom may have written it.
pub fn switches<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Switched> {
    records
        .into_iter()
        .filter_map(|record| switched(record).ok().flatten())
        .collect()
}

/// The switch in a record of kind [`PROTECTION`]; `None` for records of other kinds.
///
/// # Errors
/// When the body is none.
pub fn switched(record: &Record) -> Result<Option<Switched>, Unreadable> {
    if record.kind != PROTECTION {
        return Ok(None);
    }
    let protection = Protection::deserialize(&record.body).map_err(|error| Unreadable {
        seq: record.seq,
        reason: error.to_string(),
    })?;
    Ok(Some(Switched {
        at: record.at,
        seq: record.seq,
        protection,
    }))
}

/// The record that holds the newest switch, as the newest record of the environment, `head`, tells.
pub fn switch_of(head: &Record) -> Option<u64> {
    head.refs.get(NEWEST).copied()
}

/// The references of the record that holds a switch and follows `previous`.
pub fn refs_after_switch(previous: Option<&Record>) -> BTreeMap<String, u64> {
    let (mut refs, seq) = carried(previous);
    refs.insert(NEWEST.to_owned(), seq);
    refs
}
