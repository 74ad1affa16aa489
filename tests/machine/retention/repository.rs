//! A generated repository that knows by itself what a prune has to leave and what it has to take.

use greenroom::domain::model::{Digest, Period, Tag, Timestamp};
use greenroom::domain::oci::{Manifest, fallback_tag, media};
use greenroom::ports::{Blob, Catalog, Content, in_memory};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many builds are made in a day.
const A_DAY: usize = 4;

/// One manifest.
struct Part {
    bytes: Vec<u8>,
    tags: Vec<Tag>,
    /// Parts come in an earlier wave than what names them.
    wave: usize,
    stays: bool,
}

/// What an image is for, beside its builds' tags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Build,
    Released,
    Needed,
    /// Needed, and it has lost its tag.
    Untagged,
}

/// The repository.
pub(crate) struct Repository {
    now: Timestamp,
    /// So many builds stay since they are young.
    young: usize,
    parts: BTreeMap<Digest, Part>,
    layers: Vec<Vec<u8>>,
    /// Images with something that refers to them.
    subjects: BTreeMap<Digest, (usize, bool)>,
    /// What the ledger is to need: production's live one and the one before, what is being rolled out
    /// there, and staging's, which has no tag.
    pub(crate) needed: Vec<Digest>,
    /// Manifests that were pushed just now, by a build that has not made its index yet.
    pub(crate) in_flight: BTreeSet<Digest>,
}

const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#;

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

impl Repository {
    /// One with so many builds, of which those that are younger than so many days stay.
    pub(crate) fn new(now: Timestamp, builds: usize, days: usize) -> Self {
        let mut repository = Self {
            now,
            young: days * A_DAY,
            parts: BTreeMap::new(),
            layers: vec![b"one layer".to_vec()],
            subjects: BTreeMap::new(),
            needed: Vec::new(),
            in_flight: BTreeSet::new(),
        };
        let live = (builds * 3 / 4) / 10 * 10;
        for build in 0..builds {
            let role = match build {
                _ if build == live + 6 => Role::Untagged,
                _ if (live + 1..live + 4).contains(&build) => Role::Needed,
                _ if build % 49 == 40 => Role::Released,
                _ => Role::Build,
            };
            let digest = repository.build(build, role);
            if matches!(role, Role::Needed | Role::Untagged) {
                repository.needed.push(digest);
            }
        }
        for name in ["in flight amd64", "in flight arm64"] {
            let image = repository.image(name, &[], true);
            repository.in_flight.insert(image);
        }
        repository
    }

    fn build(&mut self, build: usize, role: Role) -> Digest {
        let stays = build < self.young || role != Role::Build;
        let age = Period::from_secs(3_600 * ((24 / A_DAY * build) as u64 + 1));
        let made = Timestamp::from_unix_millis(self.now.unix_millis() - age.as_millis() as i64);
        let mut tags = vec![format!("staging-v1.0.{build}-{}-abc123d", made.compact())];
        match role {
            Role::Released => tags.push(format!("1.0.{build}")),
            Role::Untagged => tags.clear(),
            Role::Build | Role::Needed => {}
        }
        let name = |part: &str| format!("{part} of {build}");
        match build % 5 {
            0 => self.image(&name("image"), &tags, stays),
            1 => {
                let images = ["amd64", "arm64"].map(|part| self.image(&name(part), &[], stays));
                let attestations =
                    ["attestation 1", "attestation 2"].map(|part| self.image(&name(part), &[], stays));
                self.index(1, &[images, attestations].concat(), &tags, stays)
            }
            2 => {
                let images = ["amd64", "arm64"].map(|part| self.image(&name(part), &[], stays));
                let inner = self.index(1, &images, &[], stays);
                self.index(2, &[inner], &tags, stays)
            }
            3 => {
                let own = self.image(&name("own"), &[], stays);
                // One by many that stay and go, one only by neighbours, which mostly go.
                let shared = self.image(&format!("shared {}", build % 7), &[], stays);
                let neighbours = self.image(&format!("of neighbours {}", build / 20), &[], stays);
                self.index(1, &[own, shared, neighbours], &tags, stays)
            }
            _ => self.signed(build, &tags, stays),
        }
    }

