//! Builds an image from a Containerfile with the first program that can build this very image.

use super::super::stored;
use super::bench::{Bench, Workshop};
use super::buildah;
use super::buildx;
use super::docker;
use super::find;
use super::podman;
use super::wanted::{DockerfileImage, Tool, Used};
use crate::domain::model::{Artifact, ErrorKind, PortError};
use crate::ports::{BuildRequest, Builder, Catalog};
use std::sync::{Arc, OnceLock};

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
