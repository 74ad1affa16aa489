//! Copies an image with everything that hangs off it.
//!
//! Blobs go before the manifests that name them, children before their index, the image before what is
//! about it, and tags last, when all of it has been seen at the destination: a copy that is cut off at any
//! moment leaves no tag that leads to something incomplete, and the next one sends only what is missing.
//!
//! A manifest that the destination has is taken to have its parts: it was stored after them, by this code
//! as by every client, since registries refuse a manifest whose parts are missing
//! ([`Registry::push_manifest`](crate::ports::Registry::push_manifest)), and a registry that gives up a part
//! breaks its own image. [`Options::deep`] is for those that did.

use super::attached::Ends;
use super::graph::{Graph, MOST_MANIFESTS, Presence, Role, Task};
use super::listing::Listing;
use super::progress::{Counted, Meter};
use super::start::{DestinationTags, begin};
use super::work::{Queue, work};
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::oci::{Descriptor, Manifest};
use crate::parallel::try_each;
use crate::ports::{Blob, Catalog, Content, Interrupted};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use thiserror::Error;

/// Which image of a repository.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The one that a tag names when the copy begins.
    Tag(&'a Tag),
    /// This one.
    Digest(&'a Digest),
}

/// What is copied.
#[derive(Debug, Clone, Copy)]
pub struct CopySource<'a> {
    /// Its repository.
    pub repository: &'a str,
    /// Which of its images.
    pub image: Which<'a>,
}

/// Where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The repository, perhaps that of the source: then nothing moves but tags.
    pub repository: &'a str,
    /// Tags that lead to the image in the end.
    pub tags: &'a [Tag],
}

/// How it is copied.
pub struct Options<'a> {
    /// Most requests at the same time.
    pub connections: usize,
    /// Whether what hangs off the image goes along: signatures, attestations, bills of materials, by tag
    /// or by subject.
    pub attached: bool,
    /// Whether every part is looked at though the image is there: for a registry that has lost some.
    pub deep: bool,
    /// Counts what is done, and knows of signals.
    pub meter: &'a Arc<Meter>,
}

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The image: the same digest on both sides.
    pub digest: Digest,
    /// Whether the destination had it before.
    pub was_there: bool,
    /// Manifests that were stored.
    pub manifests: u64,
    /// Blobs whose content was sent; the others were there, or in another repository of the registry.
    pub blobs_sent: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// What hangs off the image, at the destination.
    pub attached: Vec<Digest>,
    /// Tags that were moved.
    pub moved: Vec<Tag>,
    /// Tags that led to it before.
    pub unmoved: Vec<Tag>,
    /// What is worth knowing: something attached that is gone, a signature that was left alone.
    pub notes: Vec<String>,
}

/// Why a copy ended before its end. The next one goes on from there.
#[derive(Debug, Clone, Error)]
pub enum CopyError {
    /// A registry refused or failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A signal asked for it.
    #[error("{0}; what was sent stays, and the next copy goes on from there")]
    Interrupted(Interrupted),
}

/// Copies an image.
///
/// # Errors
/// When the source does not have it, a registry refuses, or a signal came. No tag was moved then.
pub fn copy(
    catalog: &dyn Catalog,
    from: &CopySource<'_>,
    to: &Destination<'_>,
    options: &Options<'_>,
) -> Result<Copied, CopyError> {
    let copier = Copier::new(catalog, from, to, options);
    let was_there = if from.repository == to.repository {
        copier.exists(from, to)?;
        true
    } else {
        let was_there = copier.image()?;
        copier.attached()?;
        copier.verify()?;
        was_there
    };
    let digest = copier.root()?.clone();
    let wanted = std::mem::take(&mut *lock(&copier.wanted));
    let (unmoved, moved): (Vec<_>, Vec<_>) = to
        .tags
        .iter()
        .cloned()
        .zip(wanted.into_named())
        .partition(|(_, named)| named.as_ref() == Some(&digest));
    let names = |tags: Vec<(Tag, Option<Digest>)>| tags.into_iter().map(|(tag, _)| tag).collect();
    let (moved, unmoved): (Vec<Tag>, Vec<Tag>) = (names(moved), names(unmoved));
    copier.point(&moved)?;
    let attached = lock(&copier.graph).attached();
    let manifests = lock(&copier.stored).len() as u64;
    Ok(Copied {
        was_there,
        manifests,
        blobs_sent: copier.blobs_sent.load(Ordering::Relaxed),
        bytes_sent: options.meter.progress().bytes_sent,
        attached,
        moved,
        unmoved,
        notes: copier.notes.into_inner().unwrap_or_else(PoisonError::into_inner),
        digest,
    })
}

