//! What was made for a time, and carries its end on itself.

use super::{Removal, Stop};
use crate::domain::model::{EnvironmentName, PortError, Timestamp};
use std::time::Duration;

/// Something that was made for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiringResource {
    /// The environment that it was made for.
    pub environment: EnvironmentName,
    /// What it is, in words: "VM 2003 on pve2", "the directory .greenroom/local/…".
    pub what: String,
    /// Names it to the sweeper that listed it.
    pub key: String,
    /// From then on anybody may remove it, as it says itself.
    pub expires: Timestamp,
}

/// Finds what was made for a time by the mark that each carries, so that it is found also where the
/// record of it was lost, and removes it.
pub trait Sweeper: Send + Sync {
    /// How long a removal may stay under way once it is done by force.
    fn patience(&self) -> Duration;
    /// Everything of this project's service that carries an end, due or not; nothing that others made.
    fn list(&self) -> Result<Vec<ExpiringResource>, PortError>;
    /// Ends and removes it; [`Removal::Gone`] when nothing is left. Looks again before every act whether
    /// it is ours and carries the same end; `Denied` when it does not.
    fn remove(&self, temporary: &ExpiringResource, stop: Stop) -> Result<Removal, PortError>;
}
