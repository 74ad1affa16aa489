//! The contract of [`Registry`] and [`Catalog`], and a fake that keeps images in memory.

use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Descriptor, Manifest, attached_by_tag};
use crate::ports::{Blob, Catalog, Content, Discard, HeldImage, Registry, in_memory};
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
pub fn registry_contract(registry: &dyn Catalog, repository: &str) -> Result<(), PortError> {
    let tag = |text: &str| {
        text.parse::<Tag>()
            .map_err(|e| PortError::new(ErrorKind::Invalid, "writing the contract", &e))
    };
    let (one, latest) = (tag("1.0")?, tag("latest")?);
    assert_eq!(
        registry.resolve(repository, &latest)?,
        None,
        "nothing is there yet"
    );
    assert_eq!(registry.tags(repository)?, Vec::new());
    blobs_are_checked(registry, repository)?;
    tags_move(registry, repository, &one, &latest)?;
    what_is_about_an_image_is_found(registry, repository)?;
    what_is_discarded_is_gone(registry, repository, &one, &latest)
}

fn blobs_are_checked(registry: &dyn Catalog, repository: &str) -> Result<(), PortError> {
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
    assert!(!registry.has(repository, Content::Blob, &digest)?);
    assert!(
        push(registry, repository, &digest, b"[]").is_err(),
        "content that does not match its digest is refused"
    );
    assert_eq!(
        registry.blob(repository, &digest).err().map(|e| e.kind),
        Some(ErrorKind::Missing),
        "and leaves nothing"
    );
    push(registry, repository, &digest, config)?;
    push(registry, repository, &digest, config)?;
    assert!(registry.has(repository, Content::Blob, &digest)?);
    let mut content = Vec::new();
    let read = registry.blob(repository, &digest)?.read_to_end(&mut content);
    assert!(read.is_ok() && content == config);
    Ok(())
}

fn push(registry: &dyn Catalog, repository: &str, digest: &Digest, content: &[u8]) -> Result<(), PortError> {
    let blob = Blob {
        digest,
        size: content.len() as u64,
        from: None,
        open: &in_memory(content),
    };
    registry.push_blob(repository, &blob)
}

fn tags_move(registry: &dyn Catalog, repository: &str, one: &Tag, latest: &Tag) -> Result<(), PortError> {
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
    assert!(registry.has(repository, Content::Manifest, &new)?);
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

fn what_is_about_an_image_is_found(registry: &dyn Catalog, repository: &str) -> Result<(), PortError> {
    let config = Digest::of(b"{}");
    let image = registry.push_manifest(repository, &manifest(&config, "signed"), &[])?;
    assert_eq!(registry.referrers(repository, &image)?, Vec::new());
    let mut about: Value = serde_json::from_slice(&manifest(&config, "signature")).unwrap_or_default();
    about["artifactType"] = json!("application/vnd.example.signature");
    about["subject"] = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": image,
        "size": manifest(&config, "signed").len(),
    });
    let about = about.to_string().into_bytes();
    for _ in 0..2 {
        let signature = registry.push_manifest(repository, &about, &[])?;
        let found = registry.referrers(repository, &image)?;
        assert_eq!(found.len(), 1, "once, however often it is pushed");
        assert_eq!(found[0].digest, signature);
        assert_eq!(found[0].size, about.len() as u64);
        assert_eq!(
            found[0].artifact_type.as_deref(),
            Some("application/vnd.example.signature")
        );
    }
    Ok(())
}

