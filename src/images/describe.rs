//! What an image says of itself, and what hangs off it.

use crate::domain::model::{CommitId, Digest, ErrorKind, PortError, Tag, Timestamp, Version};
use crate::domain::oci::{Attachment, Descriptor, Manifest, attached_by_tag, attachment_tags};
use crate::parallel::try_each;
use crate::ports::Catalog;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;

/// Where an image's version stands, as a label or as an annotation (OCI image spec, "Pre-Defined
/// Annotation Keys").
const VERSION: &str = "org.opencontainers.image.version";
/// Which service it says that it is.
const TITLE: &str = "org.opencontainers.image.title";
/// Which commit it says that it was made from.
const REVISION: &str = "org.opencontainers.image.revision";
/// Where it says when it was made.
const CREATED: &str = "org.opencontainers.image.created";
/// What buildx marks attestations within an index by.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// The largest configuration that is read, in bytes: it holds a line for each layer, and labels.
const LARGEST_CONFIG: u64 = 4 << 20;

/// An image of one platform, or an attestation within an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePart {
    /// Digest of its manifest.
    pub digest: Digest,
    /// `linux/arm64/v8`; `None` where nothing says so.
    pub platform: Option<String>,
    /// What it is instead of an image: `attestation-manifest`.
    pub role: Option<String>,
    /// Bytes of its configuration and layers.
    pub size: u64,
    /// How many layers it has.
    pub layers: usize,
}

/// Something that hangs off an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Digest of its manifest.
    pub digest: Digest,
    /// What it is about: the image or one of its parts.
    pub about: Digest,
    /// What it is, as it says.
    pub artifact_type: Option<String>,
    /// The tag that it hangs by, where it is no referrer.
    pub tag: Option<Tag>,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// What it is.
    pub media_type: String,
    /// Its version, as it says.
    pub version: Option<Version>,
    /// When it was made, as it says.
    pub created: Option<Timestamp>,
    /// Bytes of all that it consists of, shared blobs once.
    pub size: u64,
    /// Its parts: itself, where it is no index.
    pub parts: Vec<ImagePart>,
    /// What hangs off it and its parts.
    pub attached: Vec<Attached>,
}

/// The manifest of one part, with how the index names it.
struct Leaf {
    descriptor: Descriptor,
    manifest: Manifest,
}

/// An image's own manifest, and those of its parts at any depth.
pub(super) struct Parts {
    root: Manifest,
    leaves: Vec<Leaf>,
}

#[derive(Deserialize, Default)]
struct Config {
    created: Option<String>,
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    #[serde(default)]
    config: Option<Inner>,
}

#[derive(Deserialize, Default)]
struct Inner {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

/// What an image says it is: by annotations of its manifest or index, else by labels of its configuration (the
/// first image's, where it is an index). Labels of a base that a build did not replace are among them: only
/// together with the title they are about the service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The service.
    pub title: Option<String>,
    /// Its version.
    pub version: Option<Version>,
    /// The commit that it was made from.
    pub revision: Option<CommitId>,
}

/// What an image says it is.
///
/// # Errors
/// When it cannot be read.
pub fn claims(catalog: &dyn Catalog, repository: &str, digest: &Digest) -> Result<Claims, PortError> {
    let parts = read_parts(catalog, repository, digest)?;
    let config = first_config(catalog, repository, &parts)?;
    let labels = config.config.and_then(|inner| inner.labels).unwrap_or_default();
    let first = first_image(&parts).map(|leaf| &leaf.manifest.annotations);
    let said = |key: &str| {
        let places = [Some(&parts.root.annotations), first, Some(&labels)];
        places.into_iter().flatten().find_map(|place| place.get(key))
    };
    Ok(Claims {
        title: said(TITLE).cloned(),
        version: said(VERSION).and_then(|text| text.parse().ok()),
        revision: said(REVISION).and_then(|text| text.parse().ok()),
    })
}

/// Everything about an image.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn describe(
    catalog: &dyn Catalog,
    repository: &str,
    digest: &Digest,
    connections: usize,
) -> Result<Described, PortError> {
    let parts = read_parts(catalog, repository, digest)?;
    let mut blobs: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut shown = Vec::new();
    for leaf in &parts.leaves {
        let own: Vec<&Descriptor> = leaf.manifest.blobs().collect();
        blobs.extend(own.iter().map(|blob| (blob.digest.clone(), blob.size)));
        shown.push(ImagePart {
            digest: leaf.descriptor.digest.clone(),
            platform: platform(catalog, repository, leaf)?,
            role: leaf.descriptor.annotations.get(REFERENCE_TYPE).cloned(),
            size: own.iter().map(|blob| blob.size).sum(),
            layers: own.len().saturating_sub(1),
        });
    }
    let mut about: Vec<Digest> = vec![digest.clone()];
    about.extend(
        shown
            .iter()
            .map(|part| part.digest.clone())
            .filter(|part| part != digest),
    );
    let attached = try_each(&about, connections, |digest| {
        attached(catalog, repository, digest)
    })?;
    let version = match parts.root.annotations.get(VERSION) {
        Some(text) => Some(text.clone()),
        None => labelled(catalog, repository, &parts, VERSION)?,
    };
    Ok(Described {
        media_type: parts.root.media_type.clone(),
        version: version.and_then(|text| text.parse().ok()),
        created: created(catalog, repository, &parts)?,
        size: blobs.values().sum(),
        parts: shown,
        attached: attached.into_iter().flatten().collect(),
        digest: digest.clone(),
    })
}

