//! The registry's port over layout directories.

use super::super::verified::Verified;
use super::entries::{point, ref_name, untag};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag, Timestamp};
use crate::domain::oci::{Descriptor, LARGEST_MANIFEST, Manifest, media};
use crate::host::{files, random};
use crate::ports::{Blob, Catalog, Content, Discard, HeldImage, Registry, in_memory};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An index of some ten thousand tags.
const LARGEST_INDEX: u64 = 16 << 20;
/// What a layout consists of; no repository may be kept under these names within another.
const MEMBERS: [&str; 3] = ["blobs", "index.json", "oci-layout"];

/// Repositories below one directory. The repository `acme/app` is the layout `acme/app`; a registry's
/// `host:port` is written `host+port`, since skopeo ends a path at the first colon.
///
/// Safe for many readers and writers at once, within one process and across several.
pub struct LayoutRegistry {
    root: PathBuf,
    /// What manifests name, by their digest: that never changes, and is asked again for each that goes.
    named: Mutex<BTreeMap<Digest, Arc<Named>>>,
}

/// What one manifest names.
struct Named {
    manifests: Vec<Digest>,
    blobs: Vec<Digest>,
}

impl LayoutRegistry {
    /// The repositories below `root`, which need not exist yet.
    pub fn open(root: PathBuf) -> Self {
        Self {
            root,
            named: Mutex::default(),
        }
    }

    /// The layout of a repository, as skopeo is given it (`oci:PATH:TAG`).
    ///
    /// # Errors
    /// `Invalid` for a name that is no repository's, or would lead out of the root.
    pub fn path(&self, repository: &str) -> Result<PathBuf, PortError> {
        let segments: Vec<&str> = repository.split('/').collect();
        let legal = segments.iter().enumerate().all(|(place, segment)| {
            segment.starts_with(|c: char| c.is_ascii_alphanumeric())
                && segment
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || (c == ':' && place == 0))
                && (place == 0 || !MEMBERS.contains(segment))
        });
        if !legal || repository.len() > 255 {
            return Err(PortError::new(
                ErrorKind::Invalid,
                format!("opening the repository {repository:?}"),
                "not a repository name",
            )
            .fix("write letters, digits, '.', '_' and '-', with '/' between parts that begin with a letter or digit (acme/app)"));
        }
        Ok(self.root.join(repository.replace(':', "+")))
    }

    fn index(&self, repository: &str) -> Result<Option<Value>, PortError> {
        let path = self.path(repository)?.join("index.json");
        let doing = || format!("reading {}", path.display());
        let bytes = match files::read_bounded(&path, LARGEST_INDEX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PortError::new(ErrorKind::Invalid, doing(), &error)),
        };
        let index: Value =
            serde_json::from_slice(&bytes).map_err(|e| PortError::new(ErrorKind::Invalid, doing(), &e))?;
        if index["schemaVersion"] != 2 || !index["manifests"].is_array() {
            let message = "not an OCI image index (schemaVersion 2 with a list of manifests)";
            return Err(PortError::new(ErrorKind::Invalid, doing(), message));
        }
        Ok(Some(index))
    }

    fn blob_path(&self, repository: &str, digest: &Digest) -> Result<PathBuf, PortError> {
        Ok(self.path(repository)?.join("blobs/sha256").join(digest.hex()))
    }

    /// Makes the layout's directories and its marker.
    fn prepare(&self, repository: &str) -> Result<PathBuf, PortError> {
        let layout = self.path(repository)?;
        let made = || -> io::Result<()> {
            fs::create_dir_all(layout.join("blobs/sha256"))?;
            let marker = layout.join("oci-layout");
            if !marker.exists() {
                let version = br#"{"imageLayoutVersion":"1.0.0"}"#;
                match files::create_new(&marker, version, files::PUBLIC) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        };
        made().map_err(storing(&layout))?;
        Ok(layout)
    }

    /// A manifest may only name what is there: whoever finds it by its tag can then have all of it.
    fn has_all(&self, repository: &str, manifest: &Manifest) -> Result<(), PortError> {
        for descriptor in manifest.children().iter().chain(manifest.blobs()) {
            let elsewhere = !descriptor.urls.is_empty();
            if !elsewhere && !self.blob_path(repository, &descriptor.digest)?.is_file() {
                return Err(PortError::new(
                    ErrorKind::Invalid,
                    format!("storing a manifest in {repository}"),
                    format!("it names {}, which is not there", descriptor.digest),
                )
                .fix("store the blobs first"));
            }
        }
        Ok(())
    }

    /// Changes the layout's list of manifests while nobody else does, until the lock is dropped.
    fn change(
        &self,
        repository: &str,
        change: impl FnOnce(&mut Vec<Value>) -> Result<(), PortError>,
    ) -> Result<File, PortError> {
        let layout = self.prepare(repository)?;
        // The marker is never replaced, so that a lock on it is a lock on the layout.
        let lock = File::open(layout.join("oci-layout")).map_err(storing(&layout))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| storing(&layout)(e.into()))?;
        let mut index = self
            .index(repository)?
            .unwrap_or_else(|| json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": []}));
        if let Some(manifests) = index["manifests"].as_array_mut() {
            change(manifests)?;
        }
        let bytes = serde_json::to_vec(&index)
            .map_err(|e| PortError::new(ErrorKind::Invalid, format!("storing in {repository}"), &e))?;
        files::replace(&layout.join("index.json"), &bytes, files::PUBLIC).map_err(storing(&layout))?;
        Ok(lock)
    }

    /// The entries of `index.json`.
    fn entries(&self, repository: &str) -> Result<Vec<Value>, PortError> {
        let index = self.index(repository)?.unwrap_or_default();
        Ok(index["manifests"].as_array().cloned().unwrap_or_default())
    }

    /// Everything that these manifests lead to: themselves, and all that they list.
    fn reach(&self, repository: &str, mut open: Vec<Digest>) -> Result<BTreeSet<Digest>, PortError> {
        let mut reached = BTreeSet::new();
        while let Some(digest) = open.pop() {
            if !reached.insert(digest.clone()) {
                continue;
            }
            let named = self.named(repository, &digest)?;
            open.extend(named.manifests.iter().cloned());
            reached.extend(named.blobs.iter().cloned());
        }
        Ok(reached)
    }

    fn named(&self, repository: &str, digest: &Digest) -> Result<Arc<Named>, PortError> {
        let known = || self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = known().get(digest) {
            return Ok(Arc::clone(named));
        }
        let (manifest, _) = self.parsed(repository, digest)?;
        let children = manifest.children().iter();
        let named = Arc::new(Named {
            manifests: children.map(|child| child.digest.clone()).collect(),
            blobs: manifest.blobs().map(|blob| blob.digest.clone()).collect(),
        });
        known().insert(digest.clone(), Arc::clone(&named));
        Ok(named)
    }

    /// A manifest and its size in bytes.
    fn parsed(&self, repository: &str, digest: &Digest) -> Result<(Manifest, u64), PortError> {
        let bytes = self.manifest(repository, digest)?;
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            let doing = format!("reading the manifest {digest} of {repository}");
            PortError::new(ErrorKind::Invalid, doing, &error)
        })?;
        Ok((manifest, bytes.len() as u64))
    }
}

