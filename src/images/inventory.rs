//! Everything that a repository holds and what it names, for retention: each manifest is read once.

use crate::domain::model::{Digest, ErrorKind, PortError, Timestamp};
use crate::domain::oci::{Body, Manifest};
use crate::domain::retention::{FoundManifest, ManifestContent, Rules, named, undated};
use crate::parallel::each;
use crate::ports::{Catalog, HeldImage};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// The most manifests of one repository that are looked at. Bounds memory, and what a registry that never
/// ends can make of it.
pub const MOST_MANIFESTS: usize = 100_000;

/// The largest configuration that is read for its time, in bytes.
const LARGEST_CONFIG: u64 = 4 << 20;

/// Says how many manifests were looked at so far.
pub(super) type Meter<'a> = dyn Fn(usize) + 'a;

/// What is known of one repository. Taken again it reads only what is new: what a digest names does not
/// change.
pub struct Inventory<'a> {
    registry: &'a dyn Catalog,
    repository: &'a str,
    connections: usize,
    manifests: BTreeMap<Digest, Manifest>,
    created: BTreeMap<Digest, Option<Timestamp>>,
    /// What refers to each, as it was when it was asked. One that was pushed later cannot be among what
    /// goes, nor keep any of it, before somebody gives it a tag.
    referrers: BTreeMap<Digest, Vec<Digest>>,
}

