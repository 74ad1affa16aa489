//! The contract of [`Registry`] and a fake that keeps images in memory.

use crate::model::{Digest, Tag};
use crate::ports::{ErrorKind, PortError, Registry};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

/// Checks everything that [`Registry`] promises. `repository` must be empty, and is written to.
///
/// # Errors
/// When an operation fails that has to succeed.
///
/// # Panics
/// When the contract is broken.
pub fn registry_contract(registry: &dyn Registry, repository: &str) -> Result<(), PortError> {
    let tag = |text: &str| {
        text.parse::<Tag>()
            .map_err(|e| PortError::new(ErrorKind::Invalid, "writing the contract", e))
    };
    let (one, latest) = (tag("1.0")?, tag("latest")?);
    assert_eq!(
        registry.resolve(repository, &latest)?,
        None,
        "nothing is there yet"
    );
    assert_eq!(registry.tags(repository)?, Vec::new());
    blobs_are_checked(registry, repository)?;
    tags_move(registry, repository, &one, &latest)
}

fn blobs_are_checked(registry: &dyn Registry, repository: &str) -> Result<(), PortError> {
    let config = b"{}".as_slice();
    let digest = Digest::of(config);
    assert_eq!(
        registry.blob(repository, &digest).err().map(|e| e.kind),
        Some(ErrorKind::Missing)
    );
    let first = manifest(&digest, "first");
    assert_eq!(
        registry
            .push_manifest(repository, &first, &[])
            .err()
            .map(|e| e.kind),
        Some(ErrorKind::Invalid),
        "a manifest whose blobs are absent is refused"
    );
    assert!(
        registry
            .push_blob(repository, &digest, &mut b"[]".as_slice())
            .is_err(),
        "content that does not match its digest is refused"
    );
    assert_eq!(
        registry.blob(repository, &digest).err().map(|e| e.kind),
        Some(ErrorKind::Missing),
        "and leaves nothing"
    );
    registry.push_blob(repository, &digest, &mut &config[..])?;
    registry.push_blob(repository, &digest, &mut &config[..])?;
    let mut content = Vec::new();
    let read = registry.blob(repository, &digest)?.read_to_end(&mut content);
    assert!(read.is_ok() && content == config);
    Ok(())
}

fn tags_move(registry: &dyn Registry, repository: &str, one: &Tag, latest: &Tag) -> Result<(), PortError> {
    let digest = Digest::of(b"{}");
    let first = manifest(&digest, "first");
    let tags = [latest.clone(), one.clone()];
    let old = registry.push_manifest(repository, &first, &tags)?;
    assert_eq!(old, Digest::of(&first));
    assert_eq!(registry.manifest(repository, &old)?, first, "byte for byte");
    let new = registry.push_manifest(
        repository,
        &manifest(&digest, "second"),
        std::slice::from_ref(latest),
    )?;
    assert_eq!(registry.resolve(repository, latest)?, Some(new));
    assert_eq!(registry.resolve(repository, one)?, Some(old.clone()));
    assert_eq!(
        registry.tags(repository)?,
        vec![one.clone(), latest.clone()],
        "sorted, each once"
    );
    assert_eq!(registry.manifest(repository, &old)?, first, "the old one stays");
    assert_eq!(
        registry
            .manifest(repository, &Digest::of(b"absent"))
            .err()
            .map(|e| e.kind),
        Some(ErrorKind::Missing)
    );
    Ok(())
}

fn manifest(config: &Digest, note: &str) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
        "layers": [],
        "annotations": { "note": note },
    })
    .to_string()
    .into_bytes()
}

/// Keeps images in memory.
#[derive(Default)]
pub struct MemoryRegistry {
    blobs: Mutex<BTreeMap<(String, Digest), Vec<u8>>>,
    tags: Mutex<BTreeMap<(String, Tag), Digest>>,
}

impl MemoryRegistry {
    fn get(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        lock(&self.blobs)
            .get(&(repository.to_owned(), digest.clone()))
            .cloned()
            .ok_or_else(|| PortError::new(ErrorKind::Missing, format!("reading {digest}"), "it is not there"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry for MemoryRegistry {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        Ok(lock(&self.tags)
            .get(&(repository.to_owned(), tag.clone()))
            .cloned())
    }

    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        self.get(repository, digest)
    }

    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        Ok(Box::new(io::Cursor::new(self.get(repository, digest)?)))
    }

    fn push_blob(&self, repository: &str, digest: &Digest, content: &mut dyn Read) -> Result<(), PortError> {
        let refused = |cause: String| PortError::new(ErrorKind::Invalid, format!("storing {digest}"), cause);
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(|e| refused(e.to_string()))?;
        if Digest::of(&bytes) != *digest {
            return Err(refused("the content has another digest".into()));
        }
        lock(&self.blobs).insert((repository.to_owned(), digest.clone()), bytes);
        Ok(())
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        let refused = |cause: String| PortError::new(ErrorKind::Invalid, "storing a manifest", cause);
        let parsed: Value = serde_json::from_slice(manifest).map_err(|e| refused(e.to_string()))?;
        let listed = ["layers", "manifests"]
            .iter()
            .filter_map(|l| parsed[*l].as_array());
        for descriptor in listed.flatten().chain(parsed.get("config")) {
            let digest = descriptor["digest"].as_str().unwrap_or_default();
            let digest: Digest = digest.parse().map_err(|e| refused(format!("{e}")))?;
            self.get(repository, &digest)
                .map_err(|e| refused(e.to_string()))?;
        }
        let digest = Digest::of(manifest);
        self.push_blob(repository, &digest, &mut &manifest[..])?;
        for tag in tags {
            lock(&self.tags).insert((repository.to_owned(), tag.clone()), digest.clone());
        }
        Ok(digest)
    }

    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        Ok(lock(&self.tags)
            .keys()
            .filter(|(name, _)| name == repository)
            .map(|(_, tag)| tag.clone())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fake_keeps_the_contract() {
        registry_contract(&MemoryRegistry::default(), "acme/app").unwrap();
    }
}
