//! Unpacked images: one directory per digest, there in full or not at all.

use super::fault;
use super::unpack::{self, Budget};
use crate::domain::model::{Artifact, Digest, ErrorKind, PortError};
use crate::host::platform::Platform;
use crate::host::process::ProcessIdentity;
use crate::host::{files, random, volatile};
use crate::ports::Registry;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A configuration is small; a larger one is something else.
const LARGEST_CONFIG: u64 = 4 << 20;
const STAGED: &str = ".stage-";

/// How an image wants to be run (OCI image spec, "config").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RunConfig {
    /// `NAME=value`.
    pub(super) env: Option<Vec<String>>,
    /// The program and the arguments it always gets.
    pub(super) entrypoint: Option<Vec<String>>,
    /// Further arguments, or all of it where there is no entry point.
    pub(super) cmd: Option<Vec<String>>,
    /// Where it runs, absolute in the image.
    pub(super) working_dir: Option<String>,
}

/// An image that is ready to run.
pub(super) struct Image {
    /// Its files.
    pub(super) root: PathBuf,
    /// How it wants to be run.
    pub(super) run: RunConfig,
}

/// Written last: an image without it is not complete.
#[derive(Serialize, Deserialize)]
struct Marker {
    /// The boot in which it was unpacked. Nothing is flushed to the disk file by file, so that after a
    /// power cut files may be empty: an image from before the last boot is unpacked anew.
    boot: String,
    run: RunConfig,
}

#[derive(Deserialize)]
struct Descriptor {
    #[serde(rename = "mediaType", default)]
    media_type: String,
    digest: Digest,
    platform: Option<PlatformOf>,
}

