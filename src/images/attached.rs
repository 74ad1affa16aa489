//! What hangs off an image: found in the source, and stored when the image is there.

use super::copy::{Copier, CopyError, lock};
use super::graph::{Presence, Role, Task};
use super::listing::Listing;
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Attachment, Manifest, attached_by_tag, attachment_tags, media};
use crate::parallel::try_each;

use std::collections::BTreeMap;

impl Copier<'_> {
    /// Manifests about this one, except those that the destination lists as well: a manifest that it has
    /// and does not list is stored again, which lists it.
    pub(super) fn referrers(&self, digest: &Digest) -> Result<Vec<Task>, PortError> {
        let ours = self.catalog.referrers(self.from, digest)?;
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        let theirs = self.catalog.referrers(self.to, digest)?;
        let mut tasks = Vec::new();
        for about in ours {
            let listed = theirs.iter().any(|other| other.digest == about.digest);
            let presence = if listed { Presence::There } else { Presence::Absent };
            let is_index = media::is_index(&about.media_type);
            tasks.extend(
                self.graph()
                    .want(&about.digest, is_index, Role::Attached, presence),
            );
        }
        self.bounded(tasks)
    }

    /// One request for all tags spares three for each manifest. Where the list may not be read, or is too
    /// long, every tag is asked for.
    pub(super) fn list(&self) -> Vec<Task> {
        let tags = self.catalog.tags_at_once(self.from).unwrap_or_default();
        let known = Listing::Known(tags.map(|tags| tags.into_iter().collect()));
        let before = std::mem::replace(&mut *lock(&self.listing), known);
        match before {
            Listing::Waited(digests) => digests.iter().flat_map(|digest| self.by_tag(digest)).collect(),
            Listing::Known(_) => Vec::new(),
        }
    }

    /// The tags by which something hangs off the manifest, as far as they may be there. That of its
    /// referrers is the registry's own matter.
    pub(super) fn by_tag(&self, digest: &Digest) -> Vec<Task> {
        let mut listing = lock(&self.listing);
        let tags = match &mut *listing {
            Listing::Waited(digests) => {
                digests.push(digest.clone());
                return Vec::new();
            }
            Listing::Known(tags) => tags,
        };
        let is_there = |tag: &Tag| tags.as_ref().is_none_or(|tags| tags.contains(tag));
        attachment_tags(digest)
            .into_iter()
            .filter(|tag| attached_by_tag(tag).is_some_and(|(_, kind)| kind == Attachment::Cosign))
            .filter(is_there)
            .map(|tag| Task::Tagged(digest.clone(), tag))
            .collect()
    }

    /// What cosign before version 3 attached.
    pub(super) fn tagged(&self, digest: &Digest, tag: Tag) -> Result<Vec<Task>, PortError> {
        let Some(ours) = self.catalog.resolve(self.from, &tag)? else {
            return Ok(Vec::new());
        };
        let presence = match self.catalog.resolve(self.to, &tag)? {
            Some(theirs) if theirs == ours => Presence::There,
            Some(theirs) if !self.includes(&ours, &theirs)? => {
                let to = self.to;
                self.note(format!(
                    "{to}:{tag} holds what the source does not (signatures of {digest}), and was left alone"
                ));
                return Ok(Vec::new());
            }
            _ => {
                lock(&self.tags).entry(ours.clone()).or_default().push(tag);
                Presence::Absent
            }
        };
        let tasks = self.graph().want(&ours, true, Role::Attached, presence);
        self.bounded(tasks)
    }

    /// Whether our manifest has every layer that theirs has: cosign adds a layer for each signature.
    fn includes(&self, ours: &Digest, theirs: &Digest) -> Result<bool, PortError> {
        let blobs = |repository: &str, digest: &Digest| -> Result<Vec<Digest>, PortError> {
            let bytes = self.catalog.manifest(repository, digest)?;
            let manifest = Manifest::parse(&bytes).map_err(|error| {
                let doing = format!("reading {repository}@{digest}");
                PortError::new(ErrorKind::Invalid, doing, &error)
            })?;
            // The configuration names all layers, so that it differs where one was added.
            Ok(manifest.blobs().skip(1).map(|blob| blob.digest.clone()).collect())
        };
        let ours = blobs(self.from, ours)?;
        Ok(blobs(self.to, theirs)?.iter().all(|blob| ours.contains(blob)))
    }

    /// What is about the image and its parts, now that these are there.
    pub(super) fn attached(&self) -> Result<(), CopyError> {
        // Manifests about one subject go one after the other: where there is no referrers API each of them
        // is written into the same list.
        let mut groups: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        {
            let graph = self.graph();
            for digest in graph.held() {
                let about = graph.subject(&digest).unwrap_or_else(|| digest.clone());
                groups.entry(about).or_default().push(digest);
            }
        }
        let groups: Vec<Vec<Digest>> = groups.into_values().collect();
        try_each(&groups, self.options.connections, |group| {
            for digest in group {
                self.may_go_on()?;
                self.store(digest).map_err(|error| self.why(error))?;
                self.graph().landed(digest);
            }
            Ok::<(), CopyError>(())
        })?;
        // A manifest that is there already and only lacks its tag.
        let rest: Vec<(Digest, Vec<Tag>)> = std::mem::take(&mut *lock(&self.tags)).into_iter().collect();
        try_each(&rest, self.options.connections, |(digest, tags)| {
            let bytes = match self.catalog.manifest(self.from, digest) {
                Err(error) if error.kind == ErrorKind::Missing => return Ok(()),
                other => other?,
            };
            self.catalog.push_manifest(self.to, &bytes, tags)?;
            Ok::<(), CopyError>(())
        })?;
        Ok(())
    }
}