fn digest_of(descriptor: &Value) -> Option<Digest> {
    descriptor["digest"].as_str()?.parse().ok()
}

fn storing(path: &Path) -> impl Fn(io::Error) -> PortError {
    let doing = format!("storing in {}", path.display());
    move |error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
            io::ErrorKind::InvalidData => ErrorKind::Invalid,
            _ => ErrorKind::Transient,
        };
        PortError::new(kind, &doing, &error)
    }
}

fn missing(repository: &str, digest: &Digest) -> PortError {
    PortError::new(
        ErrorKind::Missing,
        format!("reading {digest} from {repository}"),
        "there is no such image or blob in the image directory",
    )
    .fix("build or copy it first")
}

impl Registry for LayoutRegistry {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        let index = self.index(repository)?;
        let found = index
            .iter()
            .flat_map(|index| index["manifests"].as_array())
            .flatten()
            .find(|descriptor| ref_name(descriptor) == Some(tag.as_str()));
        found
            .map(|descriptor| {
                let digest = descriptor["digest"].as_str().unwrap_or_default();
                digest.parse().map_err(|e| {
                    PortError::new(ErrorKind::Invalid, format!("resolving {repository}:{tag}"), &e)
                })
            })
            .transpose()
    }

    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        let path = self.blob_path(repository, digest)?;
        let doing = || format!("reading the manifest {digest} of {repository}");
        let bytes = files::read_bounded(&path, LARGEST_MANIFEST).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(repository, digest),
            _ => PortError::new(ErrorKind::Invalid, doing(), &error),
        })?;
        let found = Digest::of(&bytes);
        if found != *digest {
            let message = format!("the file is damaged: its digest is {found}");
            return Err(PortError::new(ErrorKind::Invalid, doing(), message));
        }
        Ok(bytes)
    }

    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        let file = File::open(self.blob_path(repository, digest)?).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(repository, digest),
            _ => PortError::new(
                ErrorKind::Denied,
                format!("reading {digest} from {repository}"),
                &error,
            ),
        })?;
        Ok(Box::new(Verified::new(file, digest.clone())))
    }

    fn has(&self, repository: &str, _: Content, digest: &Digest) -> Result<bool, PortError> {
        Ok(self.blob_path(repository, digest)?.is_file())
    }

    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        let path = self.blob_path(repository, blob.digest)?;
        if path.is_file() {
            return Ok(());
        }
        let layout = self.prepare(repository)?;
        let mut content = (blob.open)()?;
        let mut store = || -> io::Result<()> {
            let staged = path.with_file_name(format!(".stage-{}", random::hex(8)?));
            let mut file = OpenOptions::new().write(true).create_new(true).open(&staged)?;
            io::copy(&mut Verified::new(&mut content, blob.digest.clone()), &mut file)
                .and_then(|_| file.sync_all())
                .and_then(|()| fs::rename(&staged, &path))
                .inspect_err(|_| {
                    let _ = fs::remove_file(&staged);
                })?;
            File::open(layout.join("blobs/sha256"))?.sync_all()
        };
        store().map_err(storing(&path))
    }

    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        let doing = format!("storing a manifest in {repository}");
        let parsed =
            Manifest::parse(manifest).map_err(|error| PortError::new(ErrorKind::Invalid, doing, &error))?;
        let digest = Digest::of(manifest);
        let size = manifest.len() as u64;
        self.has_all(repository, &parsed)?;
        self.change(repository, |manifests| {
            // Again, since what was there may have been discarded before the lock was held.
            self.has_all(repository, &parsed)?;
            let blob = Blob {
                digest: &digest,
                size,
                from: None,
                open: &in_memory(manifest),
            };
            self.push_blob(repository, &blob)?;
            let plain = json!({"mediaType": parsed.media_type, "digest": digest, "size": size});
            point(manifests, &plain, tags);
            Ok(())
        })?;
        Ok(digest)
    }
}

