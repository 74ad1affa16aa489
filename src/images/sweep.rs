//! Taking images out of a repository: planned, and looked at again right before each goes.

use super::inventory::Inventory;
use crate::domain::model::{Digest, ErrorKind, PortError, Tag};
use crate::domain::retention;
use crate::domain::retention::{Doomed, FoundManifest, Needed, PrunePlan, Rules};
use crate::parallel::each;
use crate::ports::{Catalog, Clock, Content, Discard};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use thiserror::Error;

/// How old a look at the whole repository may be when an image is deleted.
const FRESH: Duration = Duration::from_secs(30);
/// So many failures one after the other are the registry's, not the image's.
const MOST_FAILURES: usize = 5;

const HANGS: &str = "it hangs off an image that was left";
const GONE: &str = "it is not there any more";

/// What is swept, and by which rules.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// The registry.
    pub registry: &'a dyn Catalog,
    /// The repository in it.
    pub repository: &'a str,
    /// What stays.
    pub rules: &'a Rules,
    /// Time, and the signals that end it.
    pub clock: &'a dyn Clock,
    /// Most requests at a time.
    pub connections: usize,
    /// What the ledgers need now. Asked again before each image, so it must be quick while nothing has
    /// changed. The error says why it is not known.
    pub needed: &'a dyn Fn() -> Result<Vec<Needed>, String>,
    /// Whether the lease is still held.
    pub held: &'a dyn Fn() -> bool,
    /// Told how it goes.
    pub progress: &'a dyn Fn(SweepProgress<'_>),
}

