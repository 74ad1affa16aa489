//! What happens between the plan and the deletion, with a registry that meddles.

use crate::retention::repository::Repository;
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::domain::model::{Digest, ErrorKind, PortError, Tag};
use greenroom::domain::oci::{Descriptor, Manifest};
use greenroom::domain::retention::{Needed, Rules};
use greenroom::images::{ImageSurvey, Stopped, Sweep, SweepProgress, Swept};
use greenroom::ports::{Blob, Catalog, Clock as _, Content, Discard, HeldImage, Registry};
use greenroom::testing::FakeClock;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const NAME: &str = "acme/app";

type Meddle<'a> = dyn Fn(&dyn Catalog, usize, &Digest) -> Result<(), PortError> + Sync + 'a;

/// Calls `meddle` before each deletion, with its number, and counts what is read.
struct Meddling<'a> {
    inner: &'a LayoutRegistry,
    meddle: &'a Meddle<'a>,
    deletions: AtomicUsize,
    read: Mutex<Vec<Digest>>,
    unread: Option<Digest>,
}

impl Registry for Meddling<'_> {
    fn resolve(&self, repository: &str, tag: &Tag) -> Result<Option<Digest>, PortError> {
        self.inner.resolve(repository, tag)
    }
    fn has(&self, repository: &str, content: Content, digest: &Digest) -> Result<bool, PortError> {
        self.inner.has(repository, content, digest)
    }
    fn manifest(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
        self.read.lock().unwrap().push(digest.clone());
        if self.unread.as_ref() == Some(digest) {
            return Err(PortError::new(ErrorKind::Transient, "reading", "502 Bad Gateway"));
        }
        self.inner.manifest(repository, digest)
    }
    fn blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + Send>, PortError> {
        self.inner.blob(repository, digest)
    }
    fn push_blob(&self, repository: &str, blob: &Blob<'_>) -> Result<(), PortError> {
        self.inner.push_blob(repository, blob)
    }
    fn push_manifest(&self, repository: &str, manifest: &[u8], tags: &[Tag]) -> Result<Digest, PortError> {
        self.inner.push_manifest(repository, manifest, tags)
    }
}

impl Catalog for Meddling<'_> {
    fn tags(&self, repository: &str) -> Result<Vec<Tag>, PortError> {
        self.inner.tags(repository)
    }
    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Vec<Descriptor>, PortError> {
        self.inner.referrers(repository, digest)
    }
    fn images(&self, repository: &str) -> Result<Vec<HeldImage>, PortError> {
        // One that keeps no list of its own: what has no tag is found by what names it.
        let mut images = self.inner.images(repository)?;
        images.retain(|image| !image.tags.is_empty());
        for image in &mut images {
            image.pushed = None;
        }
        Ok(images)
    }
    fn discard(&self, repository: &str, what: &Discard) -> Result<(), PortError> {
        if let Discard::Manifest(digest) = what {
            (self.meddle)(self.inner, self.deletions.fetch_add(1, Ordering::SeqCst), digest)?;
        }
        self.inner.discard(repository, what)
    }
}

/// A generated repository, and what a sweep of it needs.
struct Scene {
    _root: TempDir,
    registry: LayoutRegistry,
    repository: Repository,
    clock: FakeClock,
    rules: Rules,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let registry = LayoutRegistry::open(root.path().to_owned());
        let clock = FakeClock::default();
        let mut repository = Repository::new(clock.now(), 40, 5);
        repository.push(&registry, NAME);
        Self {
            _root: root,
            registry,
            repository,
            clock,
            rules: Rules {
                keep_last: 10,
                keep_for: "5d".parse().unwrap(),
                grace: "48h".parse().unwrap(),
                environments: vec!["staging".parse().unwrap()],
            },
        }
    }

    fn needed(&self) -> Vec<Needed> {
        let needed = self.repository.needed.iter().cloned();
        needed
            .map(|digest| Needed {
                digest,
                why: "live in production".to_owned(),
            })
            .collect()
    }

    fn meddling<'a>(&'a self, meddle: &'a Meddle<'a>) -> Meddling<'a> {
        Meddling {
            inner: &self.registry,
            meddle,
            deletions: AtomicUsize::new(0),
            read: Mutex::default(),
            unread: None,
        }
    }

    fn sweep(
        &self,
        registry: &dyn Catalog,
        needed: &dyn Fn() -> Result<Vec<Needed>, String>,
        held: &dyn Fn() -> bool,
        progress: &dyn Fn(SweepProgress<'_>),
    ) -> Result<Swept, Stopped> {
        let survey = ImageSurvey::new(Sweep {
            registry,
            repository: NAME,
            rules: &self.rules,
            clock: &self.clock,
            connections: 4,
            needed,
            held,
            progress,
        })?;
        Ok(survey.apply())
    }

    fn swept(&self, registry: &dyn Catalog) -> Result<Swept, Stopped> {
        self.sweep(registry, &|| Ok(self.needed()), &|| true, &|_| ())
    }

    /// Everything that what is there names is there.
    fn is_whole(&self) {
        for image in self.registry.images(NAME).unwrap() {
            let bytes = self.registry.manifest(NAME, &image.digest).unwrap();
            let manifest = Manifest::parse(&bytes).unwrap();
            for child in manifest.children() {
                assert!(self.registry.has(NAME, Content::Manifest, &child.digest).unwrap());
            }
            for blob in manifest.blobs() {
                assert!(self.registry.has(NAME, Content::Blob, &blob.digest).unwrap());
            }
        }
    }

    fn there(&self, digest: &Digest) -> bool {
        self.registry.has(NAME, Content::Manifest, digest).unwrap()
    }
}

