//! Images by name, with or without a project: copied, tagged, listed, described.

use super::error::AppError;
use crate::domain::model::{Digest, ErrorKind, Explanation, ImageName, PortError, Tag};
use crate::images::{
    self, CONNECTIONS, Copied, CopyPreview, CopySource, Described, Destination, Listed, Meter, Options, Which,
};
use crate::ports::Catalog;
use std::sync::Arc;

/// What is to be copied.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// The image: by tag, by digest, or both, when the digest counts.
    pub from: ImageName,
    /// Where to; without a tag it gets the tag of the source.
    pub to: ImageName,
    /// Whether signatures, attestations and the like go along.
    pub attached: bool,
    /// Whether every part is looked at though the image is there.
    pub deep: bool,
    /// Most requests at the same time.
    pub connections: usize,
}

impl CopyRequest {
    fn tags(&self) -> Result<Vec<Tag>, AppError> {
        if let (Some(wanted), Some(given)) = (&self.to.digest, &self.from.digest)
            && wanted != given
        {
            return Err(AppError::usage(format!(
                "{} names another digest than {}: a copy has the digest of its source",
                self.to, self.from
            )));
        }
        if self.to.digest.is_some() && self.from.digest.is_none() {
            return Err(AppError::usage(
                Explanation::new(format!("{} names a digest", self.to)).fix("name it in the source instead"),
            ));
        }
        // Whoever names a digest alone wants just that.
        let tag = match (&self.to.tag, &self.to.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => self.from.tag.as_ref(),
            (None, Some(_)) => None,
        };
        Ok(tag.into_iter().cloned().collect())
    }
}

/// Which image a name means.
///
/// # Errors
/// When it names neither tag nor digest.
pub fn which(name: &ImageName) -> Result<Which<'_>, AppError> {
    match (&name.digest, &name.tag) {
        (Some(digest), _) => Ok(Which::Digest(digest)),
        (None, Some(tag)) => Ok(Which::Tag(tag)),
        (None, None) => Err(AppError::usage(
            Explanation::new(format!("{name} names no image"))
                .fix(format!("add a tag or a digest ({name}:1.2.3, {name}@sha256:…)")),
        )),
    }
}

/// Copies an image, with its tags last.
///
/// # Errors
/// As [`images::copy`].
pub fn copy(catalog: &dyn Catalog, wish: &CopyRequest, meter: &Arc<Meter>) -> Result<Copied, AppError> {
    let tags = wish.tags()?;
    let (from, to) = ends(wish, &tags)?;
    let options = Options {
        connections: wish.connections,
        attached: wish.attached,
        deep: wish.deep,
        meter,
    };
    Ok(images::copy(catalog, &from, &to, &options)?)
}

/// What [`copy`] would find, with nothing touched.
///
/// # Errors
/// When the source does not have it, or a registry does not answer.
pub fn preview(catalog: &dyn Catalog, wish: &CopyRequest) -> Result<CopyPreview, AppError> {
    let tags = wish.tags()?;
    let (from, to) = ends(wish, &tags)?;
    Ok(images::preview(catalog, &from, &to, wish.connections)?)
}

fn ends<'a>(wish: &'a CopyRequest, tags: &'a [Tag]) -> Result<(CopySource<'a>, Destination<'a>), AppError> {
    let from = CopySource {
        repository: wish.from.repository.as_str(),
        image: which(&wish.from)?,
    };
    let to = Destination {
        repository: wish.to.repository.as_str(),
        tags,
    };
    Ok((from, to))
}

/// Points tags at an image of the same repository.
///
/// # Errors
/// As [`images::retag`].
pub fn tag(
    catalog: &dyn Catalog,
    image: &ImageName,
    tags: &[Tag],
    meter: &Arc<Meter>,
) -> Result<Copied, AppError> {
    let from = CopySource {
        repository: image.repository.as_str(),
        image: which(image)?,
    };
    let options = Options {
        connections: CONNECTIONS,
        attached: false,
        deep: false,
        meter,
    };
    Ok(images::retag(catalog, &from, tags, &options)?)
}

/// What [`tag`] would find.
///
/// # Errors
/// When the image is not there, or the registry does not answer.
pub fn preview_tags(catalog: &dyn Catalog, image: &ImageName, tags: &[Tag]) -> Result<CopyPreview, AppError> {
    let repository = image.repository.as_str();
    let (from, to) = (
        CopySource {
            repository,
            image: which(image)?,
        },
        Destination { repository, tags },
    );
    Ok(images::preview(catalog, &from, &to, CONNECTIONS)?)
}

/// The tags of a repository, sorted.
///
/// # Errors
/// When there are none, or the registry does not answer.
pub fn tags(catalog: &dyn Catalog, repository: &str) -> Result<Vec<Tag>, AppError> {
    let tags = catalog.tags(repository)?;
    if tags.is_empty() {
        let doing = format!("listing {repository}");
        let message = "there is no such repository, or it has no tags";
        return Err(PortError::new(ErrorKind::Missing, doing, message).into());
    }
    Ok(tags)
}

/// The same with what they lead to.
///
/// # Errors
/// As [`images::list`].
pub fn list(catalog: &dyn Catalog, repository: &str) -> Result<Vec<Listed>, AppError> {
    Ok(images::list(catalog, repository, CONNECTIONS)?)
}

/// Everything about an image.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn show(catalog: &dyn Catalog, image: &ImageName) -> Result<Described, AppError> {
    let repository = image.repository.as_str();
    let digest: Digest = match which(image)? {
        Which::Digest(digest) => digest.clone(),
        Which::Tag(tag) => catalog.resolve(repository, tag)?.ok_or_else(|| {
            let doing = format!("reading {image}");
            PortError::new(ErrorKind::Missing, doing, "there is no such tag")
        })?,
    };
    Ok(images::describe(catalog, repository, &digest, CONNECTIONS)?)
}
