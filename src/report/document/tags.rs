//! The tags of an image.

use crate::domain::model::{CommitId, Tag, Timestamp, Version};
use serde::Serialize;

/// The tags that an image of this commit gets for an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.tags/1", rename_all = "camelCase")]
pub struct TagsDocument<'a> {
    /// The tags, the build's own first.
    pub tags: &'a [Tag],
    /// The version.
    pub version: &'a Version,
    /// The commit; `None` outside a repository.
    pub sha: Option<&'a CommitId>,
    /// The time that the tags tell.
    pub time: Timestamp,
    /// The image's repository; `None` where the project has no image.
    pub image: Option<&'a str>,
    /// Why `latest` is not among them, where it might have been expected.
    pub withheld: Option<&'a str>,
}
