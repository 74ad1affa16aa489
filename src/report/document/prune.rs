//! Images of repositories that go, and those that stay.

use crate::domain::model::{Digest, Period, Tag, Timestamp};
use serde::Serialize;

/// What was pruned, or would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.prune/1", rename_all = "camelCase")]
pub struct PruneDocument<'a> {
    /// The exit code.
    pub exit: u8,
    /// Of each environment's builds, at least this many stay.
    pub keep_last: u32,
    /// So do all that are younger.
    pub keep_for: Period,
    /// Whatever was pushed less than this ago stays.
    pub grace: Period,
    /// Each repository.
    pub repositories: Vec<PruneRow<'a>>,
}

/// One repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneRow<'a> {
    /// The repository.
    pub repository: &'a str,
    /// What stays, sorted by digest.
    pub keep: Vec<KeptRow<'a>>,
    /// What goes, each before everything that it names.
    pub delete: Vec<DeletedRow<'a>>,
    /// Bytes of blobs that nothing names any more.
    pub freed: u64,
    /// What is needed or listed and was not there before.
    pub absent: Vec<AbsentRow<'a>>,
    /// What was done; `None` where it was only planned.
    pub applied: Option<SweepRow<'a>>,
}

/// An image that stays.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptRow<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// Its tags.
    pub tags: &'a [Tag],
    /// Why: "live in production".
    pub why: &'a str,
}

/// An image that goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedRow<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// Its tags, all of which go with it.
    pub tags: &'a [Tag],
    /// When it was pushed or built, where that is known.
    pub at: Option<Timestamp>,
}

/// An image that is needed and not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AbsentRow<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// What for.
    pub why: &'a str,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepRow<'a> {
    /// What is gone, in order.
    pub deleted: Vec<DeletedRow<'a>>,
    /// What was left because it is wanted after all, or hangs off something that was left.
    pub skipped: Vec<LeftRow<'a>>,
    /// What the registry would not delete.
    pub failed: Vec<LeftRow<'a>>,
    /// What should have stayed and is not there.
    pub broken: &'a [Digest],
    /// Why it ended before its end.
    pub stopped: Option<String>,
}

/// An image that was to go and is left.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftRow<'a> {
    /// The image.
    pub digest: &'a Digest,
    /// Its tags.
    pub tags: &'a [Tag],
    /// Why it is left.
    pub why: &'a str,
}
