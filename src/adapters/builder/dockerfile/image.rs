//! Builds an image from a Containerfile with the first program that can build this very image.

use super::super::stored;
use super::bench::Bench;
use super::bench::Workshop;
use super::buildah;
use super::buildx;
use super::docker;
use super::find;
use super::podman;
use crate::domain::model::{Artifact, ErrorKind, Period, PortError, Secret};
use crate::ports::{BuildRequest, Builder, Catalog};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// A program that builds from a Containerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `docker buildx`, with a builder instance that can push by digest.
    Buildx,
    /// `docker build`, with BuildKit where the client has it.
    Docker,
    /// `buildah`.
    Buildah,
    /// `podman`.
    Podman,
}

impl Tool {
    /// In the order in which they are looked for.
    pub const ALL: [Self; 4] = [Self::Buildx, Self::Docker, Self::Buildah, Self::Podman];
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buildx => "docker buildx",
            Self::Docker => "docker",
            Self::Buildah => "buildah",
            Self::Podman => "podman",
        })
    }
}

/// How much the provenance attestation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvenanceMode {
    /// There is none.
    None,
    /// The least.
    Min,
    /// Everything, build arguments among it.
    Max,
}

/// What is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerfileImage {
    /// The Containerfile.
    pub file: PathBuf,
    /// The directory whose files it may use.
    pub context: PathBuf,
    /// The stage; the last where `None`.
    pub target: Option<String>,
    /// Platforms (`linux/amd64`); the builder's own where empty. Several make an index.
    pub platforms: Vec<String>,
    /// Build arguments. The image's history shows them.
    pub args: BTreeMap<String, String>,
    /// Secrets by id, for `RUN --mount=type=secret`.
    pub secrets: BTreeMap<String, Secret>,
    /// The provenance attestation.
    pub provenance: ProvenanceMode,
    /// Whether a bill of materials is attached.
    pub sbom: bool,
    /// After this a command of the builder is ended.
    pub timeout: Period,
}

/// How an image was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// By which program.
    pub tool: Tool,
    /// What is worth knowing about it: what could not be tidied up.
    pub note: Option<String>,
}

/// Builds a [`DockerfileImage`] and stores it by digest.
pub struct DockerfileBuilder {
    image: DockerfileImage,
    tool: Option<Tool>,
    workshop: Workshop,
    registry: Arc<dyn Catalog>,
    used: OnceLock<Used>,
}

impl DockerfileBuilder {
    /// A builder of `image` by `tool`, or by the first that works where it is `None`.
    pub fn new(
        image: DockerfileImage,
        tool: Option<Tool>,
        workshop: Workshop,
        registry: Arc<dyn Catalog>,
    ) -> Self {
        Self {
            image,
            tool,
            workshop,
            registry,
            used: OnceLock::new(),
        }
    }

    /// How it was built, once it was.
    pub fn used(&self) -> Option<&Used> {
        self.used.get()
    }
}

impl Builder for DockerfileBuilder {
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError> {
        if !self.image.file.is_file() {
            return Err(PortError::new(
                ErrorKind::Missing,
                format!("building {}", request.repository),
                format!("{} does not exist", self.image.file.display()),
            )
            .fix("write it, or name another one with image.build.dockerfile.file"));
        }
        let bench = Bench::set_up(&self.workshop, &self.image, request, self.registry.as_ref())?;
        let found = find::find(&bench, self.tool)?;
        (self.workshop.tell)(&format!("building with {found}"));
        let (digest, note) = match found.tool {
            Tool::Buildx => (buildx::perform(&bench)?, None),
            Tool::Docker => docker::perform(&bench, found.buildkit)?,
            Tool::Buildah => (buildah::perform(&bench)?, None),
            Tool::Podman => (podman::perform(&bench)?, None),
        };
        let manifest = stored(self.registry.as_ref(), &request.repository, &digest)?;
        if !request.tags.is_empty() {
            self.registry
                .push_manifest(&request.repository, &manifest, &request.tags)?;
        }
        let tool = found.tool;
        let _ = self.used.set(Used { tool, note });
        Ok(Artifact {
            repository: request.repository.clone(),
            digest,
        })
    }
}
