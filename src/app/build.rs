//! The image of a run: built, or found where it already is.

use super::error::AppError;
use super::identify::{Identity, require_checkout};
use super::workspace::Workspace;
use crate::builder::files::{Base, FilesBuilder, FilesImage, LayerSource};
use crate::config::image::{Build, Files, Image};
use crate::config::{Environment, Part};
use crate::host::platform::Platform;
use crate::model::{Artifact, Digest, Tag, Timestamp};
use crate::ports::{BuildRequest, Builder};
use std::collections::BTreeMap;

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The image by digest.
    pub artifact: Artifact,
    /// Its tags, its own first.
    pub tags: Vec<Tag>,
    /// Why `latest` is not among them, where it might have been expected.
    pub withheld: Option<String>,
}

/// Builds the image for `environment`; `None` where the project has no image.
///
/// # Errors
/// When it cannot be built, or when it should exist and does not.
pub fn build(
    workspace: &Workspace,
    environment: &Environment,
    identity: &Identity,
) -> Result<Option<Built>, AppError> {
    let Some(image) = &workspace.project.image else {
        return Ok(None);
    };
    let tagging = identity.tags(workspace, environment)?;
    let artifact = match &image.build {
        Build::Files(files) => {
            require_checkout(workspace, identity.commit.as_ref())?;
            build_files(workspace, image, files, identity, &tagging.tags)?
        }
        Build::None => existing(workspace, image, identity)?,
        Build::Dockerfile(_) | Build::Command(_) => {
            workspace.require(&[Part::Build], Some(environment))?;
            return Err(AppError::Project(
                "this way of building is not available in this version".to_owned(),
            ));
        }
    };
    Ok(Some(Built {
        artifact,
        tags: tagging.tags,
        withheld: tagging.withheld,
    }))
}

fn build_files(
    workspace: &Workspace,
    image: &Image,
    files: &Files,
    identity: &Identity,
    tags: &[Tag],
) -> Result<Artifact, AppError> {
    let base = match &files.base {
        Some(base) => base.parse::<Base>()?,
        None => Base::Scratch,
    };
    let staging = workspace.state("staging");
    std::fs::create_dir_all(&staging).map_err(AppError::io(format!(
        "making the directory {}",
        staging.display()
    )))?;
    let settings = FilesImage {
        base,
        layers: files
            .layers
            .iter()
            .map(|layer| LayerSource {
                from: workspace.root.join(&layer.from),
                to: layer.to.clone(),
            })
            .collect(),
        entrypoint: files.entrypoint.clone(),
        command: files.command.clone(),
        env: files.env.clone(),
        working_directory: files.working_directory.clone(),
        ports: files.ports.clone(),
        user: files.user.clone(),
        platform: platform(files)?,
    };
    // The same files give the same image: the time of the run is no part of it.
    let created = match &identity.commit {
        Some(commit) => workspace
            .repository()
            .committed_at(commit)
            .unwrap_or(identity.time),
        None => Timestamp::from_unix_millis(0),
    };
    let request = BuildRequest {
        repository: image.repository.clone(),
        tags: tags.to_vec(),
        labels: labels(workspace, identity),
        created,
    };
    Ok(FilesBuilder::new(settings, workspace.registry(), staging).build(&request)?)
}

fn platform(files: &Files) -> Result<Option<Platform>, AppError> {
    match files.platforms.as_slice() {
        [] => Ok(None),
        [one] => match one.parse::<Platform>() {
            Ok(platform) => Ok(Some(platform)),
            Err(error) => Err(AppError::Project(error)),
        },
        _ => Err(AppError::Project(
            "an image from files has one platform in this version: list one under `platforms`".to_owned(),
        )),
    }
}

/// Labels of the OCI image spec, "Pre-Defined Annotation Keys". The time is not among them: the same
/// files of the same commit give the same digest.
fn labels(workspace: &Workspace, identity: &Identity) -> BTreeMap<String, String> {
    let label = |name: &str| format!("org.opencontainers.image.{name}");
    let mut labels = BTreeMap::from([
        (label("title"), workspace.project.service.clone()),
        (label("version"), identity.version.to_string()),
    ]);
    if let Some(commit) = &identity.commit {
        labels.insert(label("revision"), commit.to_string());
    }
    labels
}

/// The image that is already in the store: by digest (`sha256:…`) or tag, as the version says.
fn existing(workspace: &Workspace, image: &Image, identity: &Identity) -> Result<Artifact, AppError> {
    find(workspace, &image.repository, identity.version.as_str())
}

/// An image of the store by tag or digest.
///
/// # Errors
/// When there is none; lists the tags that there are.
pub fn find(workspace: &Workspace, repository: &str, reference: &str) -> Result<Artifact, AppError> {
    let registry = workspace.registry();
    let digest = match reference.parse::<Digest>() {
        Ok(digest) => {
            registry.manifest(repository, &digest)?;
            Some(digest)
        }
        Err(_) => registry.resolve(repository, &Tag::nearest(reference))?,
    };
    digest
        .map(|digest| Artifact {
            repository: repository.to_owned(),
            digest,
        })
        .ok_or_else(|| {
            let tags = registry.tags(repository).unwrap_or_default();
            let known: Vec<&str> = tags.iter().map(Tag::as_str).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            AppError::Usage(format!(
                "{repository} has no image {reference}; its tags are: {known}"
            ))
        })
}
