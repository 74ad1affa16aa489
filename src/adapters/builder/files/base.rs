//! The image that files are put on: found for one platform, and brought where the new image goes.

use crate::domain::model::{Digest, ErrorKind, Explanation, ImageName, PortError, Tag};
use crate::domain::oci::{Body, Descriptor, Manifest, PlatformOf, media};
use crate::host::platform::Platform;
use crate::ports::{Blob, Registry};
use serde_json::{Map, Value, json};
use std::io::Read;

/// A configuration is small; a larger one is something else.
const LARGEST_CONFIG: u64 = 4 << 20;

/// In whose words an image is written. They are not mixed within one image: registries and daemons
/// refuse that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Oci,
    /// Docker image manifest, version 2, schema 2.
    Docker,
}

impl Kind {
    pub(super) fn manifest(self) -> &'static str {
        match self {
            Self::Oci => media::MANIFEST,
            Self::Docker => media::DOCKER_MANIFEST,
        }
    }

    pub(super) fn config(self) -> &'static str {
        match self {
            Self::Oci => media::CONFIG,
            Self::Docker => media::DOCKER_CONFIG,
        }
    }

    pub(super) fn layer(self) -> &'static str {
        match self {
            Self::Oci => media::LAYER_GZIP,
            Self::Docker => media::DOCKER_LAYER,
        }
    }
}

/// One image to build on.
pub(super) struct BaseImage {
    pub(super) kind: Kind,
    /// Its configuration, as it is written.
    pub(super) config: Map<String, Value>,
    /// Its layers, lowest first.
    pub(super) layers: Vec<Descriptor>,
    /// What it is called, and the digest that was found under that name; `None` for nothing.
    pub(super) origin: Option<(ImageName, Digest)>,
}

impl BaseImage {
    /// Nothing, for `platform`.
    pub(super) fn scratch(platform: &Platform) -> Self {
        let mut config = Map::new();
        config.insert("architecture".to_owned(), json!(platform.architecture));
        config.insert("os".to_owned(), json!(platform.os));
        if let Some(variant) = &platform.variant {
            config.insert("variant".to_owned(), json!(variant));
        }
        Self {
            kind: Kind::Oci,
            config,
            layers: Vec::new(),
            origin: None,
        }
    }

    /// The image `name` for `platform`.
    pub(super) fn fetch(
        registry: &dyn Registry,
        name: &ImageName,
        platform: &Platform,
    ) -> Result<Self, PortError> {
        let wrong = |why: Explanation| PortError::new(ErrorKind::Invalid, format!("building on {name}"), why);
        let repository = name.repository.as_str();
        let found = digest(registry, name)?;
        let bytes = registry.manifest(repository, &found)?;
        let mut manifest = Manifest::parse(&bytes).map_err(|e| wrong((&e).into()))?;
        if let Body::Index { manifests } = &manifest.body {
            let child = pick(manifests, platform).map_err(|why| wrong(why.into()))?;
            let bytes = registry.manifest(repository, &child.digest)?;
            manifest = Manifest::parse(&bytes).map_err(|e| wrong((&e).into()))?;
        }
        let Body::Image { config, layers } = manifest.body else {
            return Err(wrong("it is an index within an index".into()));
        };
        let settings = settings(registry, repository, &config)?;
        let diffs = settings["rootfs"]["diff_ids"].as_array().map_or(0, Vec::len);
        if diffs != layers.len() {
            return Err(wrong(
                format!(
                    "its configuration names {diffs} layers and its manifest {}",
                    layers.len()
                )
                .into(),
            ));
        }
        let (os, architecture) = (settings["os"].as_str(), settings["architecture"].as_str());
        if os != Some(&platform.os) || architecture != Some(&platform.architecture) {
            return Err(wrong(
                format!(
                    "it is for {}/{} and not for {platform}",
                    os.unwrap_or("?"),
                    architecture.unwrap_or("?")
                )
                .into(),
            ));
        }
        let Value::Object(config) = settings else {
            return Err(wrong("its configuration is no JSON object".into()));
        };
        let kind = if manifest.media_type == media::DOCKER_MANIFEST {
            Kind::Docker
        } else {
            Kind::Oci
        };
        Ok(Self {
            kind,
            config,
            layers,
            origin: Some((name.clone(), found)),
        })
    }