fn what_is_discarded_is_gone(
    registry: &dyn Catalog,
    repository: &str,
    one: &Tag,
    latest: &Tag,
) -> Result<(), PortError> {
    let digest = registry
        .resolve(repository, one)?
        .unwrap_or_else(|| Digest::of(b""));
    let held = registry.images(repository)?;
    let image = held.iter().find(|image| image.digest == digest);
    assert_eq!(
        image.map(|image| &image.tags[..]),
        Some(std::slice::from_ref(one))
    );
    match registry.discard(repository, &Discard::Tag(one.clone())) {
        Ok(()) => {
            assert_eq!(registry.resolve(repository, one)?, None);
            assert!(
                registry.has(repository, Content::Manifest, &digest)?,
                "the image stays"
            );
        }
        Err(error) => assert_eq!(error.kind, ErrorKind::Unsupported, "{error}"),
    }
    for _ in 0..2 {
        registry.discard(repository, &Discard::Manifest(digest.clone()))?;
        assert!(!registry.has(repository, Content::Manifest, &digest)?);
        // What stands in for the referrers API may stay.
        let mut tags = registry.tags(repository)?;
        tags.retain(|tag| attached_by_tag(tag).is_none());
        assert_eq!(tags, vec![latest.clone()]);
    }
    let kept = registry
        .resolve(repository, latest)?
        .unwrap_or_else(|| Digest::of(b""));
    registry.manifest(repository, &kept)?;
    registry.blob(repository, &Digest::of(b"{}"))?;
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
    manifests: Mutex<BTreeMap<(String, Digest), Manifest>>,
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

    fn has(&self, repository: &str, _: Content, digest: &Digest) -> Result<bool, PortError> {
        Ok(self.get(repository, digest).is_ok())
    }

    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        let refused =
            |cause: String| PortError::new(ErrorKind::Invalid, format!("storing {}", blob.digest), cause);
        if self.get(repository, blob.digest).is_ok() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        (blob.open)()?
            .read_to_end(&mut bytes)
            .map_err(|e| refused(e.to_string()))?;
        if Digest::of(&bytes) != *blob.digest {
            return Err(refused("the content has another digest".into()));
        }
        lock(&self.blobs).insert((repository.to_owned(), blob.digest.clone()), bytes);
        Ok(())
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        let refused = |cause: String| PortError::new(ErrorKind::Invalid, "storing a manifest", cause);
        let parsed = Manifest::parse(manifest).map_err(|e| refused(e.to_string()))?;
        let held = parsed.blobs().filter(|blob| blob.urls.is_empty());
        for listed in parsed.children().iter().chain(held) {
            self.get(repository, &listed.digest)
                .map_err(|e| refused(e.to_string()))?;
        }
        let digest = Digest::of(manifest);
        push(self, repository, &digest, manifest)?;
        lock(&self.manifests).insert((repository.to_owned(), digest.clone()), parsed);
        for tag in tags {
            lock(&self.tags).insert((repository.to_owned(), tag.clone()), digest.clone());
        }
        Ok(digest)
    }
}

impl Catalog for MemoryRegistry {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        Ok(lock(&self.tags)
            .keys()
            .filter(|(name, _)| name == repository)
            .map(|(_, tag)| tag.clone())
            .collect())
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        let manifests = lock(&self.manifests);
        let about = manifests.iter().filter(|((name, _), manifest)| {
            let subject = manifest.subject.as_ref();
            name == repository && subject.is_some_and(|subject| subject.digest == *digest)
        });
        about
            .map(|((_, digest), manifest)| {
                Ok(Descriptor {
                    media_type: manifest.media_type.clone(),
                    digest: digest.clone(),
                    size: self.get(repository, digest)?.len() as u64,
                    platform: None,
                    annotations: manifest.annotations.clone(),
                    artifact_type: manifest.artifact_type.clone(),
                    urls: Vec::new(),
                })
            })
            .collect()
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        let tags = lock(&self.tags);
        let tags_of = |digest: &Digest| {
            let named = tags
                .iter()
                .filter(|((name, _), named)| name == repository && *named == digest);
            named.map(|((_, tag), _)| tag.clone()).collect()
        };
        Ok(lock(&self.manifests)
            .keys()
            .filter(|(name, _)| name == repository)
            .map(|(_, digest)| HeldImage {
                digest: digest.clone(),
                tags: tags_of(digest),
                pushed: None,
            })
            .collect())
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        match what {
            Discard::Tag(tag) => drop(lock(&self.tags).remove(&(repository.to_owned(), tag.clone()))),
            Discard::Manifest(digest) => {
                let key = (repository.to_owned(), digest.clone());
                lock(&self.manifests).remove(&key);
                lock(&self.blobs).remove(&key);
                lock(&self.tags).retain(|(name, _), named| name != repository || named != digest);
            }
        }
        Ok(())
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
