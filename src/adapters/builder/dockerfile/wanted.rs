//! What is to be built from a Containerfile, and by which program.

use crate::domain::model::{Period, Secret};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

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
