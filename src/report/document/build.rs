//! An image that was built.

use crate::domain::model::{Artifact, Period, Tag, Version};
use serde::Serialize;

/// An image that was built, or was there already.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.build/1", rename_all = "camelCase")]
pub struct BuildDocument<'a> {
    /// The image by digest.
    pub image: &'a Artifact,
    /// Its tags, its own first.
    pub tags: &'a [Tag],
    /// Its version.
    pub version: &'a Version,
    /// How it was made; `None` where it was there already.
    pub made: Option<BuildRow<'a>>,
}

/// How an image was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildRow<'a> {
    /// By which program: `docker buildx`, `buildah`, `command`; `None` where greenroom did it itself.
    pub builder: Option<&'a str>,
    /// How long it took, up to its digest.
    pub took: Period,
    /// How long it took to answer when it was tried out; left out where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup: Option<Period>,
    /// What is worth knowing about it; left out where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
}
