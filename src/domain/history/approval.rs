//! Approvals that people gave by a command.

use super::StandingRecord;
use crate::domain::model::{Origin, Subject, Timestamp};
use serde::{Deserialize, Serialize};

/// The kind of the records that hold [`ApprovalRecord`].
pub const APPROVAL: &str = "approval";

/// One person agreed to one image, or one release, in the environment whose ledger this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// To what.
    pub subject: Subject,
    /// Who, why, from where.
    pub origin: Origin,
    /// When.
    pub at: Timestamp,
    /// From when on it does not count any more.
    pub expires: Timestamp,
}

/// What a record of this kind changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalChange {
    /// It was given.
    Approved(Approval),
    /// The person took it back.
    Withdrawn {
        /// What was taken back.
        approvals: Vec<Approval>,
        /// Who did, why, from where.
        origin: Origin,
    },
}

/// A change, and every approval that stands after it: those that had expired are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord {
    /// What changed.
    pub change: ApprovalChange,
    /// What stands.
    pub standing: Vec<Approval>,
}

impl StandingRecord for ApprovalRecord {
    const KIND: &'static str = APPROVAL;
}

impl Approval {
    /// Whether it counts at `now`.
    pub fn counts(&self, now: Timestamp) -> bool {
        now < self.expires
    }
}