/// One request.
enum Ask<'a> {
    Read(&'a Digest),
    Referrers(&'a Digest),
    Created(&'a Digest, &'a Manifest),
}

/// What a request brought.
enum Answer {
    Read(ManifestContent),
    Referrers(Vec<Digest>),
    Created(Option<Timestamp>),
}

/// What one look has found so far.
#[derive(Default)]
struct Look {
    found: BTreeMap<Digest, FoundManifest>,
    /// Manifests to be looked at next.
    open: Vec<Digest>,
    /// Whether the listing is complete, so that nobody has to be asked for referrers.
    complete: bool,
}

impl<'a> Inventory<'a> {
    /// An inventory of `repository`, taken over at most `connections` requests at a time.
    pub fn new(registry: &'a dyn Catalog, repository: &'a str, connections: usize) -> Self {
        Self {
            registry,
            repository,
            connections,
            manifests: BTreeMap::new(),
            created: BTreeMap::new(),
            referrers: BTreeMap::new(),
        }
    }

    /// Everything that the repository lists and that is named by `needed` or by a manifest of it. What the
    /// registry says it does not have is [`ManifestContent::Missing`]; what could not be read for any other reason
    /// is [`ManifestContent::Unread`].
    ///
    /// # Errors
    /// When the repository cannot be listed, or holds more than [`MOST_MANIFESTS`].
    pub(super) fn take(
        &mut self,
        needed: &[Digest],
        rules: &Rules,
        meter: &Meter<'_>,
    ) -> Result<Vec<FoundManifest>, PortError> {
        let mut look = Look::default();
        for held in self.registry.images(self.repository)? {
            look.complete |= held.pushed.is_some();
            look.list(held);
        }
        for digest in needed {
            look.name(digest);
        }
        while !look.open.is_empty() {
            let wave = std::mem::take(&mut look.open);
            self.read(&wave, &mut look);
            if look.found.len() > MOST_MANIFESTS {
                let message = format!("it has more than {MOST_MANIFESTS} manifests");
                let doing = format!("listing {}", self.repository);
                return Err(PortError::new(ErrorKind::Invalid, doing, message));
            }
            meter(look.found.len() - look.open.len());
        }
        let mut found: Vec<FoundManifest> = look.found.into_values().collect();
        self.date(&mut found, rules);
        Ok(found)
    }

    /// It was deleted: what is known of it no longer holds.
    pub fn forget(&mut self, digest: &Digest) {
        self.manifests.remove(digest);
    }

    /// Reads the manifests of one wave, with their referrers.
    fn read(&mut self, wave: &[Digest], look: &mut Look) {
        let reads = wave
            .iter()
            .filter(|digest| !self.manifests.contains_key(digest))
            .map(Ask::Read);
        let unasked = |digest: &&Digest| !look.complete && !self.referrers.contains_key(digest);
        let referrers = wave.iter().filter(unasked).map(Ask::Referrers);
        let asks: Vec<Ask<'_>> = reads.chain(referrers).collect();
        let mut attached: Vec<(Digest, Vec<Digest>)> = Vec::new();
        let mut contents: BTreeMap<&Digest, ManifestContent> = BTreeMap::new();
        for (ask, answer) in asks.iter().zip(self.ask(&asks)) {
            match (ask, answer) {
                (Ask::Read(digest), Ok(Answer::Read(content))) => {
                    contents.insert(digest, content);
                }
                (Ask::Referrers(digest), Ok(Answer::Referrers(digests))) => {
                    attached.push(((*digest).clone(), digests));
                }
                (Ask::Read(digest) | Ask::Referrers(digest), Err(error)) => {
                    contents.insert(digest, ManifestContent::Unread(error.to_string()));
                }
                _ => {}
            }
        }
        for digest in wave {
            let known = || self.manifests.get(digest).cloned();
            let content = contents
                .remove(digest)
                .or_else(|| known().map(|manifest| ManifestContent::Manifest(Box::new(manifest))));
            let Some(content) = content else { continue };
            if let ManifestContent::Manifest(manifest) = &content {
                self.manifests.insert(digest.clone(), (**manifest).clone());
            }
            look.take_in(digest, content);
        }
        self.referrers.extend(attached);
        for digest in wave
            .iter()
            .filter_map(|digest| self.referrers.get(digest))
            .flatten()
        {
            look.name(digest);
        }
    }

    /// Finds out when those were made whose time nobody else can tell.
    fn date(&mut self, found: &mut [FoundManifest], rules: &Rules) {
        for one in found.iter_mut() {
            one.created = self.created.get(&one.digest).copied().flatten();
        }
        let unknown: BTreeSet<Digest> = undated(found, rules)
            .into_iter()
            .filter(|digest| !self.created.contains_key(digest))
            .collect();
        let asks: Vec<Ask<'_>> = unknown
            .iter()
            .filter_map(|digest| Some(Ask::Created(digest, self.manifests.get(digest)?)))
            .collect();
        // What cannot be read has no known age, and stays.
        let answers: Vec<Option<Timestamp>> = self
            .ask(&asks)
            .into_iter()
            .map(|answer| match answer {
                Ok(Answer::Created(at)) => at,
                _ => None,
            })
            .collect();
        drop(asks);
        self.created.extend(unknown.into_iter().zip(answers));
        for one in found {
            one.created = self.created.get(&one.digest).copied().flatten();
        }
    }

    /// Sends requests, a bounded number at a time; the answers are in their order.
    fn ask(&self, asks: &[Ask<'_>]) -> Vec<Result<Answer, PortError>> {
        each(asks, self.connections, |ask| match ask {
            Ask::Read(digest) => self.content(digest).map(Answer::Read),
            Ask::Referrers(digest) => match self.registry.referrers(self.repository, digest) {
                Ok(found) => Ok(Answer::Referrers(
                    found.into_iter().map(|descriptor| descriptor.digest).collect(),
                )),
                Err(error) if error.kind == ErrorKind::Missing => Ok(Answer::Referrers(Vec::new())),
                Err(error) => Err(error),
            },
            Ask::Created(digest, manifest) => Ok(Answer::Created(self.made(digest, manifest))),
        })
    }

    fn content(&self, digest: &Digest) -> Result<ManifestContent, PortError> {
        let bytes = match self.registry.manifest(self.repository, digest) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == ErrorKind::Missing => return Ok(ManifestContent::Missing),
            Err(error) => return Err(error),
        };
        Ok(match Manifest::parse(&bytes) {
            Ok(manifest) => ManifestContent::Manifest(Box::new(manifest)),
            Err(error) => ManifestContent::Unread(error.to_string()),
        })
    }

    /// When it was made, by its configuration.
    fn made(&self, digest: &Digest, manifest: &Manifest) -> Option<Timestamp> {
        let config = match &manifest.body {
            Body::Image { config, .. } => config,
            // An index has none: its first part speaks for it.
            Body::Index { manifests } => {
                let first = manifests.first().filter(|first| first.digest != *digest)?;
                let part = self.manifests.get(&first.digest)?;
                return match &part.body {
                    Body::Image { .. } => self.made(&first.digest, part),
                    Body::Index { .. } => None,
                };
            }
        };
        let mut text = Vec::new();
        let blob = self.registry.blob(self.repository, &config.digest).ok()?;
        blob.take(LARGEST_CONFIG).read_to_end(&mut text).ok()?;
        let config: Value = serde_json::from_slice(&text).ok()?;
        config["created"].as_str()?.parse().ok()
    }
}

impl Look {
    fn list(&mut self, held: HeldImage) {
        self.name(&held.digest);
        if let Some(found) = self.found.get_mut(&held.digest) {
            found.tags = held.tags;
            found.pushed = held.pushed;
        }
    }

    fn name(&mut self, digest: &Digest) {
        if !self.found.contains_key(digest) {
            let found = FoundManifest {
                digest: digest.clone(),
                tags: Vec::new(),
                pushed: None,
                created: None,
                content: ManifestContent::Missing,
            };
            self.found.insert(digest.clone(), found);
            self.open.push(digest.clone());
        }
    }

    fn take_in(&mut self, digest: &Digest, content: ManifestContent) {
        let Some(found) = self.found.get_mut(digest) else {
            return;
        };
        found.content = content;
        for digest in named(found) {
            self.name(&digest);
        }
    }
}
