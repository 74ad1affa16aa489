//! Protection that was switched by a person: it stands above the configuration until it is switched again.

use super::{StandingRecord, Told};
use crate::domain::model::Origin;
use serde::{Deserialize, Serialize};

/// The kind of the records that hold a [`ProtectionRecord`].
pub const PROTECTION: &str = "protection";

/// An environment's protection was switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtectionRecord {
    /// Whether it is on.
    pub enabled: bool,
    /// Who switched it, why, from where.
    pub origin: Origin,
}

impl StandingRecord for ProtectionRecord {
    const KIND: &'static str = PROTECTION;
}

/// A switch as it stands in the ledger.
pub type Switched = Told<ProtectionRecord>;
