//! The ports of what keeps images.

use crate::domain::model::{Digest, PortError, Tag, Timestamp};
use crate::domain::oci::Descriptor;
use std::collections::BTreeSet;
use std::io::Read;

/// What a digest in a repository names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A manifest or an index.
    Manifest,
    /// A configuration or a layer.
    Blob,
}

/// Content that can be read from its beginning as often as it takes.
pub type Reopen<'a> = dyn Fn() -> Result<Box<dyn Read + Send>, PortError> + Sync + 'a;

/// A blob that is to be stored.
pub struct Blob<'a> {
    /// Its digest.
    pub digest: &'a Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Another repository that holds it. Where that is in the same registry, nothing is sent.
    pub from: Option<&'a str>,
    /// Opens it: not at all where the registry has it, again where sending has to be repeated.
    pub open: &'a Reopen<'a>,
}

/// Opens content that is in memory, for [`Blob::open`].
pub fn in_memory(content: &[u8]) -> impl Fn() -> Result<Box<dyn Read + Send>, PortError> + Sync {
    move || Ok(Box::new(std::io::Cursor::new(content.to_vec())) as Box<dyn Read + Send>)
}

/// Where images are kept. Every read is checked against its digest. A repository is named with the
/// registry's host (`ghcr.io/acme/app`), or without one in the project's own store (`app`).
pub trait Registry: Send + Sync {
    /// The digest that `tag` names, if there is such a tag.
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError>;
    /// Whether this content is there. Reads none of it.
    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError>;
    /// The digest that `tag` names with the exact bytes of its manifest or index, if there is such a tag: for those
    /// who want to know both, in one request where the registry can. A registry may count it as a pull, which it
    /// does not do with [`resolve`](Self::resolve).
    fn manifest_by_tag(&self, repository: &str, tag: &Tag) -> Result<Option<(Digest, Vec<u8>)>, PortError> {
        let Some(digest) = self.resolve(repository, tag)? else {
            return Ok(None);
        };
        let bytes = self.manifest(repository, &digest)?;
        Ok(Some((digest, bytes)))
    }
    /// The exact bytes of a manifest or index.
    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError>;
    /// A blob as a stream whose last read fails when the content does not match the digest.
    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError>;
    /// Stores a blob; does nothing when it is already there.
    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError>;
    /// Stores a manifest byte for byte, and points the tags at it. `Invalid` when something that it
    /// lists is not there; its subject need not be.
    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError>;
}

/// An image that a repository holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldImage {
    /// Digest of its manifest or index.
    pub digest: Digest,
    /// Its tags, sorted; none where it has lost them.
    pub tags: Vec<Tag>,
    /// When it was pushed. Told by a registry that keeps a list of all its images, which then holds those
    /// without a tag and those that are about others, too; `None` by one that lists only tags.
    pub pushed: Option<Timestamp>,
}

/// What is taken out of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discard {
    /// A tag; the image stays.
    Tag(Tag),
    /// A manifest with every tag that it has.
    Manifest(Digest),
}

/// A registry that can say what it holds, and give things up (OCI distribution spec, "Content Discovery"
/// and "Content Management").
pub trait Catalog: Registry {
    /// Every tag of the repository, sorted; none where there is no such repository.
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError>;
    /// The same, where one request is enough; `None` where there are more tags than that.
    fn tags_at_once(&self, repository: &str) -> Result<Option<Vec<Tag>>, PortError> {
        self.tags(repository).map(Some)
    }
    /// Manifests whose subject is `digest`, by the registry's API or by the tag that stands in for it.
    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError>;
    /// The same, for those who know every tag of the repository: the tag that stands in for the API is asked for
    /// only when it is one of `tags`.
    fn referrers_among(
        &self,
        repository: &str,
        digest: &Digest,
        _tags: &BTreeSet<Tag>,
    ) -> Result<Vec<Descriptor>, PortError> {
        self.referrers(repository, digest)
    }
    /// Every image that the registry can list, sorted by digest; those without a tag only where it can
    /// name them.
    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError>;
    /// Takes it out; does nothing when it is not there. `Unsupported` where the registry cannot.
    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError>;
}
