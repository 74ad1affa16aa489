//! How the image is made.

use super::place::{Located, Span};
use crate::domain::model::{Period, SecretSource};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The service's image.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Repository without tag: `ghcr.io/acme/nextcloud`.
    pub repository: String,
    /// How it is built.
    pub build: Build,
    /// How the built image is tried out before it gets a tag.
    pub smoke: Option<Smoke>,
    /// Where it is written.
    pub place: Span,
}

/// How the image is built: exactly one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Build {
    /// From a Containerfile.
    Dockerfile(Dockerfile),
    /// From files, without a daemon.
    Files(Files),
    /// By a command of the user's.
    Command(BuildCommand),
    /// Not at all: it exists already.
    None,
}

/// A build from a Containerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The file; `Containerfile`, else `Dockerfile`, where `None`.
    pub file: Option<PathBuf>,
    /// The build context.
    pub context: PathBuf,
    /// The stage to build.
    pub target: Option<String>,
    /// Platforms (`linux/amd64`); the builder's own where empty.
    pub platforms: Vec<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Secrets of the build by id, which `RUN --mount=type=secret,id=ID` reads.
    pub secrets: BTreeMap<String, Located<SecretSource>>,
    /// What builds it; the first that works of all where `None`.
    pub builder: Option<BuilderName>,
    /// After this the build is ended.
    pub timeout: Period,
    /// Provenance attestation.
    pub provenance: Provenance,
    /// Whether a bill of materials is attached.
    pub sbom: bool,
}

/// A program that builds from a Containerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuilderName {
    /// `docker buildx`, with a builder instance of its own.
    Buildx,
    /// `docker build`.
    Docker,
    /// `buildah`, which needs no daemon.
    Buildah,
    /// `podman`, likewise.
    Podman,
}

/// How the built image is tried out on this machine before it gets a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smoke {
    /// The TCP port that it listens on.
    pub port: u16,
    /// Path that has to answer with a 2xx.
    pub path: String,
    /// The longest that it may take until it does.
    pub startup: Period,
    /// Variables that the image is started with.
    pub variables: BTreeMap<String, String>,
    /// A command that has to succeed when it answers.
    pub command: Option<Vec<String>>,
    /// The longest that the command may take.
    pub timeout: Period,
}

/// How much the provenance attestation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// No attestation.
    #[default]
    None,
    /// The least.
    Min,
    /// Everything, build arguments among it.
    Max,
}

/// A build from files: layers on a base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The image below; `None` is `scratch`.
    pub base: Option<String>,
    /// What is added, in order.
    pub layers: Vec<Layer>,
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Arguments that can be replaced.
    pub command: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Where the program starts.
    pub working_directory: Option<String>,
    /// TCP ports it listens on.
    pub ports: Vec<u16>,
    /// User, or user and group (`1000:1000`).
    pub user: Option<String>,
    /// Platforms it runs on (`linux/amd64`); the machine's own where empty.
    pub platforms: Vec<String>,
}

/// Files that go into an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// File or directory, relative to the project; of a directory, its content.
    pub from: PathBuf,
    /// Absolute path in the image.
    pub to: String,
}

/// A build by a command of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// The program and its arguments.
    pub run: Vec<String>,
    /// File into which it writes the digest of the pushed image.
    pub digest_file: PathBuf,
    /// Secret variables that it gets.
    pub secrets: BTreeMap<String, Located<SecretSource>>,
    /// After this it is ended.
    pub timeout: Period,
}

impl Build {
    /// The secrets of the build by name.
    pub fn secrets(&self) -> Option<&BTreeMap<String, Located<SecretSource>>> {
        match self {
            Self::Dockerfile(build) => Some(&build.secrets),
            Self::Command(build) => Some(&build.secrets),
            Self::Files(_) | Self::None => None,
        }
    }
}
