//! An image with everything that an image can have, put into a registry.

use greenroom::domain::model::{Digest, Tag};
use greenroom::domain::oci::{attachment_tags, media};
use greenroom::ports::{Blob, Catalog, in_memory};
use serde_json::{Value, json};

/// Digests of an image and of what hangs off it.
pub(crate) struct Whole {
    pub(crate) index: Digest,
    /// Every manifest that belongs to it or hangs off it, the index first.
    pub(crate) manifests: Vec<Digest>,
    /// Every blob.
    pub(crate) blobs: Vec<Digest>,
    /// Tags of cosign.
    pub(crate) tags: Vec<Tag>,
}

/// Puts content into a repository and remembers its digest.
pub(crate) struct Writer<'a> {
    pub(crate) catalog: &'a dyn Catalog,
    pub(crate) repository: &'a str,
    pub(crate) blobs: Vec<Digest>,
    pub(crate) manifests: Vec<Digest>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(catalog: &'a dyn Catalog, repository: &'a str) -> Self {
        Self {
            catalog,
            repository,
            blobs: Vec::new(),
            manifests: Vec::new(),
        }
    }

    pub(crate) fn blob(&mut self, media_type: &str, content: &[u8]) -> Value {
        let digest = Digest::of(content);
        let blob = Blob {
            digest: &digest,
            size: content.len() as u64,
            from: None,
            open: &in_memory(content),
        };
        self.catalog.push_blob(self.repository, &blob).unwrap();
        if !self.blobs.contains(&digest) {
            self.blobs.push(digest.clone());
        }
        json!({ "mediaType": media_type, "digest": digest, "size": content.len() })
    }

    pub(crate) fn manifest(&mut self, manifest: &Value, tags: &[Tag]) -> Value {
        // With line breaks: whoever writes it anew changes its digest.
        let bytes = serde_json::to_vec_pretty(manifest).unwrap();
        let digest = self.catalog.push_manifest(self.repository, &bytes, tags).unwrap();
        self.manifests.push(digest.clone());
        json!({ "mediaType": manifest["mediaType"], "digest": digest, "size": bytes.len() })
    }

    /// An image of one platform with these layers.
    pub(crate) fn image(&mut self, architecture: &str, layers: &[&[u8]], tags: &[Tag]) -> Value {
        let config = json!({
            "os": "linux", "architecture": architecture, "created": "2026-11-21T10:00:00Z",
            "config": { "Labels": { "org.opencontainers.image.version": "1.2.3" } },
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| Digest::of(layer)).collect::<Vec<_>>() },
        });
        let config = self.blob(media::CONFIG, &serde_json::to_vec(&config).unwrap());
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| self.blob("application/vnd.oci.image.layer.v1.tar", layer))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": layers,
        });
        let mut descriptor = self.manifest(&manifest, tags);
        descriptor["platform"] = json!({ "os": "linux", "architecture": architecture });
        descriptor
    }

    /// A manifest about another.
    pub(crate) fn about(&mut self, subject: &Value, kind: &str, content: &[u8], tags: &[Tag]) -> Value {
        let config = self.blob(media::EMPTY, b"{}");
        let layer = self.blob("application/vnd.dev.sigstore.bundle.v0.3+json", content);
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST, "artifactType": kind,
            "config": config, "layers": [layer],
        });
        if !subject.is_null() {
            manifest["subject"] = json!({
                "mediaType": subject["mediaType"], "digest": subject["digest"], "size": subject["size"],
            });
        }
        self.manifest(&manifest, tags)
    }

    /// What buildx puts into an index beside an image.
    fn attestation(&mut self, of: &Value) -> Value {
        let mut child = self.about(
            &Value::Null,
            "application/vnd.in-toto+json",
            of.to_string().as_bytes(),
            &[],
        );
        child["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        child["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": of["digest"],
        });
        child
    }
}

fn digest(descriptor: &Value) -> Digest {
    descriptor["digest"].as_str().unwrap().parse().unwrap()
}

/// Two platforms, one of them in an index within the index, with attestation children, signatures by tag
/// and by subject on the index and on a child, and a signature of an attestation.
pub(crate) fn whole(catalog: &dyn Catalog, repository: &str, tags: &[Tag]) -> Whole {
    let mut writer = Writer::new(catalog, repository);
    let shared = vec![b's'; 100_000];
    let amd = writer.image("amd64", &[&shared, b"amd64 only"], &[]);
    let arm = writer.image("arm64", &[&shared, b"arm64 only"], &[]);
    let (amd_proof, arm_proof) = (writer.attestation(&amd), writer.attestation(&arm));
    let nested = json!({
        "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [arm, arm_proof],
    });
    let nested = writer.manifest(&nested, &[]);
    let index = json!({
        "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [amd, amd_proof, nested],
        "annotations": { "org.opencontainers.image.version": "1.2.3" },
    });
    let index = writer.manifest(&index, tags);
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let signature = writer.about(&index, bundle, b"signature of the index", &[]);
    writer.about(&signature, bundle, b"signature of the signature", &[]);
    writer.about(&index, "application/spdx+json", b"bill of materials", &[]);
    writer.about(&arm, bundle, b"signature of a child of the nested index", &[]);
    let by_tag = |about: &Value, place: usize| attachment_tags(&digest(about))[place].clone();
    let cosign = vec![by_tag(&index, 1), by_tag(&amd, 2)];
    let old = writer.about(&Value::Null, media::CONFIG, b"signature by tag", &cosign[..1]);
    writer.about(&Value::Null, media::CONFIG, b"attestation by tag", &cosign[1..]);
    writer.about(&old, bundle, b"signature of what hangs by a tag", &[]);
    let index = digest(&index);
    writer.manifests.retain(|manifest| *manifest != index);
    writer.manifests.insert(0, index.clone());
    Whole {
        index,
        manifests: writer.manifests,
        blobs: writer.blobs,
        tags: cosign,
    }
}

/// Reads all of it, as a stranger would: every byte has the digest that it is named by.
pub(crate) fn assert_whole(catalog: &dyn Catalog, repository: &str, image: &Whole) {
    use std::io::Read as _;
    for digest in &image.manifests {
        let bytes = catalog.manifest(repository, digest).unwrap();
        assert_eq!(Digest::of(&bytes), *digest);
    }
    for digest in &image.blobs {
        let mut bytes = Vec::new();
        catalog
            .blob(repository, digest)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(Digest::of(&bytes), *digest);
    }
    for tag in &image.tags {
        let named = catalog.resolve(repository, tag).unwrap();
        assert!(
            named.is_some_and(|named| image.manifests.contains(&named)),
            "{tag}"
        );
    }
    let about: Vec<Digest> = image
        .manifests
        .iter()
        .flat_map(|digest| catalog.referrers(repository, digest).unwrap())
        .map(|descriptor| descriptor.digest)
        .collect();
    assert_eq!(about.len(), 5, "every signature by subject is found: {about:?}");
}
