//! The image and how it is built.

use super::super::argv::Argv;
use super::super::image::{BuilderName, Provenance};
use super::super::place::Located;
use super::super::range::within;
use super::super::scalar::{Scalar, Texts, VariableName};
use crate::domain::model::{Period, SecretSource};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The service's image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Image")]
pub(crate) struct RawImage {
    /// Repository without tag: `ghcr.io/acme/nextcloud`.
    pub(crate) repository: Located<String>,
    /// How it is built; from `Containerfile` or `Dockerfile` where absent.
    #[serde(default)]
    pub(crate) build: Option<Located<RawBuild>>,
    /// How the built image is tried out before it gets a tag; not at all where absent.
    #[serde(default)]
    pub(crate) smoke: Option<RawSmoke>,
}

/// How the built image is tried out on this machine before it gets a tag.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Smoke")]
pub(crate) struct RawSmoke {
    /// The TCP port that it listens on.
    pub(crate) port: RawPort,
    /// Path that has to answer with a 2xx; `/health` where absent.
    #[serde(default)]
    pub(crate) path: Option<Located<String>>,
    /// The longest that it may take until it does; 30 s where absent.
    #[serde(default)]
    pub(crate) startup: Option<Located<Period>>,
    /// Variables that the image is started with.
    #[serde(default)]
    pub(crate) variables: Texts,
    /// A command that has to succeed when it answers; `GREENROOM_URL` says where.
    #[serde(default)]
    pub(crate) command: Option<Argv>,
    /// The longest that the command may take; 60 s where absent.
    #[serde(default)]
    pub(crate) timeout: Option<Period>,
}

/// How the image is built: exactly one way.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Build", transform = super::super::schema::dockerfile_or_none)]
pub(crate) enum RawBuild {
    /// From a Containerfile.
    Dockerfile(RawDockerfile),
    /// From files, without a daemon.
    Files(RawFiles),
    /// By a command of the user's.
    Command(RawBuildCommand),
    /// Not at all: the image exists already.
    None,
}

/// A build from a Containerfile.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Dockerfile")]
pub(crate) struct RawDockerfile {
    /// The file; `Containerfile`, else `Dockerfile`, where absent.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
    /// The build context; the project where absent.
    #[serde(default)]
    pub(crate) context: Option<PathBuf>,
    /// The stage to build; the last where absent.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// Platforms: `linux/amd64`.
    #[serde(default)]
    pub(crate) platforms: Vec<Located<String>>,
    /// Build arguments. The image's history shows them: for secrets there is `secrets`.
    #[serde(default)]
    pub(crate) args: BTreeMap<VariableName, Scalar>,
    /// Secrets by id, which `RUN --mount=type=secret,id=ID` reads; they come into no layer.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, Located<SecretSource>>,
    /// What builds it; the first that works of buildx, docker, buildah and podman where absent.
    #[serde(default)]
    pub(crate) builder: Option<BuilderName>,
    /// After this the build is ended; 30 m where absent.
    #[serde(default)]
    pub(crate) timeout: Option<Period>,
    /// How much the provenance attestation says; there is none where absent.
    #[serde(default)]
    pub(crate) provenance: Provenance,
    /// Attach a bill of materials.
    #[serde(default)]
    pub(crate) sbom: bool,
}

/// A build from files: layers on a base.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Files")]
pub(crate) struct RawFiles {
    /// The image below; `scratch` where absent.
    #[serde(default)]
    pub(crate) base: Option<String>,
    /// What is added, in order.
    pub(crate) layers: Located<Vec<RawLayer>>,
    /// The program and its fixed arguments.
    pub(crate) entrypoint: Argv,
    /// Arguments that can be replaced.
    #[serde(default)]
    pub(crate) command: Option<Argv>,
    /// Variables.
    #[serde(default)]
    pub(crate) env: Texts,
    /// Where the program starts; `/` where absent.
    #[serde(default)]
    pub(crate) working_directory: Option<Located<String>>,
    /// TCP ports it listens on.
    #[serde(default)]
    pub(crate) ports: Vec<RawPort>,
    /// User, or user and group: `1000:1000`.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// Platforms it runs on; this machine's own where absent.
    #[serde(default)]
    pub(crate) platforms: Vec<Located<String>>,
}

/// A TCP port, 1 to 65535.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Port")]
pub(crate) struct RawPort(
    #[serde(deserialize_with = "within::<_, _, 1, 65_535>")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(crate) u16,
);

/// Files that go into an image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Layer")]
pub(crate) struct RawLayer {
    /// File or directory, relative to the project; of a directory, its content.
    pub(crate) from: PathBuf,
    /// Absolute path in the image.
    pub(crate) to: Located<String>,
}

/// A build by a command of the user's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "BuildCommand")]
pub(crate) struct RawBuildCommand {
    /// The program and its arguments.
    pub(crate) run: Argv,
    /// File into which it writes the digest of the pushed image.
    pub(crate) digest_file: PathBuf,
    /// Secret variables that it gets.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<VariableName, Located<SecretSource>>,
    /// After this it is ended; 30 m where absent.
    #[serde(default)]
    pub(crate) timeout: Option<Period>,
}
