//! Which images of a repository may go: recursive mark and sweep over manifests and the ledger. Pure.
//!
//! Marked is what a tag of the user's names, what runs or ran just before anywhere, what is new, and
//! everything that hangs together with one of these, in either direction. The rest is swept. When
//! anything could not be read, nothing goes.

mod mark;
mod plan;
mod series;

pub use plan::{Doomed, PrunePlan, PruneRefusal, RetainedImage, Unread, named, plan, undated};

use crate::domain::model::{Digest, EnvironmentName, Period, Tag, Timestamp};
use crate::domain::oci::Manifest;

/// What stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Of each environment's build tags (`staging-v1.2.3-20261120-235019-abc123d`) the newest images,
    /// at least this many.
    pub keep_last: u32,
    /// Of these, also all that are younger.
    pub keep_for: Period,
    /// Whatever was pushed less than this ago, since a build that is under way names its parts last.
    pub grace: Period,
    /// Environments whose build tags age. Every other tag stays, and so does its image.
    pub environments: Vec<EnvironmentName>,
}

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
    fn manifest(&self) -> Option<&Manifest> {
        match &self.content {
            ManifestContent::Manifest(manifest) => Some(manifest),
            ManifestContent::Missing | ManifestContent::Unread(_) => None,
        }
    }
}

/// An image that the ledger needs, and what for: "live in production".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The image.
    pub digest: Digest,
    /// What for.
    pub why: String,
}

#[cfg(test)]
mod tests;