pub(super) struct Copier<'a> {
    pub(super) catalog: &'a dyn Catalog,
    pub(super) from: &'a str,
    /// Which image of the source.
    pub(super) image: Which<'a>,
    pub(super) to: &'a str,
    /// Tags of the destination that are to lead to the image.
    pub(super) tags: &'a [Tag],
    pub(super) options: &'a Options<'a>,
    /// The image, once it is found.
    pub(super) root: OnceLock<Digest>,
    pub(super) wanted: Mutex<DestinationTags>,
    root_bytes: Mutex<Option<Vec<u8>>>,
    pub(super) graph: Mutex<Graph>,
    pub(super) listing: Mutex<Listing>,
    /// Tags of cosign of which one end is known and the other is not.
    pub(super) ends: Mutex<BTreeMap<Tag, Ends>>,
    /// Tags of cosign that have to lead to these manifests.
    pub(super) missing_tags: Mutex<BTreeMap<Digest, Vec<Tag>>>,
    /// Manifests that were stored.
    stored: Mutex<Vec<Digest>>,
    notes: Mutex<Vec<String>>,
    blobs_sent: AtomicU64,
}

impl<'a> Copier<'a> {
    fn new(
        catalog: &'a dyn Catalog,
        from: &CopySource<'a>,
        to: &Destination<'a>,
        options: &'a Options<'a>,
    ) -> Self {
        Self {
            catalog,
            from: from.repository,
            image: from.image,
            to: to.repository,
            tags: to.tags,
            options,
            root: OnceLock::new(),
            wanted: Mutex::new(DestinationTags::unknown(to.tags.len())),
            root_bytes: Mutex::new(None),
            graph: Mutex::new(Graph::new(options.attached, options.deep)),
            listing: Mutex::new(Listing::Waited(Vec::new())),
            ends: Mutex::default(),
            missing_tags: Mutex::default(),
            stored: Mutex::default(),
            notes: Mutex::default(),
            blobs_sent: AtomicU64::new(0),
        }
    }
}