impl Catalog for LayoutRegistry {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        let entries = self.entries(repository)?;
        let tags: BTreeSet<Tag> = entries
            .iter()
            .filter_map(|descriptor| ref_name(descriptor)?.parse().ok())
            .collect();
        Ok(tags.into_iter().collect())
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        let mut found = Vec::new();
        for image in self.images(repository)? {
            let (manifest, size) = self.parsed(repository, &image.digest)?;
            if manifest
                .subject
                .as_ref()
                .is_some_and(|subject| subject.digest == *digest)
            {
                found.push(Descriptor {
                    media_type: manifest.media_type,
                    digest: image.digest,
                    size,
                    platform: None,
                    annotations: manifest.annotations,
                    artifact_type: manifest.artifact_type,
                    urls: Vec::new(),
                });
            }
        }
        Ok(found)
    }

    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        let mut images = BTreeMap::<Digest, BTreeSet<Tag>>::new();
        for entry in self.entries(repository)? {
            let doing = || format!("listing {repository}");
            let digest = digest_of(&entry).ok_or_else(|| {
                PortError::new(
                    ErrorKind::Invalid,
                    doing(),
                    "an entry of index.json has no sha256 digest",
                )
            })?;
            let tag = ref_name(&entry).and_then(|name| name.parse().ok());
            images.entry(digest).or_default().extend(tag);
        }
        let held = |(digest, tags): (Digest, BTreeSet<Tag>)| {
            let written = fs::metadata(self.blob_path(repository, &digest)?).ok();
            let pushed = |file: fs::Metadata| Timestamp::from_unix_millis(file.mtime().saturating_mul(1000));
            Ok(HeldImage {
                digest,
                tags: tags.into_iter().collect(),
                pushed: written.map(pushed),
            })
        };
        images.into_iter().map(held).collect()
    }

    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        if self.index(repository)?.is_none() {
            return Ok(());
        }
        let mut orphans = BTreeSet::new();
        let lock = self.change(repository, |manifests| {
            match what {
                Discard::Tag(tag) => untag(manifests, tag),
                Discard::Manifest(digest) => {
                    let (gone, stay) = manifests
                        .iter()
                        .filter_map(digest_of)
                        .partition(|held| held == digest);
                    let kept = self.reach(repository, stay)?;
                    orphans = self.reach(repository, gone)?;
                    orphans.retain(|part| !kept.contains(part));
                    manifests.retain(|entry| digest_of(entry).as_ref() != Some(digest));
                }
            }
            Ok(())
        })?;
        // Still under the lock: whoever stores a manifest that names one of them finds it gone, and says so.
        for digest in orphans {
            let path = self.blob_path(repository, &digest)?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storing(&path)(error)),
                _ => {}
            }
        }
        drop(lock);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_stays_below_the_root() {
        let registry = LayoutRegistry::open("/images".into());
        for (name, path) in [
            ("app", "/images/app"),
            ("acme/app_2", "/images/acme/app_2"),
            ("ghcr.io:443/acme/app", "/images/ghcr.io+443/acme/app"),
        ] {
            assert_eq!(registry.path(name).unwrap(), Path::new(path));
        }
        for name in [
            "",
            "/etc",
            "..",
            "a/../../b",
            "a//b",
            ".hidden",
            "a/blobs",
            "a/b:1",
            "a\0b",
            "a/",
        ] {
            assert_eq!(
                registry.path(name).unwrap_err().kind,
                ErrorKind::Invalid,
                "{name}"
            );
        }
    }
}