    /// Makes its layers part of `repository`: within one registry nothing is sent.
    pub(super) fn bring(&self, registry: &dyn Registry, repository: &str) -> Result<(), PortError> {
        let Some((name, _)) = &self.origin else {
            return Ok(());
        };
        let from = name.repository.as_str();
        // A layer that is found elsewhere need not be in any registry.
        for layer in self.layers.iter().filter(|layer| layer.urls.is_empty()) {
            let blob = Blob {
                digest: &layer.digest,
                size: layer.size,
                from: Some(from),
                open: &|| registry.blob(from, &layer.digest),
            };
            registry.push_blob(repository, &blob)?;
        }
        Ok(())
    }
}

/// The digest that the name stands for.
fn digest(registry: &dyn Registry, name: &ImageName) -> Result<Digest, PortError> {
    if let Some(digest) = &name.digest {
        return Ok(digest.clone());
    }
    let tag = name.tag.clone().unwrap_or_else(|| Tag::nearest("latest"));
    let found = registry.resolve(name.repository.as_str(), &tag)?;
    found.ok_or_else(|| {
        let why = Explanation::new(format!("there is no {}:{tag}", name.repository));
        let why = if name.repository.registry().is_none() {
            why.fix(
                "a name without a registry is one of the project's own store, so write docker.io/library/debian for Docker Hub's debian",
            )
        } else {
            why
        };
        PortError::new(ErrorKind::Missing, format!("building on {name}"), why)
    })
}

/// The image for the platform. Without a variant, the first of its architecture is meant.
fn pick<'m>(manifests: &'m [Descriptor], platform: &Platform) -> Result<&'m Descriptor, String> {
    let fits = |of: &PlatformOf| {
        of.os == platform.os
            && of.architecture == platform.architecture
            && (platform.variant.is_none() || of.variant == platform.variant)
    };
    manifests
        .iter()
        .find(|child| child.platform.as_ref().is_some_and(fits))
        .ok_or_else(|| {
            let known: Vec<String> = manifests
                .iter()
                .filter_map(|child| child.platform.as_ref())
                .filter(|of| of.os != "unknown")
                .map(|of| {
                    let variant = of.variant.as_ref().map_or_else(String::new, |v| format!("/{v}"));
                    format!("{}/{}{variant}", of.os, of.architecture)
                })
                .collect();
            format!("it has no image for {platform}, only for {}", known.join(", "))
        })
}

fn settings(registry: &dyn Registry, repository: &str, config: &Descriptor) -> Result<Value, PortError> {
    let wrong = |why: Explanation| {
        let doing = format!("reading the configuration {} of {repository}", config.digest);
        PortError::new(ErrorKind::Invalid, doing, why)
    };
    if config.size > LARGEST_CONFIG {
        return Err(wrong(format!("it is larger than {LARGEST_CONFIG} bytes").into()));
    }
    let mut bytes = Vec::new();
    registry
        .blob(repository, &config.digest)?
        .take(LARGEST_CONFIG + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| wrong((&e).into()))?;
    serde_json::from_slice(&bytes).map_err(|e| wrong((&e).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(platform: &str) -> Descriptor {
        let platform: Platform = platform.parse().unwrap();
        Descriptor {
            media_type: media::MANIFEST.to_owned(),
            digest: Digest::of(platform.to_string().as_bytes()),
            size: 1,
            platform: Some(PlatformOf {
                os: platform.os,
                architecture: platform.architecture,
                variant: platform.variant,
            }),
            annotations: std::collections::BTreeMap::new(),
            artifact_type: None,
            urls: Vec::new(),
        }
    }

    #[test]
    fn the_image_of_a_platform_is_picked_by_its_variant_too() {
        let all = ["unknown/unknown", "linux/arm/v6", "linux/arm/v7", "linux/amd64"].map(child);
        for (wanted, index) in [("linux/amd64", 3), ("linux/arm/v7", 2), ("linux/arm", 1)] {
            assert_eq!(pick(&all, &wanted.parse().unwrap()).unwrap(), &all[index]);
        }
        let missing = pick(&all, &"linux/s390x".parse().unwrap()).unwrap_err();
        assert_eq!(
            missing,
            "it has no image for linux/s390x, only for linux/arm/v6, linux/arm/v7, linux/amd64"
        );
    }
}