#[derive(Deserialize)]
struct PlatformOf {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Config {
    os: String,
    architecture: String,
    #[serde(default)]
    config: Option<RunConfig>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

/// The image, unpacked below `images`; does nothing when it is there already. Of several at once each
/// ends with the same directory.
pub(super) fn ensure(
    images: &Path,
    registry: &dyn Registry,
    artifact: &Artifact,
) -> Result<Image, PortError> {
    let doing = format!("unpacking {artifact}");
    let local = |error: io::Error| fault(&doing, &error);
    let me = ProcessIdentity::current().map_err(local)?;
    let directory = images.join(artifact.digest.hex());
    if let Some(image) = complete(&directory, &me.boot) {
        return Ok(image);
    }
    fs::create_dir_all(images).map_err(local)?;
    sweep(images);
    let staged = images.join(format!(
        "{STAGED}{}-{}-{}",
        me.pid,
        me.started,
        random::hex(8).map_err(local)?
    ));
    let made = unpack_into(&staged, registry, artifact, &me.boot).and_then(|()| {
        if complete(&directory, &me.boot).is_none() && directory.exists() {
            // From before the last boot, or damaged.
            fs::rename(&directory, staged.with_extension("old")).map_err(local)?;
        }
        match fs::rename(&staged, &directory) {
            Ok(()) => Ok(()),
            // Somebody else was faster; rename(2) has two words for it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(local(error)),
        }
    });
    let _ = fs::remove_dir_all(&staged);
    let _ = fs::remove_dir_all(staged.with_extension("old"));
    made?;
    complete(&directory, &me.boot).ok_or_else(|| {
        PortError::new(
            ErrorKind::Transient,
            &doing,
            format!("{} vanished while it was unpacked", directory.display()),
        )
    })
}

fn complete(directory: &Path, boot: &str) -> Option<Image> {
    let bytes = files::read_bounded(&directory.join("image.json"), LARGEST_CONFIG).ok()?;
    let marker: Marker = serde_json::from_slice(&bytes).ok()?;
    (marker.boot == boot).then(|| Image {
        root: directory.join("rootfs"),
        run: marker.run,
    })
}

/// Removes what unpackings that were killed left behind.
fn sweep(images: &Path) {
    for entry in fs::read_dir(images).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(STAGED)) else {
            continue;
        };
        let mut parts = owner.split('-');
        let (pid, started) = (parts.next(), parts.next());
        let alive = pid
            .and_then(|pid| pid.parse().ok())
            .and_then(|pid| ProcessIdentity::of(pid).ok())
            .is_some_and(|owner| started == Some(owner.started.to_string().as_str()));
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn unpack_into(
    staged: &Path,
    registry: &dyn Registry,
    artifact: &Artifact,
    boot: &str,
) -> Result<(), PortError> {
    let doing = format!("unpacking {artifact}");
    let invalid = |message: String| PortError::new(ErrorKind::Invalid, &doing, message);
    let repository = &artifact.repository;
    let (config, layers) = choose(registry, artifact)?;
    if config.rootfs.diff_ids.len() != layers.len() {
        return Err(invalid(format!(
            "{} layers, but {} in the configuration",
            layers.len(),
            config.rootfs.diff_ids.len()
        )));
    }
    let root = staged.join("rootfs");
    fs::create_dir_all(&root).map_err(|e| fault(&doing, &e))?;
    let mut budget = Budget::default();
    for (layer, diff) in layers.iter().zip(&config.rootfs.diff_ids) {
        let blob = registry.blob(repository, &layer.digest)?;
        let archive: Box<dyn Read> = match layer.media_type.as_str() {
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Box::new(MultiGzDecoder::new(blob)),
            "application/vnd.oci.image.layer.v1.tar" => blob,
            other => {
                let message = format!("a layer has the type {other:?}, which cannot be unpacked");
                return Err(PortError::new(ErrorKind::Unsupported, &doing, message)
                    .fix("build the image with gzip layers"));
            }
        };
        unpack::apply(&root, archive, diff, &mut budget).map_err(|e| fault(&doing, &e))?;
    }
    let marker = Marker {
        boot: boot.to_owned(),
        run: config.config.unwrap_or_default(),
    };
    let marker = serde_json::to_vec(&marker).map_err(|e| PortError::new(ErrorKind::Invalid, &doing, &e))?;
    volatile::replace(&staged.join("image.json"), &marker).map_err(|e| fault(&doing, &e))
}

/// The configuration and layers for this machine's platform.
fn choose(registry: &dyn Registry, artifact: &Artifact) -> Result<(Config, Vec<Descriptor>), PortError> {
    let doing = format!("reading {artifact}");
    let invalid = |message: String| PortError::new(ErrorKind::Invalid, &doing, message);
    let host = Platform::host();
    let read = |digest: &Digest| -> Result<Manifest, PortError> {
        let bytes = registry.manifest(&artifact.repository, digest)?;
        serde_json::from_slice(&bytes).map_err(|e| PortError::new(ErrorKind::Invalid, &doing, &e))
    };
    let mut manifest = read(&artifact.digest)?;
    if let Some(offered) = manifest.manifests {
        let platforms = || offered.iter().filter_map(|d| d.platform.as_ref());
        let fitting = offered.iter().find(|offer| {
            offer
                .platform
                .as_ref()
                .is_some_and(|p| p.os == host.os && p.architecture == host.architecture)
        });
        let Some(fitting) = fitting else {
            let offered: Vec<String> = platforms()
                .map(|p| format!("{}/{}", p.os, p.architecture))
                .collect();
            return Err(invalid(format!(
                "it is built for {}, and this machine is {host}",
                offered.join(", ")
            )));
        };
        manifest = read(&fitting.digest)?;
    }
    let (Some(config), Some(layers)) = (manifest.config, manifest.layers) else {
        return Err(invalid(
            "not an image manifest: it has no config and layers".into(),
        ));
    };
    let mut bytes = Vec::new();
    registry
        .blob(&artifact.repository, &config.digest)?
        .take(LARGEST_CONFIG)
        .read_to_end(&mut bytes)
        .map_err(|e| fault(&doing, &e))?;
    let config: Config = serde_json::from_slice(&bytes)
        .map_err(|e| invalid("its configuration cannot be read".to_owned()).because(&e))?;
    if config.os != host.os || config.architecture != host.architecture {
        return Err(invalid(format!(
            "it is built for {}/{}, and this machine is {host}",
            config.os, config.architecture
        )));
    }
    Ok((config, layers))
}