fn quiet(_: &dyn Catalog, _: usize, _: &Digest) -> Result<(), PortError> {
    Ok(())
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

#[test]
fn a_registry_that_lists_only_tags_is_pruned_as_well_and_reads_each_manifest_once() {
    let scene = Scene::new();
    let registry = scene.meddling(&quiet);
    let swept = scene.swept(&registry).unwrap();
    assert!(swept.stopped.is_none() && swept.failed.is_empty() && swept.broken.is_empty());
    scene.repository.was_pruned(&scene.registry, NAME);
    let mut read = registry.read.lock().unwrap();
    let all = read.len();
    read.sort();
    read.dedup();
    assert_eq!(read.len(), all);
}

#[test]
fn looking_anew_before_each_image_comes_to_the_same() {
    let scene = Scene::new();
    let slow = |_: &dyn Catalog, _: usize, _: &Digest| {
        scene.clock.advance(std::time::Duration::from_secs(31));
        Ok(())
    };
    let registry = scene.meddling(&slow);
    let swept = scene.swept(&registry).unwrap();
    assert!(
        swept.stopped.is_none() && swept.skipped.is_empty(),
        "{:#?}",
        swept.skipped
    );
    scene.repository.was_pruned(&scene.registry, NAME);
}

#[test]
fn when_one_manifest_cannot_be_read_nothing_goes() {
    let scene = Scene::new();
    let mut registry = scene.meddling(&quiet);
    registry.unread = Some(scene.repository.needed[0].clone());
    let stopped = scene.swept(&registry).unwrap_err();
    assert!(stopped.to_string().contains("502 Bad Gateway"), "{stopped}");
    assert!(scene.repository.is_untouched(&scene.registry, NAME));
}

#[test]
fn what_gets_a_tag_or_is_needed_after_the_plan_stays_with_all_its_parts() {
    let scene = Scene::new();
    // The last that would go, seen from the first deletion.
    let last = Mutex::new(None);
    let doomed = scene.repository.those(false);
    let meddle = |registry: &dyn Catalog, number: usize, _: &Digest| {
        if number == 0 {
            let index = registry.images(NAME).unwrap().into_iter().find(|image| {
                let bytes = registry.manifest(NAME, &image.digest).unwrap();
                let manifest = Manifest::parse(&bytes).unwrap();
                doomed.contains(&image.digest)
                    && manifest.children().len() == 4
                    && image.tags.iter().any(|tag| tag.as_str().starts_with("staging-v"))
            });
            let index = index.unwrap().digest;
            let bytes = registry.manifest(NAME, &index).unwrap();
            registry.push_manifest(NAME, &bytes, &[tag("2.0.0")]).unwrap();
            *last.lock().unwrap() = Some(index);
        }
        Ok(())
    };
    let registry = scene.meddling(&meddle);
    let live = Mutex::new(None);
    let needed = || {
        let mut needed = scene.needed();
        // From the third deletion on another image is live.
        if registry.deletions.load(Ordering::SeqCst) > 2 {
            let mut live = live.lock().unwrap();
            let digest = live.get_or_insert_with(|| {
                let there = doomed.iter().filter(|digest| scene.there(digest));
                let mut images = there.filter(|digest| {
                    let bytes = scene.registry.manifest(NAME, digest).unwrap();
                    let manifest = Manifest::parse(&bytes).unwrap();
                    !manifest.children().is_empty() && manifest.artifact_type.is_none()
                });
                images.next_back().unwrap().clone()
            });
            needed.push(Needed {
                digest: digest.clone(),
                why: "live in staging".to_owned(),
            });
        }
        Ok(needed)
    };
    let swept = scene.sweep(&registry, &needed, &|| true, &|_| ()).unwrap();
    assert!(swept.stopped.is_none() && swept.broken.is_empty());
    let tagged = last.lock().unwrap().clone().unwrap();
    let live = live.lock().unwrap().clone().unwrap();
    assert!(scene.there(&tagged) && scene.there(&live));
    let whys: BTreeSet<&str> = swept.skipped.iter().map(|left| left.why.as_str()).collect();
    assert!(
        whys.contains("it is wanted by now: has the tag 2.0.0"),
        "{whys:?}"
    );
    assert!(whys.contains("it is wanted by now: live in staging"), "{whys:?}");
    scene.is_whole();
    assert_eq!(
        swept.deleted.len() + swept.skipped.len(),
        scene.repository.those(false).len()
    );
}

#[test]
fn a_failure_spares_the_parts_and_the_rest_goes_on() {
    let scene = Scene::new();
    let failing = |_: &dyn Catalog, number: usize, digest: &Digest| match number % 7 {
        3 => Err(PortError::new(
            ErrorKind::Transient,
            format!("deleting {digest}"),
            "500",
        )),
        _ => Ok(()),
    };
    let swept = scene.swept(&scene.meddling(&failing)).unwrap();
    assert!(swept.failed.len() > 3 && swept.stopped.is_none());
    assert!(swept.broken.is_empty());
    for left in &swept.failed {
        assert!(scene.there(&left.image.digest));
    }
    scene.is_whole();
    // What was left goes the next time.
    scene.swept(&scene.meddling(&quiet)).unwrap();
    scene.is_whole();

    let scene = Scene::new();
    let dead =
        |_: &dyn Catalog, _: usize, _: &Digest| Err(PortError::new(ErrorKind::Transient, "deleting", "500"));
    let swept = scene.swept(&scene.meddling(&dead)).unwrap();
    assert!(matches!(swept.stopped, Some(Stopped::Failing)));
    let cannot = |_: &dyn Catalog, _: usize, _: &Digest| {
        Err(PortError::new(ErrorKind::Unsupported, "deleting", "405"))
    };
    let swept = scene.swept(&scene.meddling(&cannot)).unwrap();
    assert!(matches!(swept.stopped, Some(Stopped::Impossible(_))) && swept.failed.is_empty());
    assert!(scene.repository.is_untouched(&scene.registry, NAME));
}

#[test]
fn a_signal_a_lost_lease_and_an_unreadable_ledger_end_it_with_whole_images() {
    let scene = Scene::new();
    let interrupt = |_: &dyn Catalog, number: usize, _: &Digest| {
        if number == 5 {
            scene.clock.interrupt_after(std::time::Duration::ZERO, "SIGINT");
        }
        Ok(())
    };
    let swept = scene.swept(&scene.meddling(&interrupt)).unwrap();
    assert!(matches!(swept.stopped, Some(Stopped::Interrupted("SIGINT"))));
    assert!(
        swept.deleted.len() > 5 && swept.deleted.len() < 20,
        "{}",
        swept.deleted.len()
    );
    scene.is_whole();

    let lost = scene.meddling(&quiet);
    let held = || lost.deletions.load(Ordering::SeqCst) < 3;
    let swept = scene
        .sweep(&lost, &|| Ok(scene.needed()), &held, &|_| ())
        .unwrap();
    assert!(matches!(swept.stopped, Some(Stopped::LeaseLost)));
    assert_eq!(swept.deleted.len(), 3);

    let broken = scene.meddling(&quiet);
    let needed = || match broken.deletions.load(Ordering::SeqCst) {
        0..2 => Ok(scene.needed()),
        _ => Err("record 7 is damaged".to_owned()),
    };
    let swept = scene.sweep(&broken, &needed, &|| true, &|_| ()).unwrap();
    assert!(matches!(swept.stopped, Some(Stopped::Ledger(_))));
    assert_eq!(swept.deleted.len(), 2);
    scene.is_whole();
}