    /// With cosign's tags of old and signatures of today, one of which is signed itself.
    fn signed(&mut self, build: usize, tags: &[String], stays: bool) -> Digest {
        let image = self.image(&format!("signed {build}"), tags, stays);
        for suffix in ["sig", "att"] {
            let tag = format!("{}.{suffix}", fallback_tag(&image));
            self.image(&format!("{suffix} of {build}"), &[tag], stays);
        }
        let signature = self.referrer(&format!("signature of {build}"), &image, 1, stays);
        self.referrer(
            &format!("signature of the signature of {build}"),
            &signature,
            2,
            stays,
        );
        image
    }

    fn image(&mut self, name: &str, tags: &[String], stays: bool) -> Digest {
        let mut layers = vec![descriptor(media::LAYER_GZIP, b"one layer")];
        if name.starts_with("image") {
            let layer = format!("layer of {name}").into_bytes();
            layers.push(descriptor(media::LAYER_GZIP, &layer));
            self.layers.push(layer);
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST,
            "config": descriptor(media::CONFIG, CONFIG), "layers": layers,
            "annotations": { "name": name },
        });
        self.add(0, &manifest, tags, stays)
    }

    fn index(&mut self, wave: usize, children: &[Digest], tags: &[String], stays: bool) -> Digest {
        let children: Vec<Value> = children
            .iter()
            .enumerate()
            .map(|(at, digest)| {
                let bytes = &self.parts[digest].bytes;
                let media_type = Manifest::parse(bytes).unwrap().media_type;
                let mut child = descriptor(&media_type, bytes);
                child["platform"] = match at {
                    0 => json!({ "os": "linux", "architecture": "amd64" }),
                    1 => json!({ "os": "linux", "architecture": "arm64" }),
                    _ => json!({ "os": "unknown", "architecture": "unknown" }),
                };
                if at > 1 {
                    child["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest" });
                }
                child
            })
            .collect();
        let index = json!({
            "schemaVersion": 2, "mediaType": media::INDEX, "manifests": children,
            "annotations": { "name": tags.first().map_or("part", String::as_str) },
        });
        self.add(wave, &index, tags, stays)
    }

    fn referrer(&mut self, name: &str, subject: &Digest, wave: usize, stays: bool) -> Digest {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::MANIFEST,
            "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "config": descriptor(media::CONFIG, CONFIG), "layers": [descriptor(media::LAYER_GZIP, b"one layer")],
            "subject": descriptor(media::MANIFEST, &self.parts[subject].bytes),
            "annotations": { "name": name },
        });
        self.subjects.insert(subject.clone(), (wave, stays));
        self.add(wave, &manifest, &[], stays)
    }

    fn add(&mut self, wave: usize, manifest: &Value, tags: &[String], stays: bool) -> Digest {
        let bytes = serde_json::to_vec(manifest).unwrap();
        let digest = Digest::of(&bytes);
        let part = self.parts.entry(digest.clone()).or_insert(Part {
            bytes,
            tags: Vec::new(),
            wave,
            stays,
        });
        part.stays |= stays;
        part.tags
            .extend(tags.iter().map(|tag| tag.parse::<Tag>().unwrap()));
        digest
    }

    /// Puts all of it into `repository`, and waits for the registry to have it.
    pub(crate) fn push(&mut self, registry: &dyn Catalog, repository: &str) {
        for content in self.layers.iter().map(Vec::as_slice).chain([CONFIG]) {
            let blob = Blob {
                digest: &Digest::of(content),
                size: content.len() as u64,
                from: None,
                open: &in_memory(content),
            };
            registry.push_blob(repository, &blob).unwrap();
        }
        for wave in 0..3 {
            let parts: Vec<&Part> = self.parts.values().filter(|part| part.wave == wave).collect();
            each(&parts, |part| {
                registry
                    .push_manifest(repository, &part.bytes, &part.tags)
                    .unwrap();
            });
        }
        // Where the registry relates them by itself, somebody else may have kept the list as well.
        for (subject, (wave, stays)) in std::mem::take(&mut self.subjects) {
            let tag = fallback_tag(&subject);
            match registry.resolve(repository, &tag).unwrap() {
                Some(list) => {
                    let bytes = registry.manifest(repository, &list).unwrap();
                    let tags = vec![tag];
                    self.parts.insert(
                        list,
                        Part {
                            bytes,
                            tags,
                            wave,
                            stays,
                        },
                    );
                }
                None => {
                    let referrers: Vec<Digest> = registry
                        .referrers(repository, &subject)
                        .unwrap()
                        .into_iter()
                        .map(|referrer| referrer.digest)
                        .collect();
                    let list = self.index(3, &referrers, &[tag.to_string()], stays);
                    let part = &self.parts[&list];
                    registry
                        .push_manifest(repository, &part.bytes, &part.tags)
                        .unwrap();
                }
            }
        }
    }

    pub(crate) fn tags(&self) -> usize {
        self.parts.values().map(|part| part.tags.len()).sum()
    }

    /// Digests of all that must stay, or of all that must go.
    pub(crate) fn those(&self, stay: bool) -> BTreeSet<Digest> {
        let parts = self.parts.iter().filter(|(_, part)| part.stays == stay);
        parts.map(|(digest, _)| digest.clone()).collect()
    }

    /// One of each kind of image that stays, as `:tag` or, since skopeo takes no index within an index, the
    /// inner one as `@digest`.
    pub(crate) fn samples(&self) -> Vec<String> {
        let mut samples = Vec::new();
        for build in 0..5 {
            let start = format!("staging-v1.0.{build}-");
            for part in self.parts.values() {
                let Some(tag) = part.tags.iter().find(|tag| tag.as_str().starts_with(&start)) else {
                    continue;
                };
                let manifest = Manifest::parse(&part.bytes).unwrap();
                samples.push(match manifest.children() {
                    [inner] => format!("@{}", inner.digest),
                    _ => format!(":{tag}"),
                });
            }
        }
        samples
    }

    /// Everything is there that was pushed.
    pub(crate) fn is_untouched(&self, registry: &dyn Catalog, repository: &str) -> bool {
        let digests: Vec<&Digest> = self.parts.keys().collect();
        let there = each(&digests, |digest| {
            registry.has(repository, Content::Manifest, digest).unwrap()
        });
        there.into_iter().all(|there| there)
    }

    /// Exactly the expected is gone, and what stays is whole: byte for byte, with its blobs and tags.
    pub(crate) fn was_pruned(&self, registry: &dyn Catalog, repository: &str) {
        let parts: Vec<(&Digest, &Part)> = self.parts.iter().collect();
        let surprises: Vec<Option<String>> = each(&parts, |(digest, part)| {
            let there = registry.has(repository, Content::Manifest, digest).unwrap();
            let name = String::from_utf8_lossy(&part.bytes);
            if there != part.stays {
                return Some(format!("stays: {}, there: {there}: {name}", part.stays));
            }
            for tag in &part.tags {
                let named = registry.resolve(repository, tag).unwrap();
                let expected = part.stays.then(|| (*digest).clone());
                if named != expected {
                    return Some(format!("{tag} names {named:?}, expected {expected:?}"));
                }
            }
            if !part.stays {
                return None;
            }
            if registry.manifest(repository, digest).unwrap() != part.bytes {
                return Some(format!("altered: {name}"));
            }
            let manifest = Manifest::parse(&part.bytes).unwrap();
            let mut blobs = manifest.blobs();
            let lost = blobs.find(|blob| !registry.has(repository, Content::Blob, &blob.digest).unwrap());
            lost.map(|blob| format!("{} is lost: {name}", blob.digest))
        });
        let surprises: Vec<String> = surprises.into_iter().flatten().collect();
        assert!(
            surprises.is_empty(),
            "{}: {:#?}",
            surprises.len(),
            &surprises[..surprises.len().min(5)]
        );
    }
}

/// Calls `act` for each on a few threads; the results are in the items' order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(at) else { break own };
                own.push((at, act(item)));
            }
        };
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
