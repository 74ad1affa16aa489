//! An image as one file, as Proxmox takes it: a tar archive of an OCI layout (image-layout spec 1.1). The
//! same image gives the same bytes.

use crate::adapters::proxmox::{Open, Upid, Upload};
use crate::domain::model::{Artifact, Digest, ErrorKind, PortError};
use crate::domain::oci::{Body, Descriptor, LARGEST_MANIFEST, Manifest, media};
use crate::host::random;
use crate::ports::Registry;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What the image has to be built for: Proxmox VE runs on nothing else.
const PLATFORM: (&str, &str) = ("linux", "amd64");
/// Blocks of a tar archive.
const BLOCK: u64 = 512;
const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Archives on their way to a storage, each once for however many guests wait for it.
#[derive(Default)]
pub(super) struct Archives {
    pub(super) under_way: Mutex<BTreeMap<Digest, Flight>>,
    /// What each archive holds, read once.
    pub(super) known: Mutex<BTreeMap<Digest, Arc<Contents>>>,
}

/// An archive on its way.
#[derive(Debug, Clone)]
pub(super) enum Flight {
    /// It is being sent by one of this process's threads.
    Sending,
    /// The node puts it into its place.
    Storing(Upid),
}

/// What an archive holds.
#[derive(Debug)]
pub(super) struct Contents {
    index: Vec<u8>,
    manifest: (Digest, Vec<u8>),
    blobs: Vec<Descriptor>,
}

impl Contents {
    /// Of an image; of several for different platforms, that for Proxmox.
    pub(super) fn read(registry: &dyn Registry, artifact: &Artifact) -> Result<Self, PortError> {
        let doing = format!("reading {artifact}");
        let invalid = |message: String| PortError::new(ErrorKind::Invalid, &doing, message);
        let read = |digest: &Digest| -> Result<(Vec<u8>, Manifest), PortError> {
            let bytes = registry.manifest(&artifact.repository, digest)?;
            let manifest =
                Manifest::parse(&bytes).map_err(|e| PortError::new(ErrorKind::Invalid, &doing, &e))?;
            Ok((bytes, manifest))
        };
        let (mut bytes, mut manifest) = read(&artifact.digest)?;
        if let Body::Index { manifests } = &manifest.body {
            let fits = |child: &&Descriptor| {
                let platform = child.platform.as_ref();
                platform.is_some_and(|p| (p.os.as_str(), p.architecture.as_str()) == PLATFORM)
            };
            let (os, architecture) = PLATFORM;
            let child = manifests
                .iter()
                .find(fits)
                .ok_or_else(|| invalid(format!("it has no image for {os}/{architecture}")))?;
            (bytes, manifest) = read(&child.digest.clone())?;
        }
        let Body::Image { config, layers } = &manifest.body else {
            return Err(invalid("an index within an index".to_owned()));
        };
        if manifest.media_type != media::MANIFEST {
            bytes = translated(config, layers).to_string().into_bytes();
        }
        if bytes.len() as u64 > LARGEST_MANIFEST {
            return Err(invalid("its manifest is too large".to_owned()));
        }
        let digest = Digest::of(&bytes);
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media::INDEX,
            "manifests": [{"mediaType": media::MANIFEST, "digest": digest, "size": bytes.len()}],
        });
        let mut blobs: Vec<Descriptor> = Vec::new();
        for blob in manifest.blobs() {
            if !blobs.iter().any(|known| known.digest == blob.digest) {
                blobs.push(blob.clone());
            }
        }
        Ok(Self {
            index: index.to_string().into_bytes(),
            manifest: (digest, bytes),
            blobs,
        })
    }

    /// Length of the archive in bytes.
    pub(super) fn length(&self) -> u64 {
        let fixed = [LAYOUT.len(), self.index.len(), self.manifest.1.len()];
        let fixed = fixed.into_iter().map(|length| length as u64);
        let blobs = self.blobs.iter().map(|blob| blob.size);
        let entries: u64 = fixed
            .chain(blobs)
            .map(|length| BLOCK + length.div_ceil(BLOCK) * BLOCK)
            .sum();
        entries + 2 * BLOCK
    }

    fn write(&self, registry: &dyn Registry, repository: &str, into: impl Write) -> Result<(), PortError> {
        let doing = format!("packing an image of {repository}");
        let local = |error: io::Error| PortError::new(ErrorKind::Transient, &doing, &error);
        let mut archive = tar::Builder::new(into);
        append(&mut archive, "oci-layout", LAYOUT.as_bytes()).map_err(local)?;
        append(&mut archive, "index.json", &self.index).map_err(local)?;
        let (digest, manifest) = &self.manifest;
        append(&mut archive, &path(digest), manifest).map_err(local)?;
        for blob in &self.blobs {
            let content = registry.blob(repository, &blob.digest)?;
            let mut content = content.take(blob.size.saturating_add(1));
            let mut header = header(blob.size);
            archive
                .append_data(&mut header, path(&blob.digest), &mut content)
                .map_err(local)?;
            if content.limit() != 1 {
                let message = format!("{} is not as long as its manifest says", blob.digest);
                return Err(PortError::new(ErrorKind::Invalid, &doing, message));
            }
        }
        archive
            .into_inner()
            .and_then(|mut into| into.flush())
            .map_err(local)
    }
}

