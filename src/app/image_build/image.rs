//! Builds the image of a run, or finds the one that was named.

use super::super::attended::Attended;
use super::super::error::AppError;
use super::super::identify::{Identity, require_checkout};
use super::super::watch::Lines;
use super::super::workspace::Workspace;
use crate::config::Environment;
use crate::config::image::{Build, Image};
use crate::domain::model::{Artifact, Digest, Period, PortError, Tag, Timestamp};
use crate::host::runner::LocalRunner;
use crate::ports::BuildRequest;
use crate::report::foreign;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The image by digest.
    pub artifact: Artifact,
    /// The tags that are meant for it, its own first; [`tag`] gives it these.
    pub tags: Vec<Tag>,
    /// Why `latest` is not among them, where it might have been expected.
    pub withheld: Option<String>,
    /// How it was made; `None` where it was there already.
    pub made: Option<BuildDetails>,
}

/// How an image was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildDetails {
    /// By which program: `docker buildx`, `buildah`, `command`; `None` where greenroom did it itself.
    pub builder: Option<String>,
    /// How long it took, up to its digest.
    pub took: Period,
    /// How long it took to answer when it was tried out, where it was.
    pub startup: Option<Period>,
    /// What is worth knowing about it.
    pub note: Option<String>,
}

/// Builds the image for `environment`; `None` where the project has no image. It is stored, its digest is
/// found there, and it has answered in the smoke test; it has no tag yet. `lines` hears what the builder
/// writes.
///
/// # Errors
/// When it cannot be built, or when it should exist and does not; [`AppError::Validation`] when it does
/// not hold in the smoke test.
pub fn build(
    workspace: &Workspace,
    environment: &Environment,
    identity: &Identity,
    lines: &Lines,
) -> Result<Option<Built>, AppError> {
    let Some(image) = &workspace.project.image else {
        return Ok(None);
    };
    let tagging = identity.tags(workspace, environment)?;
    let (artifact, made) = match &image.build {
        Build::None => (existing(workspace, image, identity)?, None),
        Build::Files(_) | Build::Dockerfile(_) | Build::Command(_) => {
            require_checkout(workspace, identity.commit.as_ref())?;
            let yard = Yard::set_up(workspace, environment, identity, lines);
            let (artifact, made) = yard.make(image).map_err(|error| yard.explain(error))?;
            (artifact, Some(made))
        }
    };
    Ok(Some(Built {
        artifact,
        tags: tagging.tags,
        withheld: tagging.withheld,
        made,
    }))
}

/// Gives a built image its tags. Nothing that others follow moves before this.
///
/// # Errors
/// When the registry does not take them.
pub fn tag(workspace: &Workspace, built: &Built) -> Result<(), AppError> {
    if built.made.is_some() {
        let (registry, image) = (workspace.registry(), &built.artifact);
        let manifest = registry.manifest(&image.repository, &image.digest)?;
        registry.push_manifest(&image.repository, &manifest, &built.tags)?;
    }
    Ok(())
}

/// What everything that makes an image needs.
pub(super) struct Yard<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) environment: &'a Environment,
    pub(super) identity: &'a Identity,
    pub(super) lines: Lines,
    pub(super) attended: Arc<Attended>,
    pub(super) staging: PathBuf,
}

impl<'a> Yard<'a> {
    fn set_up(
        workspace: &'a Workspace,
        environment: &'a Environment,
        identity: &'a Identity,
        lines: &Lines,
    ) -> Self {
        let runner = LocalRunner::new(workspace.context.environment.variables(), workspace.root.clone());
        Self {
            workspace,
            environment,
            identity,
            lines: Arc::clone(lines),
            attended: Arc::new(Attended::new(
                Arc::new(runner),
                Arc::clone(&workspace.context.clock),
            )),
            staging: workspace.state("staging"),
        }
    }

    /// Builds, then tries out.
    fn make(&self, image: &Image) -> Result<(Artifact, BuildDetails), AppError> {
        std::fs::create_dir_all(&self.staging).map_err(AppError::io(format!(
            "making the directory {}",
            self.staging.display()
        )))?;
        let clock = self.workspace.context.clock.as_ref();
        let began = clock.monotonic();
        let (artifact, builder, note) = self.store(image, &self.request(image))?;
        let took = Period::from(clock.monotonic().saturating_sub(began));
        let startup = match &image.smoke {
            Some(smoke) => Some(self.try_out(smoke, &artifact)?),
            None => None,
        };
        Ok((
            artifact,
            BuildDetails {
                builder,
                took,
                startup,
                note: note.map(|note| foreign::line(&note)),
            },
        ))
    }

    /// Without tags: they come last.
    fn request(&self, image: &Image) -> BuildRequest {
        let commit = self.identity.commit.as_ref();
        let committed = commit.map(|commit| {
            self.workspace
                .repository()
                .committed_at(commit)
                .unwrap_or(self.identity.time)
        });
        BuildRequest {
            repository: image.repository.clone(),
            tags: Vec::new(),
            labels: self.labels(committed),
            // The same files give the same image: the time of the run is no part of it.
            created: committed.unwrap_or(Timestamp::from_unix_millis(0)),
        }
    }

    /// Labels of the OCI image spec, "Pre-Defined Annotation Keys". The time is the commit's, so that
    /// the same files of the same commit give the same digest.
    fn labels(&self, committed: Option<Timestamp>) -> BTreeMap<String, String> {
        let label = |name: &str| format!("org.opencontainers.image.{name}");
        let mut labels = BTreeMap::from([
            (label("title"), self.workspace.project.service.clone()),
            (label("version"), self.identity.version.to_string()),
        ]);
        let mut add = |name: &str, value: Option<String>| {
            labels.extend(value.map(|value| (label(name), value)));
        };
        add("revision", self.identity.commit.as_ref().map(ToString::to_string));
        add("created", committed.map(|committed| committed.to_string()));
        add("source", self.workspace.context.environment.repository_url());
        labels
    }

    /// What came of a signal, or the error with the foreign text in it made harmless.
    fn explain(&self, error: AppError) -> AppError {
        if let Some(signal) = self.attended.interrupted() {
            return AppError::Interrupted(signal);
        }
        match error {
            AppError::Port(error) => AppError::Port(PortError {
                why: error.why.map(foreign::block),
                ..error
            }),
            other => other,
        }
    }
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
    // An earlier job hands on the whole name.
    let reference = reference
        .strip_prefix(repository)
        .and_then(|rest| rest.strip_prefix(['@', ':']))
        .unwrap_or(reference);
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
            AppError::usage(format!(
                "{repository} has no image {reference}; its tags are: {known}"
            ))
        })
}
