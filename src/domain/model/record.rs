//! Ledger records.

use super::{DeploymentId, Digest, EnvironmentName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a writer asks the ledger to append; the ledger adds sequence, hash chain and nonce.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When it happened, by the writer's clock.
    pub at: Timestamp,
    /// Epoch of the lease under which it is written; a lower one than the head's is refused.
    pub epoch: u64,
    /// The deployment it belongs to.
    pub deployment: Option<DeploymentId>,
    /// What the body is: `rollout` for an event of a rollout.
    pub kind: String,
    /// Named sequence numbers of earlier records, carried forward so that the newest record leads to
    /// everything that matters in a fixed number of reads (`live`, `open`).
    pub refs: BTreeMap<String, u64>,
    /// The content.
    pub body: serde_json::Value,
}

/// One record as it is stored. Field order is the stored order; the hash is over the stored bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Format version, 1.
    pub v: u32,
    /// Position in its environment's chain, from 0, without gaps.
    pub seq: u64,
    /// sha256 of the stored bytes of the record before; absent in the first.
    pub prev: Option<Digest>,
    /// When it happened, by the writer's clock.
    pub at: Timestamp,
    /// 32 random hex digits: tells a writer whether a record that is already there is its own.
    pub nonce: String,
    /// Epoch of the lease under which it was written.
    pub epoch: u64,
    /// The environment whose chain this is.
    pub environment: EnvironmentName,
    /// The deployment it belongs to.
    pub deployment: Option<DeploymentId>,
    /// What the body is.
    pub kind: String,
    /// Named sequence numbers of earlier records.
    pub refs: BTreeMap<String, u64>,
    /// The content.
    pub body: serde_json::Value,
}

/// A record together with the exact bytes it was stored as.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// sha256 of the stored bytes.
    pub hash: Digest,
}
