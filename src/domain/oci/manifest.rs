//! Manifests and indexes, read from their bytes.

use super::media;
use crate::domain::model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// The largest manifest that is read or written, in bytes; registries must accept 4 MiB (OCI
/// distribution spec, "Pushing manifests").
pub const LARGEST_MANIFEST: u64 = 4 << 20;

/// Names content by its digest, and says what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What it runs on, where it is one image of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformOf>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an artifact is (`application/vnd.dev.sigstore.bundle.v0.3+json`). Some registries write it
    /// wrongly into the index of referrers; the manifest itself decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Where else the content is found. A registry need not hold it then (a foreign layer).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// Operating system and processor, as the image spec names them (`linux`, `arm64`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformOf {
    /// `linux`; `unknown` for attestations.
    #[serde(default)]
    pub os: String,
    /// `amd64`; `unknown` for attestations.
    #[serde(default)]
    pub architecture: String,
    /// `v7` of `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type: as written in it, or by its shape where it says nothing.
    pub media_type: String,
    /// What it holds.
    pub body: Body,
    /// The manifest that it is about: a signature's image.
    pub subject: Option<Descriptor>,
    /// What it is, where it is no image; else its configuration's media type.
    pub artifact_type: Option<String>,
    /// Further facts.
    pub annotations: BTreeMap<String, String>,
}

/// What a manifest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Other manifests.
    Index {
        /// One per platform, attestations among them.
        manifests: Vec<Descriptor>,
    },
    /// An image, or an artifact that is stored like one.
    Image {
        /// Its configuration.
        config: Descriptor,
        /// Its layers, lowest first.
        layers: Vec<Descriptor>,
    },
}

/// Bytes that are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an image manifest or index: {0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: Option<u32>,
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is not JSON, has a shape of neither kind or of both, an unknown media type, a digest
    /// that is not sha256, or is larger than [`LARGEST_MANIFEST`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() as u64 > LARGEST_MANIFEST {
            return Err(Malformed(format!("larger than {LARGEST_MANIFEST} bytes")));
        }
        let written: Written = serde_json::from_slice(bytes).map_err(|e| Malformed(e.to_string()))?;
        if written.schema_version != Some(2) {
            return Err(Malformed("its schemaVersion is not 2".to_owned()));
        }
        let (body, shape) = match (written.manifests, written.config, written.layers) {
            (Some(manifests), None, None) => (Body::Index { manifests }, media::INDEX),
            (None, Some(config), Some(layers)) => (Body::Image { config, layers }, media::MANIFEST),
            _ => {
                let message = "it must hold either manifests, or config and layers";
                return Err(Malformed(message.to_owned()));
            }
        };
        let media_type = written.media_type.unwrap_or_else(|| shape.to_owned());
        let fits = match body {
            Body::Index { .. } => media::is_index(&media_type),
            Body::Image { .. } => media::is_manifest(&media_type) && !media::is_index(&media_type),
        };
        if !fits {
            let shown: String = media_type.chars().take(100).collect();
            return Err(Malformed(format!(
                "its mediaType {shown:?} does not fit its content"
            )));
        }
        let by_config = match &body {
            Body::Image { config, .. } => Some(config.media_type.clone()),
            Body::Index { .. } => None,
        };
        Ok(Self {
            media_type,
            body,
            subject: written.subject,
            artifact_type: written.artifact_type.or(by_config),
            annotations: written.annotations.unwrap_or_default(),
        })
    }

    /// The manifests that it lists: all of them must be there before it is.
    pub fn children(&self) -> &[Descriptor] {
        match &self.body {
            Body::Index { manifests } => manifests,
            Body::Image { .. } => &[],
        }
    }

    /// The blobs that it names, configuration first: all of them must be there before it is.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers) = match &self.body {
            Body::Index { .. } => (None, &[][..]),
            Body::Image { config, layers } => (Some(config), &layers[..]),
        };
        config.into_iter().chain(layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn descriptor(media_type: &str) -> serde_json::Value {
        json!({ "mediaType": media_type, "digest": Digest::of(b"x"), "size": 1 })
    }

    fn parse(value: &serde_json::Value) -> Result<Manifest, Malformed> {
        Manifest::parse(&serde_json::to_vec(value).unwrap())
    }

    #[test]
    fn a_manifest_without_a_media_type_is_known_by_its_shape() {
        let image = parse(&json!({
            "schemaVersion": 2, "config": descriptor(media::CONFIG), "layers": [descriptor(media::LAYER_GZIP)],
        }))
        .unwrap();
        assert_eq!(image.media_type, media::MANIFEST);
        assert_eq!(image.artifact_type.as_deref(), Some(media::CONFIG));
        assert_eq!(image.blobs().count(), 2);
        let index =
            parse(&json!({ "schemaVersion": 2, "manifests": [descriptor(media::MANIFEST)] })).unwrap();
        assert_eq!(index.media_type, media::INDEX);
        assert_eq!(index.children().len(), 1);
        assert_eq!(index.blobs().count(), 0);
    }

    #[test]
    fn what_is_ambiguous_or_unknown_is_refused() {
        let both = json!({
            "schemaVersion": 2, "manifests": [], "config": descriptor(media::CONFIG), "layers": [],
        });
        let crossed = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "manifests": [] });
        let unknown = json!({ "schemaVersion": 2, "mediaType": "text/html", "manifests": [] });
        let first = json!({ "schemaVersion": 1, "manifests": [] });
        let digest = json!({ "schemaVersion": 2, "manifests": [{"mediaType": media::MANIFEST, "digest": "sha512:00", "size": 1}] });
        for (value, expected) in [
            (both, "must hold either"),
            (crossed, "does not fit"),
            (unknown, "does not fit"),
            (first, "schemaVersion"),
            (digest, "sha256"),
            (json!([]), "not an image manifest"),
        ] {
            let message = parse(&value).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
