//! Promotions: images that were brought to an environment's repository and tags, with what spoke for them.

use crate::domain::model::{Artifact, EnvironmentName, Origin, Proof, Record, Tag, Timestamp, Version};
use serde::{Deserialize, Serialize};

/// The kind of the records that hold a [`PromotionRecord`].
pub const PROMOTION: &str = "promotion";

/// An image was promoted: it is in the environment's repository, and its tags lead to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromotionRecord {
    /// The environment before.
    pub from: EnvironmentName,
    /// The version.
    pub version: Version,
    /// Where it was.
    pub source: Artifact,
    /// Where it is now: the same digest.
    pub image: Artifact,
    /// Tags that lead to it now.
    pub tags: Vec<Tag>,
    /// What spoke for it; `None` where the environment asks for no tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Who asked, why, from where.
    pub origin: Origin,
}

/// A promotion as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promoted {
    /// When.
    pub at: Timestamp,
    /// The record.
    pub seq: u64,
    /// What was promoted.
    #[serde(flatten)]
    pub promotion: PromotionRecord,
}

/// The promotions that `records` tell of, oldest first. What cannot be understood is passed over: a newer
/// greenroom may have written it.
pub fn promotions<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Promoted> {
    let read = |record: &Record| {
        Some(Promoted {
            at: record.at,
            seq: record.seq,
            promotion: PromotionRecord::deserialize(&record.body).ok()?,
        })
    };
    records
        .into_iter()
        .filter(|record| record.kind == PROMOTION)
        .filter_map(read)
        .collect()
}