/// When the image was made, as its annotations or its configuration say.
pub(super) fn created(
    catalog: &dyn Catalog,
    repository: &str,
    parts: &Parts,
) -> Result<Option<Timestamp>, PortError> {
    if let Some(written) = parts.root.annotations.get(CREATED) {
        return Ok(written.parse().ok());
    }
    let config = first_config(catalog, repository, parts)?;
    Ok(config.created.and_then(|written| written.parse().ok()))
}

fn labelled(
    catalog: &dyn Catalog,
    repository: &str,
    parts: &Parts,
    label: &str,
) -> Result<Option<String>, PortError> {
    let first = first_image(parts);
    if let Some(written) = first.and_then(|leaf| leaf.manifest.annotations.get(label)) {
        return Ok(Some(written.clone()));
    }
    let config = first_config(catalog, repository, parts)?;
    Ok(config
        .config
        .and_then(|inner| inner.labels)
        .and_then(|mut labels| labels.remove(label)))
}

fn first_image(parts: &Parts) -> Option<&Leaf> {
    parts
        .leaves
        .iter()
        .find(|leaf| !leaf.descriptor.annotations.contains_key(REFERENCE_TYPE))
}

fn first_config(catalog: &dyn Catalog, repository: &str, parts: &Parts) -> Result<Config, PortError> {
    let config = first_image(parts).and_then(|leaf| leaf.manifest.blobs().next());
    config.map_or(Ok(Config::default()), |config| {
        read_config(catalog, repository, config)
    })
}

/// A configuration; empty where it is another kind of content.
fn read_config(catalog: &dyn Catalog, repository: &str, config: &Descriptor) -> Result<Config, PortError> {
    let doing = || format!("reading the configuration {} of {repository}", config.digest);
    let mut bytes = Vec::new();
    let blob = catalog.blob(repository, &config.digest)?;
    blob.take(LARGEST_CONFIG + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| PortError::new(ErrorKind::Transient, doing(), &error))?;
    if bytes.len() as u64 > LARGEST_CONFIG {
        let message = format!("it is larger than {LARGEST_CONFIG} bytes");
        return Err(PortError::new(ErrorKind::Invalid, doing(), message));
    }
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn platform(catalog: &dyn Catalog, repository: &str, leaf: &Leaf) -> Result<Option<String>, PortError> {
    let joined = |parts: [Option<&str>; 3]| {
        let parts: Vec<&str> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        (parts.len() >= 2).then(|| parts.join("/"))
    };
    if let Some(platform) = &leaf.descriptor.platform {
        let variant = platform.variant.as_deref();
        return Ok(joined([
            Some(&platform.os),
            Some(&platform.architecture),
            variant,
        ]));
    }
    let Some(config) = leaf.manifest.blobs().next() else {
        return Ok(None);
    };
    let config = read_config(catalog, repository, config)?;
    Ok(joined([
        config.os.as_deref(),
        config.architecture.as_deref(),
        config.variant.as_deref(),
    ]))
}

fn attached(catalog: &dyn Catalog, repository: &str, about: &Digest) -> Result<Vec<Attached>, PortError> {
    let referrers = catalog.referrers(repository, about)?;
    let mut found: Vec<Attached> = referrers
        .into_iter()
        .map(|referrer| Attached {
            digest: referrer.digest,
            about: about.clone(),
            artifact_type: referrer.artifact_type,
            tag: None,
        })
        .collect();
    for tag in attachment_tags(about) {
        let is_cosign = attached_by_tag(&tag).is_some_and(|(_, kind)| kind == Attachment::Cosign);
        if is_cosign && let Some(digest) = catalog.resolve(repository, &tag)? {
            found.push(Attached {
                digest,
                about: about.clone(),
                artifact_type: None,
                tag: Some(tag),
            });
        }
    }
    Ok(found)
}

pub(super) fn read_parts(
    catalog: &dyn Catalog,
    repository: &str,
    digest: &Digest,
) -> Result<Parts, PortError> {
    let root = read(catalog, repository, digest)?;
    let own = Descriptor {
        media_type: root.media_type.clone(),
        digest: digest.clone(),
        size: 0,
        platform: None,
        annotations: BTreeMap::new(),
        artifact_type: None,
        urls: Vec::new(),
    };
    let mut open = vec![own];
    let mut seen = vec![digest.clone()];
    let mut leaves = Vec::new();
    while let Some(descriptor) = open.pop() {
        let manifest = if descriptor.digest == *digest {
            root.clone()
        } else {
            read(catalog, repository, &descriptor.digest)?
        };
        let children: Vec<Descriptor> = manifest.children().to_vec();
        if children.is_empty() {
            leaves.push(Leaf { descriptor, manifest });
        }
        // Taken from the end: the first child comes first.
        for child in children.into_iter().rev() {
            if seen.len() > super::graph::MOST_MANIFESTS {
                let doing = format!("reading {repository}@{digest}");
                let message = format!("it has more than {} parts", super::graph::MOST_MANIFESTS);
                return Err(PortError::new(ErrorKind::Invalid, doing, message));
            }
            if !seen.contains(&child.digest) {
                seen.push(child.digest.clone());
                open.push(child);
            }
        }
    }
    Ok(Parts { root, leaves })
}

fn read(catalog: &dyn Catalog, repository: &str, digest: &Digest) -> Result<Manifest, PortError> {
    let bytes = catalog.manifest(repository, digest)?;
    Manifest::parse(&bytes).map_err(|error| {
        let doing = format!("reading {repository}@{digest}");
        PortError::new(ErrorKind::Invalid, doing, &error)
    })
}
