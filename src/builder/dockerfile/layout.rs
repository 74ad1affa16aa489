//! From a layout directory that a builder wrote into the registry.

use super::bench::Bench;
use crate::host::files::read_bounded;
use crate::model::Digest;
use crate::ports::PortError;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Registries must accept manifests of 4 MiB (OCI distribution spec, "Pushing manifests").
const LARGEST_MANIFEST: u64 = 4 << 20;
/// An image, an index of images, and one more.
const DEEPEST: usize = 3;

/// Stores the image or index `digest` of the layout `directory`: what it consists of first, no tags.
pub(super) fn store(bench: &Bench<'_>, directory: &Path, digest: &Digest) -> Result<(), PortError> {
    store_at(bench, directory, digest, DEEPEST)
}

fn store_at(bench: &Bench<'_>, directory: &Path, digest: &Digest, depth: usize) -> Result<(), PortError> {
    let wrong = |cause: &dyn std::fmt::Display| bench.error(format!("what the builder wrote cannot be read: {digest}: {cause}"));
    let bytes = read_bounded(&blob(directory, digest), LARGEST_MANIFEST).map_err(|e| wrong(&e))?;
    if Digest::of(&bytes) != *digest {
        return Err(wrong(&"its content is another one"));
    }
    let manifest: Value = serde_json::from_slice(&bytes).map_err(|e| wrong(&e))?;
    let children = digests(&manifest["manifests"]);
    if depth == 0 && !children.is_empty() {
        return Err(wrong(&"indexes within indexes"));
    }
    for child in &children {
        store_at(bench, directory, child, depth - 1)?;
    }
    let repository = &bench.request.repository;
    let config = digests(&Value::Array(vec![manifest["config"].clone()]));
    for part in config.iter().chain(&digests(&manifest["layers"])) {
        let mut content = File::open(blob(directory, part)).map_err(|e| wrong(&e))?;
        bench.registry.push_blob(repository, part, &mut content)?;
    }
    bench.registry.push_manifest(repository, &bytes, &[])?;
    Ok(())
}

fn blob(directory: &Path, digest: &Digest) -> PathBuf {
    directory.join("blobs/sha256").join(digest.hex())
}

/// The digests of a list of descriptors.
fn digests(descriptors: &Value) -> Vec<Digest> {
    descriptors
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|descriptor| descriptor["digest"].as_str()?.parse().ok())
        .collect()
}
