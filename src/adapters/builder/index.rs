//! Several images of one build as one.

use crate::domain::oci::{Descriptor, media};
use crate::ports::BuildRequest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The index of the images for several platforms.
pub(super) fn index(request: &BuildRequest, images: &[Descriptor]) -> Value {
    if images
        .iter()
        .all(|image| image.media_type == media::DOCKER_MANIFEST)
    {
        return json!({ "schemaVersion": 2, "mediaType": media::DOCKER_LIST, "manifests": images });
    }
    let mut index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": images });
    let annotations = annotations(request);
    if !annotations.is_empty() {
        index["annotations"] = json!(annotations);
    }
    index
}

/// What the labels say of the image, for whoever reads only its manifest.
pub(super) fn annotations(request: &BuildRequest) -> BTreeMap<String, String> {
    request
        .labels
        .iter()
        .filter(|(name, _)| name.starts_with("org.opencontainers.image."))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