/// An archive in a file that goes when it is dropped.
pub(super) struct Packed {
    path: PathBuf,
    /// sha256 of the file, in hex.
    pub(super) sha256: String,
    length: u64,
}

impl Packed {
    /// Packs an image into a fresh file below `scratch`.
    pub(super) fn new(
        contents: &Contents,
        registry: &dyn Registry,
        repository: &str,
        scratch: &Path,
    ) -> Result<Self, PortError> {
        let doing = format!("packing an image of {repository}");
        let local = |error: io::Error| PortError::new(ErrorKind::Transient, &doing, &error);
        fs::create_dir_all(scratch).map_err(local)?;
        let name = format!("image-{}.tar", random::hex(8).map_err(local)?);
        let mut packed = Self {
            path: scratch.join(name),
            sha256: String::new(),
            length: contents.length(),
        };
        let file = File::create_new(&packed.path).map_err(local)?;
        let mut hashing = Hashing {
            hash: Sha256::new(),
            written: 0,
            inner: BufWriter::new(file),
        };
        contents.write(registry, repository, &mut hashing)?;
        if hashing.written != packed.length {
            let message = format!("{} bytes instead of {}", hashing.written, packed.length);
            return Err(PortError::new(ErrorKind::Invalid, &doing, message));
        }
        packed.sha256 = Digest::from_sha256(hashing.hash.finalize().into())
            .hex()
            .to_owned();
        Ok(packed)
    }

    /// As a file that goes out under this name.
    pub(super) fn upload(&self, filename: String) -> Upload {
        let path = self.path.clone();
        let open: Arc<Open> = Arc::new(move || Ok(Box::new(File::open(&path)?) as Box<dyn Read + Send>));
        Upload {
            filename,
            length: self.length,
            open,
        }
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Hashes what goes through.
struct Hashing<W> {
    hash: Sha256,
    written: u64,
    inner: W,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn append(archive: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) -> io::Result<()> {
    archive.append_data(&mut header(bytes.len() as u64), path, bytes)
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header
}

fn path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Docker's manifest in the words of OCI: only the types differ.
fn translated(config: &Descriptor, layers: &[Descriptor]) -> serde_json::Value {
    let renamed = |blob: &Descriptor| {
        let media_type = match blob.media_type.as_str() {
            media::DOCKER_CONFIG => media::CONFIG,
            media::DOCKER_LAYER => media::LAYER_GZIP,
            other => other,
        };
        json!({"mediaType": media_type, "digest": blob.digest, "size": blob.size})
    };
    json!({
        "schemaVersion": 2,
        "mediaType": media::MANIFEST,
        "config": renamed(config),
        "layers": layers.iter().map(renamed).collect::<Vec<_>>(),
    })
}
