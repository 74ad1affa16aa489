//! Acceptance deployments: environments that are written nowhere but in the ledger, for a time.

use super::Unreadable;
use super::refs::{ACCEPTANCE_OF, EVENT, FINISHED, carried};
use crate::domain::model::{EnvironmentName, Origin, Record, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind of the records that hold an [`AcceptanceRecord`].
pub const ACCEPTANCE: &str = "acceptance";

/// The beginning or the end of an acceptance deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum AcceptanceRecord {
    /// It is about to be made.
    Made(AcceptanceTerms),
    /// Nothing is left of it.
    Removed {
        /// Who removed it, and from where.
        origin: Origin,
    },
}

/// What an acceptance deployment is made from: enough to find it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptanceTerms {
    /// The environment that it was made from.
    pub of: EnvironmentName,
    /// The environment whose configuration it has, where that is another.
    pub configuration: Option<EnvironmentName>,
    /// The suite that it was made for.
    pub suite: Option<String>,
    /// From then on anybody may remove it.
    pub expires: Timestamp,
    /// Who made it, why, from where.
    pub origin: Origin,
}

/// What a record of kind [`ACCEPTANCE`] holds; `None` for records of other kinds.
///
/// # Errors
/// When the body is none.
pub fn acceptance_in(record: &Record) -> Result<Option<AcceptanceRecord>, Unreadable> {
    if record.kind != ACCEPTANCE {
        return Ok(None);
    }
    AcceptanceRecord::deserialize(&record.body)
        .map(Some)
        .map_err(|error| Unreadable {
            seq: record.seq,
            reason: error.to_string(),
        })
}

/// The record that tells how the environment was made whose newest record is `head`; `None` for every
/// environment that is configured, and for one of which nothing is left.
pub fn made_at(head: &Record) -> Option<u64> {
    head.refs.get(ACCEPTANCE_OF).copied()
}

/// The references of the record that holds `acceptance` and follows `previous`. Of one that was removed
/// nothing runs any more: only how its last rollout ended stays within reach.
pub fn refs_after_acceptance(
    previous: Option<&Record>,
    acceptance: &AcceptanceRecord,
) -> BTreeMap<String, u64> {
    let (mut refs, seq) = carried(previous);
    match acceptance {
        AcceptanceRecord::Made(_) => {
            refs.insert(ACCEPTANCE_OF.to_owned(), seq);
        }
        AcceptanceRecord::Removed { .. } => refs.retain(|name, _| [EVENT, FINISHED].contains(&name.as_str())),
    }
    refs
}
