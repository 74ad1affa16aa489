//! Locks and freezes that people ordered by a command.

use super::StandingRecord;
use crate::domain::model::{Origin, Timestamp};
use serde::{Deserialize, Serialize};

/// The kind of the records that hold [`Guards`].
pub const LOCK: &str = "lock";

/// What a guard stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardKind {
    /// Everything: neither forward nor back.
    Lock,
    /// Deployments; going back is allowed.
    Freeze,
}

/// Somebody wants the environment to stay as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// What it stops.
    pub kind: GuardKind,
    /// From when on.
    pub from: Timestamp,
    /// When it is over; `None` where somebody has to take it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who, why, from where.
    pub origin: Origin,
}

/// What a record of this kind changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardChange {
    /// It was put on.
    Put(Guard),
    /// They were taken off.
    Lifted {
        /// What was.
        guards: Vec<Guard>,
        /// Who did, why, from where.
        origin: Origin,
    },
}

/// A change, and everything that stands after it: what was over is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guards {
    /// What changed.
    pub change: GuardChange,
    /// What stands, or will.
    pub standing: Vec<Guard>,
}

impl StandingRecord for Guards {
    const KIND: &'static str = LOCK;
}

impl Guard {
    /// Whether it is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}
