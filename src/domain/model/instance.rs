//! What stands in the units of an environment.

use super::{Endpoint, ReleaseId, Slot, Timestamp};
use std::collections::BTreeMap;

/// One running (or stopped) copy of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The release it was put with.
    pub release: ReleaseId,
    /// Whether it runs; what stopped it is in `note`.
    pub running: bool,
    /// Where it listens.
    pub address: Option<Endpoint>,
    /// When it was started.
    pub started: Timestamp,
    /// What else is worth saying: "exited with status 1 after 0.2 s".
    pub note: Option<String>,
}

/// What was found in one unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    /// What stands in each slot.
    pub slots: BTreeMap<Slot, Instance>,
    /// What is in the way and was not made by greenroom, in words.
    pub foreign: Option<String>,
}
