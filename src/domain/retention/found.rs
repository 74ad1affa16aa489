//! What is in a repository.

use crate::domain::model::{Digest, Tag, Timestamp};
use crate::domain::oci::media::is_manifest;
use crate::domain::oci::{Descriptor, Manifest, attached_by_tag};

/// A manifest or index that was found in the repository: listed by it, or named by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundManifest {
    /// Its digest.
    pub digest: Digest,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// When it was pushed, where the registry says so.
    pub pushed: Option<Timestamp>,
    /// When it was made, by its own words.
    pub created: Option<Timestamp>,
    /// What it is.
    pub content: ManifestContent,
}

/// What reading a manifest came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestContent {
    /// It was read.
    Manifest(Box<Manifest>),
    /// The registry says that it is not there.
    Missing,
    /// It could not be read, and why.
    Unread(String),
}

impl FoundManifest {
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        match &self.content {
            ManifestContent::Manifest(manifest) => Some(manifest),
            ManifestContent::Missing | ManifestContent::Unread(_) => None,
        }
    }
}

/// The manifests that it lists. An index may list other content as well: BuildKit keeps its cache as an
/// index of layers.
pub(super) fn parts(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    let children = manifest.children().iter();
    children.filter(|child| is_manifest(&child.media_type))
}

/// The manifests that it names: its parts, its subject, and what its tags hang it off.
pub fn named(found: &FoundManifest) -> Vec<Digest> {
    let manifest = found.manifest();
    let children = manifest.iter().flat_map(|manifest| parts(manifest));
    let subject = manifest.iter().flat_map(|manifest| &manifest.subject);
    let descriptors = children.chain(subject);
    let attached = found.tags.iter().filter_map(attached_by_tag);
    descriptors
        .map(|descriptor| descriptor.digest.clone())
        .chain(attached.map(|(digest, _)| digest))
        .collect()
}
