//! Tags of a repository: moved, and listed.

use super::copy::{Copied, CopyError, CopySource, Destination, Options, copy};
use super::describe::{created, read_parts};
use super::start::begin;
use crate::domain::model::{Digest, PortError, Tag, Timestamp};
use crate::parallel::try_each;
use crate::ports::{Catalog, Content};

/// Points tags of a repository at one of its images; tags that lead there already are left alone.
///
/// # Errors
/// As [`copy`].
pub fn retag(
    catalog: &dyn Catalog,
    from: &CopySource<'_>,
    tags: &[Tag],
    options: &Options<'_>,
) -> Result<Copied, CopyError> {
    let to = Destination {
        repository: from.repository,
        tags,
    };
    copy(catalog, from, &to, options)
}

/// What a copy would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPreview {
    /// The image.
    pub digest: Digest,
    /// Whether the destination has it.
    pub is_there: bool,
    /// Where its tags lead at the destination now.
    pub tags: Vec<(Tag, Option<Digest>)>,
}

/// What [`copy`] would find, with nothing touched.
///
/// # Errors
/// When the source does not have it, or a registry does not answer.
pub fn preview(
    catalog: &dyn Catalog,
    from: &CopySource<'_>,
    to: &Destination<'_>,
    connections: usize,
) -> Result<CopyPreview, PortError> {
    let (digest, standing) = begin(catalog, from, to, connections)?;
    // A digest that was named may be a mistake.
    catalog.manifest(from.repository, &digest)?;
    Ok(CopyPreview {
        is_there: catalog.has(to.repository, Content::Manifest, &digest)?,
        tags: to.tags.iter().cloned().zip(standing).collect(),
        digest,
    })
}

/// A tag, with what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The tag.
    pub tag: Tag,
    /// Its image; `None` when the tag was taken away while the list was made.
    pub digest: Option<Digest>,
    /// When that was made, where it says so.
    pub created: Option<Timestamp>,
}

/// The tags of a repository with what they lead to, sorted: some requests for each.
///
/// # Errors
/// When the registry fails, or something that a tag leads to cannot be read.
pub fn list(catalog: &dyn Catalog, repository: &str, connections: usize) -> Result<Vec<Listed>, PortError> {
    let tags = catalog.tags(repository)?;
    try_each(&tags, connections, |tag| {
        let digest = catalog.resolve(repository, tag)?;
        let created = match &digest {
            Some(digest) => created(catalog, repository, &read_parts(catalog, repository, digest)?)?,
            None => None,
        };
        Ok(Listed {
            tag: tag.clone(),
            digest,
            created,
        })
    })
}
