//! From a layout directory that a builder wrote into the registry.

use super::bench::Bench;
use crate::domain::model::{Digest, Explanation, PortError};
use crate::domain::oci::{LARGEST_MANIFEST, Manifest};
use crate::host::files::read_bounded;
use crate::ports::Blob;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// An index of images, and an image.
const DEEPEST: usize = 2;

/// Stores the image or index `digest` of the layout `directory`: what it consists of first, no tags.
pub(super) fn store(bench: &Bench<'_>, directory: &Path, digest: &Digest) -> Result<(), PortError> {
    store_at(bench, directory, digest, DEEPEST)
}

fn store_at(bench: &Bench<'_>, directory: &Path, digest: &Digest, depth: usize) -> Result<(), PortError> {
    let wrong = |cause: Explanation| {
        let message = format!("what the builder wrote as {digest} cannot be read");
        bench.error(Explanation::new(message).because(&cause))
    };
    if depth == 0 {
        return Err(wrong("it is an index within an index".into()));
    }
    let bytes = read_bounded(&blob(directory, digest), LARGEST_MANIFEST).map_err(|e| wrong((&e).into()))?;
    if Digest::of(&bytes) != *digest {
        return Err(wrong("its content has another digest".into()));
    }
    let manifest = Manifest::parse(&bytes).map_err(|e| wrong((&e).into()))?;
    for child in manifest.children() {
        store_at(bench, directory, &child.digest, depth - 1)?;
    }
    let repository = &bench.request.repository;
    for part in manifest.blobs() {
        let path = blob(directory, &part.digest);
        let open = || match File::open(&path) {
            Ok(file) => Ok(Box::new(file) as Box<dyn Read + Send>),
            Err(error) => Err(wrong((&error).into())),
        };
        let blob = Blob {
            digest: &part.digest,
            size: part.size,
            from: None,
            open: &open,
        };
        bench.registry.push_blob(repository, &blob)?;
    }
    bench.registry.push_manifest(repository, &bytes, &[])?;
    Ok(())
}

fn blob(directory: &Path, digest: &Digest) -> PathBuf {
    directory.join("blobs/sha256").join(digest.hex())
}
