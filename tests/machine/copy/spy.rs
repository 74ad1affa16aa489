//! A registry that counts what is asked of it, and can fail or be interrupted at any request.

use greenroom::domain::model::{Digest, ErrorKind, PortError, Tag, Timestamp};
use greenroom::domain::oci::Descriptor;
use greenroom::ports::{Blob, Catalog, Clock, Content, Discard, HeldImage, Interrupted, Registry};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Passes everything on.
pub(crate) struct Spy<'a> {
    inner: &'a dyn Catalog,
    pub(crate) asked: Mutex<BTreeMap<&'static str, usize>>,
    /// What was stored, in order.
    pub(crate) stored: Mutex<Vec<String>>,
    running: AtomicUsize,
    pub(crate) peak: AtomicUsize,
    /// How many more requests are answered.
    pub(crate) left: AtomicUsize,
    /// A manifest that is listed and not given.
    pub(crate) gone: Option<Digest>,
}

impl<'a> Spy<'a> {
    pub(crate) fn new(inner: &'a dyn Catalog) -> Self {
        Self {
            inner,
            asked: Mutex::default(),
            stored: Mutex::default(),
            running: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            left: AtomicUsize::new(usize::MAX),
            gone: None,
        }
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.asked.lock().unwrap().get(what).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> usize {
        self.asked.lock().unwrap().values().sum()
    }

    fn ask<T>(&self, what: &'static str, act: impl FnOnce() -> Result<T, PortError>) -> Result<T, PortError> {
        *self.asked.lock().unwrap().entry(what).or_default() += 1;
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(PortError::new(ErrorKind::Transient, what, "the line is dead"));
        }
        // A blob is read while it is pushed: that is one piece of work.
        let counted = usize::from(what != "blob");
        let now = self.running.fetch_add(counted, Ordering::SeqCst) + counted;
        self.peak.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        let result = act();
        self.running.fetch_sub(counted, Ordering::SeqCst);
        result
    }
}

impl Registry for Spy<'_> {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.ask("resolve", || self.inner.resolve(repository, tag))
    }
    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        self.ask("has", || self.inner.has(repository, content, digest))
    }
    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        if self.gone.as_ref() == Some(digest) {
            return Err(PortError::new(ErrorKind::Missing, "reading", "it is gone"));
        }
        self.ask("manifest", || self.inner.manifest(repository, digest))
    }
    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        self.ask("blob", || self.inner.blob(repository, digest))
    }
    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        self.ask("push_blob", || self.inner.push_blob(repository, blob))?;
        self.stored.lock().unwrap().push(blob.digest.to_string());
        Ok(())
    }
    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        let digest = self.ask("push_manifest", || {
            self.inner.push_manifest(repository, manifest, tags)
        })?;
        let mut stored = self.stored.lock().unwrap();
        stored.push(digest.to_string());
        stored.extend(tags.iter().map(ToString::to_string));
        Ok(digest)
    }
}

impl Catalog for Spy<'_> {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        self.ask("tags", || self.inner.tags(repository))
    }
    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        self.ask("referrers", || self.inner.referrers(repository, digest))
    }
    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        self.ask("images", || self.inner.images(repository))
    }
    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        self.ask("discard", || self.inner.discard(repository, what))
    }
}

/// A clock on which a signal comes when it is told to.
#[derive(Default)]
pub(crate) struct Signalled(pub(crate) AtomicBool);

impl Clock for Signalled {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> Result<(), Interrupted> {
        Ok(())
    }
    fn interruption(&self) -> Option<Interrupted> {
        self.0
            .swap(false, Ordering::SeqCst)
            .then_some(Interrupted { signal: "SIGINT" })
    }
}
