//! Images in registries: copied, tagged, listed, described.

use crate::domain::model::{Digest, Tag, Timestamp, Version};
use serde::Serialize;

/// An image that was copied.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.image.copy/1", rename_all = "camelCase")]
pub struct ImageCopyDocument<'a> {
    /// What was copied.
    #[serde(flatten)]
    pub transfer: ImageTransfer<'a>,
}

/// An image that was given tags.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.image.tag/1", rename_all = "camelCase")]
pub struct ImageTagDocument<'a> {
    /// What was tagged.
    #[serde(flatten)]
    pub transfer: ImageTransfer<'a>,
}

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageTransfer<'a> {
    /// The repository that has the image now.
    pub repository: &'a str,
    /// The image.
    pub digest: &'a Digest,
    /// Whether the repository had it before.
    pub was_there: bool,
    /// Manifests that were stored.
    pub manifests_stored: u64,
    /// Blobs whose content was sent; the others were there, or in another repository of the registry.
    pub blobs_sent: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// Digests of what hangs off the image there.
    pub attached: &'a [Digest],
    /// Tags that were moved.
    pub tags_moved: &'a [Tag],
    /// Tags that led to it before.
    pub tags_unmoved: &'a [Tag],
    /// What is worth knowing.
    pub notes: &'a [String],
}

/// What a copy or a tag would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "schema",
    rename = "greenroom.image.preview/1",
    rename_all = "camelCase"
)]
pub struct ImagePreviewDocument<'a> {
    /// The repository that would have the image.
    pub repository: &'a str,
    /// The image.
    pub digest: &'a Digest,
    /// Whether the repository has it.
    pub is_there: bool,
    /// The tags that would lead to it.
    pub tags: Vec<TagRow<'a>>,
}

/// A tag, and where it leads now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagRow<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The image that it leads to; `None` where there is no such tag yet.
    pub now: Option<&'a Digest>,
}

/// The tags of a repository, with `--long` also what they lead to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.image.list/1", rename_all = "camelCase")]
pub struct ImageListDocument<'a> {
    /// The repository.
    pub repository: &'a str,
    /// What is listed.
    #[serde(flatten)]
    pub listed: ImagesListed<'a>,
}

/// What a list of images holds: the name of the field that holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ImagesListed<'a> {
    /// Tags, sorted.
    Tags(&'a [Tag]),
    /// Tags with what they lead to, sorted.
    Images(Vec<ImageRow<'a>>),
}

/// A tag with what it leads to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRow<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// Its image; `None` where the tag was taken away while the list was made.
    pub digest: Option<&'a Digest>,
    /// When that was made, where it says so.
    pub created: Option<Timestamp>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.image/1", rename_all = "camelCase")]
pub struct ImageDocument<'a> {
    /// Its repository.
    pub repository: &'a str,
    /// Digest of the manifest or index.
    pub digest: &'a Digest,
    /// What it is.
    pub media_type: &'a str,
    /// Its version, as it says.
    pub version: Option<&'a Version>,
    /// When it was made, as it says.
    pub created: Option<Timestamp>,
    /// Bytes of all that it consists of, shared blobs once.
    pub size: u64,
    /// Its parts: itself, where it is not an index.
    pub parts: Vec<PartRow<'a>>,
    /// What hangs off it and its parts.
    pub attached: Vec<AttachedRow<'a>>,
}

/// One part of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartRow<'a> {
    /// Digest of its manifest.
    pub digest: &'a Digest,
    /// `linux/arm64/v8`; `None` where nothing says so.
    pub platform: Option<&'a str>,
    /// What it is instead of an image: `attestation-manifest`.
    pub role: Option<&'a str>,
    /// Bytes of its configuration and layers.
    pub size: u64,
    /// How many layers it has.
    pub layers: usize,
}

/// Something that hangs off an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedRow<'a> {
    /// Digest of its manifest.
    pub digest: &'a Digest,
    /// Digest of what it is about: the image or one of its parts.
    pub about: &'a Digest,
    /// What it is, as it says.
    pub artifact_type: Option<&'a str>,
    /// The tag that it hangs by, where it is not a referrer.
    pub tag: Option<&'a Tag>,
}
