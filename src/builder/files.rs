//! An image from files, with no daemon and no Dockerfile: one layer per source, on an empty base.
//!
//! The same files, settings and request always give the same digest: names are sorted, times are the
//! request's, owners are root, modes are 0755 or 0644, extended attributes are left out.

mod layer;

use crate::host::platform::Platform;
use crate::model::{Artifact, Digest};
use crate::ports::{Blob, BuildRequest, Builder, ErrorKind, PortError, Registry, in_memory};
use layer::Layer;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What the image is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// Nothing: the layers are all there is.
    #[default]
    Scratch,
}

impl std::str::FromStr for Base {
    type Err = PortError;

    /// # Errors
    /// `Unsupported` for anything but `scratch`.
    fn from_str(text: &str) -> Result<Self, PortError> {
        match text {
            "scratch" => Ok(Self::Scratch),
            _ => Err(PortError::new(
                ErrorKind::Unsupported,
                format!("building on {text}"),
                "the files builder builds on scratch only; write base: scratch, or use a dockerfile build",
            )),
        }
    }
}

/// One layer: files that are there, and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSource {
    /// A file or a directory on this machine.
    pub from: PathBuf,
    /// Absolute path in the image: of the file, or of the directory that gets the content. A file goes
    /// into the directory when this ends with `/`.
    pub to: String,
}

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesImage {
    /// What it is built on.
    pub base: Base,
    /// Its layers, lowest first.
    pub layers: Vec<LayerSource>,
    /// The program and the arguments it always gets.
    pub entrypoint: Vec<String>,
    /// Further arguments, which whoever runs it may replace.
    pub command: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Absolute path of the directory it runs in.
    pub working_directory: Option<String>,
    /// TCP ports it listens on, as documentation.
    pub ports: Vec<u16>,
    /// User it runs as.
    pub user: Option<String>,
    /// What it runs on; this machine's where `None`.
    pub platform: Option<Platform>,
}

/// Builds a [`FilesImage`] into a registry.
pub struct FilesBuilder {
    image: FilesImage,
    registry: Arc<dyn Registry>,
    staging: PathBuf,
}

impl FilesBuilder {
    /// A builder of `image` that stores in `registry` and keeps each layer in a nameless file in the
    /// directory `staging` until its digest is known.
    pub fn new(image: FilesImage, registry: Arc<dyn Registry>, staging: PathBuf) -> Self {
        Self {
            image,
            registry,
            staging,
        }
    }

    fn config(&self, request: &BuildRequest, layers: &[Layer]) -> Value {
        let image = &self.image;
        let platform = image.platform.clone().unwrap_or_else(Platform::host);
        let mut run = Map::new();
        let mut set = |key: &str, value: Value| {
            let empty = match &value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(items) => items.is_empty(),
                _ => false,
            };
            if !empty {
                run.insert(key.to_owned(), value);
            }
        };
        let env: Vec<String> = image.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let ports: BTreeMap<String, Value> = image
            .ports
            .iter()
            .map(|port| (format!("{port}/tcp"), json!({})))
            .collect();
        set("User", json!(image.user));
        set("ExposedPorts", json!(ports));
        set("Env", json!(env));
        set("Entrypoint", json!(image.entrypoint));
        set("Cmd", json!(image.command));
        set("WorkingDir", json!(image.working_directory));
        set("Labels", json!(request.labels));
        let history: Vec<Value> = self
            .image
            .layers
            .iter()
            .map(|layer| {
                json!({"created": request.created, "created_by": format!("greenroom: files to {}", layer.to)})
            })
            .collect();
        let diffs: Vec<&Digest> = layers.iter().map(|layer| &layer.diff).collect();
        json!({
            "created": request.created,
            "architecture": platform.architecture,
            "os": platform.os,
            "config": run,
            "rootfs": { "type": "layers", "diff_ids": diffs },
            "history": history,
        })
    }

    fn store(&self, repository: &str, digest: &Digest, content: &[u8]) -> Result<(), PortError> {
        let blob = Blob {
            digest,
            size: content.len() as u64,
            from: None,
            open: &in_memory(content),
        };
        self.registry.push_blob(repository, &blob)
    }

    fn check(&self) -> Result<(), String> {
        let image = &self.image;
        if image.layers.is_empty() {
            return Err("it has no layers; write at least one under layers".into());
        }
        if let Some(directory) = &image.working_directory {
            layer::image_path(directory)?;
        }
        match image
            .env
            .keys()
            .find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            Some(name) => Err(format!("{name:?} is not a name for a variable")),
            None => Ok(()),
        }
    }
}

impl Builder for FilesBuilder {
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError> {
        let repository = &request.repository;
        let invalid = |cause: &dyn std::fmt::Display| {
            PortError::new(ErrorKind::Invalid, format!("building {repository}"), cause)
        };
        self.check().map_err(|e| invalid(&e))?;
        let mut layers = Vec::new();
        for source in &self.image.layers {
            let layer = Layer::build(source, request.created, &self.staging).map_err(|e| invalid(&e))?;
            let blob = Blob {
                digest: &layer.digest,
                size: layer.size,
                from: None,
                open: &|| Ok(layer.open()),
            };
            self.registry.push_blob(repository, &blob)?;
            layers.push(layer);
        }
        let config = serde_json::to_vec(&self.config(request, &layers)).map_err(|e| invalid(&e))?;
        let config_digest = Digest::of(&config);
        self.store(repository, &config_digest, &config)?;
        let descriptors: Vec<Value> = layers
            .iter()
            .map(|layer| {
                json!({
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": layer.digest,
                    "size": layer.size,
                })
            })
            .collect();
        let annotations: BTreeMap<&String, &String> = request
            .labels
            .iter()
            .filter(|(name, _)| name.starts_with("org.opencontainers.image."))
            .collect();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config_digest,
                "size": config.len(),
            },
            "layers": descriptors,
        });
        if !annotations.is_empty() {
            manifest["annotations"] = json!(annotations);
        }
        let manifest = serde_json::to_vec(&manifest).map_err(|e| invalid(&e))?;
        let digest = self
            .registry
            .push_manifest(repository, &manifest, &request.tags)?;
        Ok(Artifact {
            repository: repository.clone(),
            digest,
        })
    }
}
