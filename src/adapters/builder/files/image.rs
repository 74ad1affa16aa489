//! Builds an image of layers, one per source, on a base or on nothing.

use super::super::index::index;
use super::super::stored;
use super::base::BaseImage;
use super::config;
use super::layer;
use super::layer::Layer;
use crate::domain::model::{Artifact, Digest, ErrorKind, Explanation, ImageName, InvalidText, PortError};
use crate::domain::oci::{Descriptor, PlatformOf};
use crate::host::platform::Platform;
use crate::ports::{Blob, BuildRequest, Builder, Registry, in_memory};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What the image is built on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Base {
    /// Nothing: the layers are all there is.
    #[default]
    Scratch,
    /// Another image: its layers come first, and its settings hold where the files give none.
    Image(ImageName),
}

impl std::str::FromStr for Base {
    type Err = InvalidText;

    /// # Errors
    /// For anything but `scratch` and the name of an image.
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        match text {
            "scratch" => Ok(Self::Scratch),
            name => Ok(Self::Image(name.parse()?)),
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
    /// What it runs on; this machine's where empty. Several make an index of one image each, with the
    /// same files on the base for each.
    pub platforms: Vec<Platform>,
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

    fn store(&self, repository: &str, digest: &Digest, content: &[u8]) -> Result<(), PortError> {
        let blob = Blob {
            digest,
            size: content.len() as u64,
            from: None,
            open: &in_memory(content),
        };
        self.registry.push_blob(repository, &blob)
    }

    fn check(&self) -> Result<(), Explanation> {
        let image = &self.image;
        if image.layers.is_empty() {
            return Err(Explanation::new("it has no layers").fix("write at least one under layers"));
        }
        if let Some(directory) = &image.working_directory {
            layer::image_path(directory)?;
        }
        match image
            .env
            .keys()
            .find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            Some(name) => Err(format!("{name:?} is not a name for a variable").into()),
            None => Ok(()),
        }
    }
}

impl FilesBuilder {
    /// Builds the layers and stores them.
    fn layers(&self, request: &BuildRequest) -> Result<Vec<Layer>, PortError> {
        let mut layers = Vec::new();
        for source in &self.image.layers {
            let layer =
                Layer::build(source, request.created, &self.staging).map_err(|e| invalid(request, e))?;
            let blob = Blob {
                digest: &layer.digest,
                size: layer.size,
                from: None,
                open: &|| Ok(layer.open()),
            };
            self.registry.push_blob(&request.repository, &blob)?;
            layers.push(layer);
        }
        Ok(layers)
    }

    /// Stores the image for one platform, without a tag; its descriptor.
    fn image_for(
        &self,
        request: &BuildRequest,
        platform: &Platform,
        layers: &[Layer],
    ) -> Result<Descriptor, PortError> {
        let base = match &self.image.base {
            Base::Scratch => BaseImage::scratch(platform),
            Base::Image(name) => BaseImage::fetch(self.registry.as_ref(), name, platform)?,
        };
        base.bring(self.registry.as_ref(), &request.repository)?;
        let config = config::config(&self.image, request, &base, layers);
        let config = serde_json::to_vec(&config).map_err(|e| invalid(request, &e))?;
        self.store(&request.repository, &Digest::of(&config), &config)?;
        let manifest = config::manifest(request, &base, &config, layers);
        let bytes = serde_json::to_vec(&manifest).map_err(|e| invalid(request, &e))?;
        let digest = self.registry.push_manifest(&request.repository, &bytes, &[])?;
        Ok(Descriptor {
            media_type: base.kind.manifest().to_owned(),
            digest,
            size: bytes.len() as u64,
            platform: Some(PlatformOf {
                os: platform.os.clone(),
                architecture: platform.architecture.clone(),
                variant: platform.variant.clone(),
            }),
            annotations: BTreeMap::new(),
            artifact_type: None,
            urls: Vec::new(),
        })
    }
}

impl Builder for FilesBuilder {
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError> {
        self.check().map_err(|e| invalid(request, e))?;
        let layers = self.layers(request)?;
        let platforms = match self.image.platforms.as_slice() {
            [] => vec![Platform::host()],
            platforms => platforms.to_vec(),
        };
        let mut images = Vec::new();
        for platform in &platforms {
            images.push(self.image_for(request, platform, &layers)?);
        }
        let repository = &request.repository;
        let manifest = match images.as_slice() {
            [image] => stored(self.registry.as_ref(), repository, &image.digest)?,
            images => serde_json::to_vec(&index(request, images)).map_err(|e| invalid(request, &e))?,
        };
        let digest = self
            .registry
            .push_manifest(repository, &manifest, &request.tags)?;
        Ok(Artifact {
            repository: repository.clone(),
            digest,
        })
    }
}

fn invalid(request: &BuildRequest, why: impl Into<Explanation>) -> PortError {
    PortError::new(
        ErrorKind::Invalid,
        format!("building {}", request.repository),
        why,
    )
}
