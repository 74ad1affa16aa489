//! What hangs off an image: found in the source, and stored when the image is there.

use super::copy::{Copier, CopyError, lock};
use super::graph::{Presence, Role, Task};
use super::listing::Listing;
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Attachment, Manifest, attached_by_tag, attachment_tags, media};
use crate::parallel::try_each;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a tag of cosign leads, as far as that is known.
#[derive(Default)]
pub(super) struct Ends {
    /// In the source, with its content.
    ours: Option<(Digest, Vec<u8>)>,
    /// At the destination, if it is there.
    theirs: Option<Option<Digest>>,
}

impl Copier<'_> {
    /// One request for all tags spares four for each manifest. Where the list may not be read, or is too
    /// long, every tag is asked for.
    pub(super) fn list(&self) -> Vec<Task> {
        let tags = self.catalog.tags_at_once(self.from).unwrap_or_default();
        let known = Listing::Known(tags.map(|tags| Arc::new(tags.into_iter().collect())));
        let before = std::mem::replace(&mut *lock(&self.listing), known);
        match before {
            Listing::Waited(digests) => digests.iter().flat_map(|digest| self.hanging(digest)).collect(),
            Listing::Known(_) => Vec::new(),
        }
    }

    /// Returns where to look for what hangs off the manifest: its referrers, and cosign's tags as far as they may be
    /// there. Both wait for the list of tags, which spares the tags that are not in it.
    pub(super) fn hanging(&self, digest: &Digest) -> Vec<Task> {
        let tags = match &mut *lock(&self.listing) {
            Listing::Waited(digests) => {
                digests.push(digest.clone());
                return Vec::new();
            }
            Listing::Known(tags) => tags.clone(),
        };
        let mut tasks = vec![Task::Referrers(digest.clone())];
        // The tag of its referrers is the registry's own matter.
        let cosigns = attachment_tags(digest)
            .into_iter()
            .filter(|tag| attached_by_tag(tag).is_some_and(|(_, kind)| kind == Attachment::Cosign));
        for tag in cosigns {
            match &tags {
                // The source has it, so that the destination has to be asked in any case.
                Some(tags) if tags.contains(&tag) => {
                    tasks.push(Task::OurTag(digest.clone(), tag.clone()));
                    tasks.push(Task::TheirTag(digest.clone(), tag));
                }
                Some(_) => {}
                None => tasks.push(Task::OurTag(digest.clone(), tag)),
            }
        }
        tasks
    }

    fn source_tags(&self) -> Option<Arc<BTreeSet<Tag>>> {
        match &*lock(&self.listing) {
            Listing::Known(tags) => tags.clone(),
            Listing::Waited(_) => None,
        }
    }

    /// Lists the manifests about this one in the source. What hangs off those is looked for while the destination
    /// says which of them it has.
    pub(super) fn referrers(&self, digest: &Digest) -> Result<Vec<Task>, PortError> {
        let ours = match self.source_tags() {
            Some(tags) => self.catalog.referrers_among(self.from, digest, &tags)?,
            None => self.catalog.referrers(self.from, digest)?,
        };
        let mut tasks = Vec::new();
        for about in &ours {
            let is_index = media::is_index(&about.media_type);
            let mut graph = self.graph();
            tasks.extend(graph.want(&about.digest, is_index, Role::Attached, Presence::Awaited));
        }
        let ours = ours.into_iter().map(|about| about.digest).collect();
        let awaited = self.graph().awaited(ours);
        if !awaited.is_empty() {
            tasks.insert(0, Task::Listed(digest.clone(), awaited));
        }
        self.bounded(tasks)
    }

    /// Finds out which of `ours` the destination lists as well. A manifest that it has and does not list is stored
    /// again, which lists it.
    pub(super) fn listed(&self, digest: &Digest, ours: &[Digest]) -> Result<Vec<Task>, PortError> {
        let theirs = self.catalog.referrers(self.to, digest)?;
        let theirs: BTreeSet<Digest> = theirs.into_iter().map(|about| about.digest).collect();
        let mut tasks = Vec::new();
        for about in ours {
            let listed = theirs.contains(about);
            let presence = if listed { Presence::There } else { Presence::Absent };
            tasks.extend(self.graph().settle(about, presence));
        }
        Ok(tasks)
    }

    /// Reads what cosign before version 3 attached.
    pub(super) fn our_tag(&self, digest: &Digest, tag: Tag) -> Result<Vec<Task>, PortError> {
        let Some(ours) = self.catalog.manifest_by_tag(self.from, &tag)? else {
            return Ok(Vec::new());
        };
        if self.source_tags().is_some() {
            return self.joined(digest, tag, |ends| ends.ours = Some(ours));
        }
        lock(&self.ends).entry(tag.clone()).or_default().ours = Some(ours);
        Ok(vec![Task::TheirTag(digest.clone(), tag)])
    }

    /// Finds out where the same tag leads at the destination.
    pub(super) fn their_tag(&self, digest: &Digest, tag: Tag) -> Result<Vec<Task>, PortError> {
        let theirs = self.catalog.resolve(self.to, &tag)?;
        self.joined(digest, tag, |ends| ends.theirs = Some(theirs))
    }

    /// Goes on with a tag once both its ends are known.
    fn joined(
        &self,
        digest: &Digest,
        tag: Tag,
        learn: impl FnOnce(&mut Ends),
    ) -> Result<Vec<Task>, PortError> {
        let known = {
            let mut all = lock(&self.ends);
            let ends = all.entry(tag.clone()).or_default();
            learn(ends);
            if ends.ours.is_none() || ends.theirs.is_none() {
                return Ok(Vec::new());
            }
            ends.ours.take().zip(ends.theirs.take())
        };
        known.map_or(Ok(Vec::new()), |(ours, theirs)| {
            self.tagged(digest, tag, ours, theirs)
        })
    }

    fn tagged(
        &self,
        digest: &Digest,
        tag: Tag,
        (ours, bytes): (Digest, Vec<u8>),
        theirs: Option<Digest>,
    ) -> Result<Vec<Task>, PortError> {
        let presence = match theirs {
            Some(theirs) if theirs == ours => Presence::There,
            Some(theirs) if !self.includes(&bytes, &theirs)? => {
                let to = self.to;
                self.note(format!(
                    "{to}:{tag} holds what the source does not (signatures of {digest}), and was left alone"
                ));
                return Ok(Vec::new());
            }
            _ => {
                lock(&self.missing_tags)
                    .entry(ours.clone())
                    .or_default()
                    .push(tag);
                Presence::Absent
            }
        };
        let tasks = self.want_read(&ours, bytes, Role::Attached, presence)?;
        self.bounded(tasks)
    }

    /// Whether our manifest has every layer that theirs has: cosign adds a layer for each signature.
    fn includes(&self, ours: &[u8], theirs: &Digest) -> Result<bool, PortError> {
        let blobs = |repository: &str, bytes: &[u8]| -> Result<Vec<Digest>, PortError> {
            let manifest = Manifest::parse(bytes).map_err(|error| {
                let doing = format!("reading what is attached in {repository}");
                PortError::new(ErrorKind::Invalid, doing, &error)
            })?;
            // The configuration names all layers, so that it differs where one was added.
            Ok(manifest.blobs().skip(1).map(|blob| blob.digest.clone()).collect())
        };
        let ours = blobs(self.from, ours)?;
        let theirs = blobs(self.to, &self.catalog.manifest(self.to, theirs)?)?;
        Ok(theirs.iter().all(|blob| ours.contains(blob)))
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
        let rest: Vec<(Digest, Vec<Tag>)> = std::mem::take(&mut *lock(&self.missing_tags))
            .into_iter()
            .collect();
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
