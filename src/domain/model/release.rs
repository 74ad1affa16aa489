//! Releases: all that a rollback has to bring back.

use super::text::text_noun;
use super::{Artifact, CommitId, Digest, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_noun!(
    /// Identifies a [`Release`] by content: the first 16 hex digits of the sha256 of its canonical JSON.
    ReleaseId,
    "a release id (16 lower-case hex digits)",
    |text| text.len() == 16 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
);

/// Where the value of a secret comes from. The value itself is never part of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable of the process that runs greenroom.
    Env(String),
    /// A file, whose content without the last line break is the value.
    File(String),
}

/// What runs: the image by digest, its configuration and variables, and where its secrets come from.
/// Two releases of one image with different variables are different releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version its authors gave it.
    pub version: Version,
    /// The image, where the target runs images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The commit it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Variables handed to the service.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Secrets handed to the service, by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
}

impl Release {
    /// The identity of this exact content.
    pub fn id(&self) -> ReleaseId {
        // serde_json writes struct fields in order and these maps are sorted: the text is canonical.
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        ReleaseId(Digest::of(&canonical).hex()[..16].to_owned())
    }
}