/// How it goes.
#[derive(Debug, Clone, Copy)]
pub enum SweepProgress<'a> {
    /// So many manifests were looked at.
    Looked(&'a str, usize),
    /// So many of so many were dealt with.
    Deleted(&'a str, usize, usize),
}

/// Why nothing more is deleted.
#[derive(Debug, Clone, Error)]
pub enum Stopped {
    /// The repository cannot be listed.
    #[error("the repository cannot be listed: {0}")]
    Unlisted(PortError),
    /// Something could not be read.
    #[error(transparent)]
    Refused(#[from] retention::PruneRefusal),
    /// What is needed is not known.
    #[error("what the environments need is not known: {0}")]
    Ledger(String),
    /// Another prune may be at work by now.
    #[error("the lease was lost, so another run may be pruning by now")]
    LeaseLost,
    /// A signal.
    #[error("interrupted by {0}")]
    Interrupted(&'static str),
    /// The registry refuses for a reason that holds for every image.
    #[error("{0}")]
    Impossible(PortError),
    /// Too many failures one after the other.
    #[error("{MOST_FAILURES} images one after the other could not be deleted")]
    Failing,
}

/// An image that was to go and is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The image.
    pub image: Doomed,
    /// Why it was left.
    pub why: String,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// What is gone, in order.
    pub deleted: Vec<Doomed>,
    /// What was left because it is wanted after all, or hangs off something that was left.
    pub skipped: Vec<Left>,
    /// What the registry would not delete.
    pub failed: Vec<Left>,
    /// Why it ended before its end.
    pub stopped: Option<Stopped>,
    /// What should have stayed and is not there.
    pub broken: Vec<Digest>,
    /// How many were looked for at the end.
    pub checked: usize,
}

/// A repository that was looked at.
pub struct ImageSurvey<'a> {
    sweep: Sweep<'a>,
    inventory: Inventory<'a>,
    found: BTreeMap<Digest, FoundManifest>,
    needed: Vec<Needed>,
    /// The tags that were listed, without those that are gone by our doing.
    tags: BTreeSet<Tag>,
    looked: Duration,
    plan: PrunePlan,
    /// What stays by the newest plan, and why.
    kept: BTreeMap<Digest, String>,
    /// What goes by the newest plan, with its tags.
    going: BTreeMap<Digest, Vec<Tag>>,
}

/// How far a sweep is.
#[derive(Default)]
struct Course {
    /// What hangs off images that are gone: it goes with them.
    begun: BTreeSet<Digest>,
    /// What hangs off images that were left: it stays with them.
    spared: BTreeSet<Digest>,
    signal: Option<&'static str>,
    failures: usize,
}

impl<'a> ImageSurvey<'a> {
    /// Looks at the repository and plans. Changes nothing.
    ///
    /// # Errors
    /// When anything that matters cannot be read.
    pub fn new(sweep: Sweep<'a>) -> Result<Self, Stopped> {
        let mut survey = Self {
            sweep,
            inventory: Inventory::new(sweep.registry, sweep.repository, sweep.connections),
            found: BTreeMap::new(),
            needed: Vec::new(),
            tags: BTreeSet::new(),
            looked: Duration::ZERO,
            plan: PrunePlan::default(),
            kept: BTreeMap::new(),
            going: BTreeMap::new(),
        };
        survey.look()?;
        Ok(survey)
    }

    /// What stays and what goes.
    pub fn plan(&self) -> &PrunePlan {
        &self.plan
    }

    /// Deletes what the plan says, parents first. What is wanted by then stays, with all its parts.
    pub fn apply(mut self) -> Swept {
        let mut swept = Swept::default();
        let doomed = self.plan.delete.clone();
        swept.stopped = self.delete(&doomed, &mut swept).err();
        self.check(&mut swept);
        swept
    }

    fn delete(&mut self, doomed: &[Doomed], swept: &mut Swept) -> Result<(), Stopped> {
        let mut names: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for found in doomed.iter().filter_map(|image| self.found.get(&image.digest)) {
            names.insert(found.digest.clone(), retention::named(found));
        }
        let mut course = Course::default();
        for (done, image) in doomed.iter().enumerate() {
            (self.sweep.progress)(SweepProgress::Deleted(self.sweep.repository, done, doomed.len()));
            let part = course.begun.contains(&image.digest);
            self.heed(&mut course, part)?;
            let names = names.remove(&image.digest).unwrap_or_default();
            let wanted = if course.spared.contains(&image.digest) {
                Some(HANGS.to_owned())
            } else {
                self.wanted(image, part && image.tags.is_empty())?
            };
            let left = |why| Left {
                image: image.clone(),
                why,
            };
            match wanted {
                Some(why) => {
                    course.spared.extend(names);
                    swept.skipped.push(left(why));
                }
                None => match self.discard(image) {
                    Ok(()) => {
                        course.failures = 0;
                        course.begun.extend(names);
                        swept.deleted.push(image.clone());
                    }
                    Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Denied) => {
                        return Err(Stopped::Impossible(error));
                    }
                    Err(error) => {
                        course.failures += 1;
                        course.spared.extend(names);
                        swept.failed.push(left(error.to_string()));
                    }
                },
            }
            if course.failures == MOST_FAILURES {
                return Err(Stopped::Failing);
            }
        }
        Ok(())
    }

    /// After a signal the image that was begun is finished with all its parts; after a second, nothing.
    fn heed(&self, course: &mut Course, part: bool) -> Result<(), Stopped> {
        let before = course.signal;
        if let Some(interrupted) = self.sweep.clock.interruption() {
            course.signal = Some(interrupted.signal);
            if before.is_some() {
                return Err(Stopped::Interrupted(interrupted.signal));
            }
        }
        match course.signal {
            Some(signal) if !part => Err(Stopped::Interrupted(signal)),
            _ => Ok(()),
        }
    }

    fn discard(&mut self, image: &Doomed) -> Result<(), PortError> {
        let what = Discard::Manifest(image.digest.clone());
        self.sweep.registry.discard(self.sweep.repository, &what)?;
        self.inventory.forget(&image.digest);
        for tag in &image.tags {
            self.tags.remove(tag);
        }
        Ok(())
    }

    /// Why `image` is to stay after all. The repository as a whole is looked at again when a tag came or
    /// moved, when the ledgers have changed, and when the last look is old.
    fn wanted(&mut self, image: &Doomed, part: bool) -> Result<Option<String>, Stopped> {
        if !(self.sweep.held)() {
            return Err(Stopped::LeaseLost);
        }
        let needed = (self.sweep.needed)().map_err(Stopped::Ledger)?;
        let age = self.sweep.clock.monotonic().saturating_sub(self.looked);
        if needed != self.needed || age > FRESH || self.moved(image, part)? {
            self.look()?;
        }
        // An earlier image may have been the reason for the last look.
        if let Some(why) = self.kept.get(&image.digest) {
            return Ok(Some(format!("it is wanted by now: {why}")));
        }
        match self.going.get(&image.digest) {
            Some(tags) if *tags == image.tags => Ok(None),
            Some(_) => Ok(Some("its tags have changed since the plan was made".to_owned())),
            // Its index is gone and nothing else names it: few registries list it then.
            None if part => Ok(None),
            None => Ok(Some(GONE.to_owned())),
        }
    }

    /// Whether there are other tags than there were.
    fn moved(&self, image: &Doomed, part: bool) -> Result<bool, Stopped> {
        let repository = self.sweep.repository;
        // The parts go in one go with what they are parts of.
        if !part {
            let tags = self.sweep.registry.tags(repository).map_err(Stopped::Unlisted)?;
            if !tags.iter().all(|tag| self.tags.contains(tag)) {
                return Ok(true);
            }
        }
        for tag in &image.tags {
            let there = self.sweep.registry.resolve(repository, tag);
            if there.map_err(Stopped::Unlisted)?.as_ref() != Some(&image.digest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the inventory and plans anew; only what is new is read.
    fn look(&mut self) -> Result<(), Stopped> {
        let looked = self.sweep.clock.monotonic();
        let needed = (self.sweep.needed)().map_err(Stopped::Ledger)?;
        let roots: Vec<Digest> = needed.iter().map(|need| need.digest.clone()).collect();
        // Before the images: one that is pushed meanwhile is noticed as new.
        let tags = self.sweep.registry.tags(self.sweep.repository);
        let (repository, progress) = (self.sweep.repository, self.sweep.progress);
        let found = self
            .inventory
            .take(&roots, self.sweep.rules, &|seen| {
                progress(SweepProgress::Looked(repository, seen));
            })
            .map_err(Stopped::Unlisted)?;
        self.plan = retention::plan(&found, &needed, self.sweep.rules, self.sweep.clock.now())?;
        let kept = self.plan.keep.iter();
        self.kept = kept.map(|kept| (kept.digest.clone(), kept.why.clone())).collect();
        let going = self.plan.delete.iter();
        self.going = going
            .map(|image| (image.digest.clone(), image.tags.clone()))
            .collect();
        self.tags = tags.map_err(Stopped::Unlisted)?.into_iter().collect();
        self.found = found
            .into_iter()
            .map(|found| (found.digest.clone(), found))
            .collect();
        (self.needed, self.looked) = (needed, looked);
        Ok(())
    }

    /// Whether everything that stays is there: each image, and each part of an index.
    fn check(&self, swept: &mut Swept) {
        if swept.deleted.is_empty() {
            return;
        }
        let hanging = swept.skipped.iter().filter(|left| left.why == HANGS);
        let stays: Vec<&Digest> = self
            .plan
            .keep
            .iter()
            .map(|kept| &kept.digest)
            .chain(hanging.map(|left| &left.image.digest))
            .collect();
        let (registry, repository) = (self.sweep.registry, self.sweep.repository);
        let there = each(&stays, self.sweep.connections, |digest| {
            registry.has(repository, Content::Manifest, digest)
        });
        swept.checked = stays.len();
        swept.broken = stays
            .into_iter()
            .zip(there)
            .filter(|(_, there)| !matches!(there, Ok(true)))
            .map(|(digest, _)| digest.clone())
            .collect();
    }
}
