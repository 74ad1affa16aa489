//! What happened in an environment.

use crate::domain::history::{
    ApprovalChange, ApprovalRecord, DeploymentEntry, GuardChange, Guards, Promoted, Scanned, Switched, Told,
};
use crate::domain::model::Timestamp;
use serde::Serialize;

/// What happened in one environment: of each kind, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.history/1", rename_all = "camelCase")]
pub struct HistoryDocument<'a> {
    /// Deployments and rollbacks.
    pub deployments: Vec<&'a DeploymentEntry>,
    /// Scans.
    pub scans: Vec<&'a Scanned>,
    /// Promotions.
    pub promotions: Vec<&'a Promoted>,
    /// Switches of its protection.
    pub protection: Vec<&'a Switched>,
    /// Approvals that were given or withdrawn.
    pub approvals: Vec<ChangeRow<&'a ApprovalChange>>,
    /// Locks and freezes that were put on or taken off.
    pub guards: Vec<ChangeRow<&'a GuardChange>>,
}

/// A record that changed what stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow<C> {
    /// When it was written.
    pub at: Timestamp,
    /// Its sequence number in the ledger.
    pub seq: u64,
    /// What changed.
    pub change: C,
}

impl<'a> ChangeRow<&'a ApprovalChange> {
    /// Shows what a record changed about approvals, without what stood after it.
    pub fn of_approvals(told: &'a Told<ApprovalRecord>) -> Self {
        Self {
            at: told.at,
            seq: told.seq,
            change: &told.body.change,
        }
    }
}

impl<'a> ChangeRow<&'a GuardChange> {
    /// Shows what a record changed about locks and freezes, without what stood after it.
    pub fn of_guards(told: &'a Told<Guards>) -> Self {
        Self {
            at: told.at,
            seq: told.seq,
            change: &told.body.change,
        }
    }
}