impl Copier<'_> {
    /// The image with all its parts, and the blobs of what is attached; whether it was there before.
    fn image(&self) -> Result<bool, CopyError> {
        let queue = Queue::new(self.first_lookups());
        work(&queue, self.options.connections, |task| {
            self.may_go_on()?;
            let next = self.perform(task).map_err(|error| self.why(error))?;
            self.count(&next);
            queue.add(next);
            Ok::<(), CopyError>(())
        })?;
        let root = self.root()?;
        let stored = lock(&self.stored).contains(root);
        Ok(!stored)
    }

    /// Within one repository nothing but tags moves.
    fn exists(&self, from: &CopySource<'_>, to: &Destination<'_>) -> Result<(), PortError> {
        let (digest, named) = begin(self.catalog, from, to, self.options.connections)?;
        let wanted = DestinationTags::known(named);
        if wanted.leads_to(&digest) != Some(true) {
            *lock(&self.root_bytes) = Some(self.catalog.manifest(self.from, &digest)?);
        }
        *lock(&self.wanted) = wanted;
        self.root.get_or_init(|| digest);
        Ok(())
    }

    /// The image, which was looked for before anything else.
    fn root(&self) -> Result<&Digest, PortError> {
        self.root.get().ok_or_else(|| {
            let doing = format!("copying from {}", self.from);
            PortError::new(ErrorKind::Missing, doing, "the image was not found")
        })
    }

    fn perform(&self, task: Task) -> Result<Vec<Task>, PortError> {
        match task {
            Task::List => Ok(self.list()),
            Task::Source => self.source(),
            Task::ListWanted => Ok(self.list_wanted()),
            Task::Resolve(place) => self.resolve(place),
            Task::Check(digest) => {
                let there = self.catalog.has(self.to, Content::Manifest, &digest)?;
                Ok(self.graph().checked(&digest, there))
            }
            Task::Read(digest) => self.read(&digest),
            Task::Attached(digest) => Ok(self.hanging(&digest)),
            Task::Referrers(digest) => self.referrers(&digest),
            Task::Listed(digest, ours) => self.listed(&digest, &ours),
            Task::OurTag(digest, tag) => self.our_tag(&digest, tag),
            Task::TheirTag(digest, tag) => self.their_tag(&digest, tag),
            Task::Blob(blob) => self.blob(&blob),
            Task::Push(digest) => {
                self.store(&digest)?;
                Ok(self.graph().landed(&digest))
            }
        }
    }

    fn read(&self, digest: &Digest) -> Result<Vec<Task>, PortError> {
        let bytes = match self.catalog.manifest(self.from, digest) {
            Ok(bytes) => bytes,
            Err(error) if error.kind == ErrorKind::Missing && self.graph().is_attached(digest) => {
                self.note(format!(
                    "{digest} is listed as attached, and {} does not have it",
                    self.from
                ));
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        self.take_in(digest, bytes)
    }

    /// Wants a manifest whose content is at hand already, so that nothing reads it again. Where its content is not
    /// needed, it is dropped.
    pub(super) fn want_read(
        &self,
        digest: &Digest,
        bytes: Vec<u8>,
        role: Role,
        presence: Presence,
    ) -> Result<Vec<Task>, PortError> {
        let mut tasks = self.graph().want(digest, true, role, presence);
        let read = Task::Read(digest.clone());
        if tasks.contains(&read) {
            tasks.retain(|task| *task != read);
            tasks.extend(self.take_in(digest, bytes)?);
        }
        Ok(tasks)
    }

    /// Goes on with a manifest that was read.
    fn take_in(&self, digest: &Digest, bytes: Vec<u8>) -> Result<Vec<Task>, PortError> {
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            let doing = format!("reading {}@{digest}", self.from);
            PortError::new(ErrorKind::Invalid, doing, &error)
        })?;
        if self.root.get() == Some(digest) {
            *lock(&self.root_bytes) = Some(bytes.clone());
        }
        let tasks = self.graph().read(digest, bytes, manifest);
        self.bounded(tasks)
    }

    fn blob(&self, blob: &Descriptor) -> Result<Vec<Task>, PortError> {
        let sent = AtomicU64::new(0);
        let open = || -> Result<Box<dyn Read + Send>, PortError> {
            sent.store(1, Ordering::Relaxed);
            let inner = self.catalog.blob(self.from, &blob.digest)?;
            let meter = Arc::clone(self.options.meter);
            Ok(Box::new(Counted { inner, meter }))
        };
        let wanted = Blob {
            digest: &blob.digest,
            size: blob.size,
            from: Some(self.from),
            open: &open,
        };
        self.catalog.push_blob(self.to, &wanted)?;
        self.blobs_sent
            .fetch_add(sent.load(Ordering::Relaxed), Ordering::Relaxed);
        self.options.meter.landed_blob(blob.size);
        Ok(self.graph().blob_landed(&blob.digest))
    }

    /// Stores a manifest that was read.
    pub(super) fn store(&self, digest: &Digest) -> Result<(), PortError> {
        let Some((bytes, _)) = self.graph().take(digest) else {
            return Ok(());
        };
        let tags = lock(&self.missing_tags).remove(digest).unwrap_or_default();
        let stored = self.catalog.push_manifest(self.to, &bytes, &tags)?;
        self.same(digest, &stored)?;
        lock(&self.stored).push(digest.clone());
        Ok(())
    }

    /// Looks whether the destination has what it took: the image and what is attached. A registry that
    /// has an index has its children.
    fn verify(&self) -> Result<(), CopyError> {
        let root = self.root()?;
        let mut stored = lock(&self.stored).clone();
        let graph = self.graph();
        stored.retain(|digest| digest == root || graph.is_attached(digest));
        drop(graph);
        try_each(&stored, self.options.connections, |digest| {
            if self.catalog.has(self.to, Content::Manifest, digest)? {
                return Ok(());
            }
            let doing = format!("checking {}@{digest}", self.to);
            let message = "the registry took it and does not have it";
            let error = PortError::new(ErrorKind::Invalid, doing, message);
            Err(CopyError::Port(error.fix("ask its operator, or copy again")))
        })?;
        Ok(())
    }

    /// Points the tags at the image.
    fn point(&self, tags: &[Tag]) -> Result<(), CopyError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.may_go_on()?;
        let root = self.root()?;
        let bytes = match lock(&self.root_bytes).take() {
            Some(bytes) => bytes,
            None => self.catalog.manifest(self.from, root)?,
        };
        try_each(tags, self.options.connections, |tag| {
            let stored = self
                .catalog
                .push_manifest(self.to, &bytes, std::slice::from_ref(tag))?;
            self.same(root, &stored)
        })?;
        Ok(())
    }

    fn same(&self, sent: &Digest, stored: &Digest) -> Result<(), PortError> {
        if sent == stored {
            return Ok(());
        }
        let doing = format!("storing {}@{sent}", self.to);
        Err(PortError::new(
            ErrorKind::Invalid,
            doing,
            format!("the registry made {stored} of it"),
        ))
    }

    pub(super) fn may_go_on(&self) -> Result<(), CopyError> {
        self.options
            .meter
            .interruption()
            .map_or(Ok(()), |signal| Err(CopyError::Interrupted(signal)))
    }

    /// What failed because a stream was cut off on purpose is no failure of the registry.
    pub(super) fn why(&self, error: PortError) -> CopyError {
        let interruption = self.options.meter.interruption();
        interruption.map_or(CopyError::Port(error), CopyError::Interrupted)
    }

    pub(super) fn bounded(&self, tasks: Vec<Task>) -> Result<Vec<Task>, PortError> {
        if self.graph().len() <= MOST_MANIFESTS {
            return Ok(tasks);
        }
        let image = self.root.get().map(|root| format!("@{root}")).unwrap_or_default();
        let doing = format!("copying {}{image}", self.from);
        let message = format!("more than {MOST_MANIFESTS} manifests belong to it or hang off it");
        Err(PortError::new(ErrorKind::Invalid, doing, message))
    }

    fn count(&self, tasks: &[Task]) {
        for task in tasks {
            if let Task::Blob(blob) = task {
                self.options.meter.found_blob(blob.size);
            }
        }
    }

    pub(super) fn note(&self, note: String) {
        lock(&self.notes).push(note);
    }

    pub(super) fn graph(&self) -> MutexGuard<'_, Graph> {
        lock(&self.graph)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
