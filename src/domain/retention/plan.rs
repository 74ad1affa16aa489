//! The plan: what stays and why, what goes and in which order.

use super::found::{FoundManifest, ManifestContent, named, parts};
use super::mark::Graph;
use super::{Needed, Rules, series};
use crate::domain::model::{Digest, Tag, Timestamp};
use crate::domain::oci::attached_by_tag;
use crate::domain::oci::media::is_manifest;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// 1980-01-02, after the last of the constants that stand for no time (ko and jib write 1970, buildpacks
/// 1980-01-01), in milliseconds since 1970.
const CONSTANTS_END: i64 = 315_619_200_000;

/// An image that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedImage {
    /// The image.
    pub digest: Digest,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Why: "live in production", "part of 0123456789ab".
    pub why: String,
}

/// An image that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// The image.
    pub digest: Digest,
    /// Its tags, all of which go with it.
    pub tags: Vec<Tag>,
    /// When it was pushed or built, where that is known.
    pub at: Option<Timestamp>,
}

/// What stays and what goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrunePlan {
    /// What stays, sorted by digest.
    pub keep: Vec<RetainedImage>,
    /// What goes, each before everything that it names.
    pub delete: Vec<Doomed>,
    /// Bytes of blobs that nothing names any more. The registry frees them in its own time.
    pub freed: u64,
    /// What is needed or listed and is not there: it was broken before.
    pub absent: Vec<Needed>,
}

/// Something could not be read, so nothing goes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("nothing is deleted: {}", Listed(.0))]
pub struct PruneRefusal(pub Vec<Unread>);

/// A manifest that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The manifest.
    pub digest: Digest,
    /// Why not.
    pub reason: String,
}

struct Listed<'a>(&'a [Unread]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.iter().take(3);
        let shown: Vec<String> = first
            .map(|unread| format!("{} could not be read ({})", unread.digest, unread.reason))
            .collect();
        write!(f, "{}", shown.join("; "))?;
        match self.0.len().saturating_sub(shown.len()) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Plans. `inventory` holds every manifest that the repository lists and every one that these name, each
/// once; `needed` what the ledgers of all environments need.
///
/// # Errors
/// When a manifest could not be read, or one is named and not in the inventory.
pub fn plan(
    inventory: &[FoundManifest],
    needed: &[Needed],
    rules: &Rules,
    now: Timestamp,
) -> Result<PrunePlan, PruneRefusal> {
    refuse_unread(inventory, needed)?;
    let there: BTreeMap<&Digest, &FoundManifest> = inventory
        .iter()
        .filter(|found| found.content != ManifestContent::Missing)
        .map(|found| (&found.digest, found))
        .collect();
    let roots = roots(inventory, needed, rules, now);
    let reached = Graph::new(inventory).reach(roots);
    let absent = reached
        .iter()
        .filter(|(digest, _)| !there.contains_key(digest))
        .map(|(digest, why)| Needed {
            digest: digest.clone(),
            why: why.clone(),
        })
        .collect();
    let (kept, doomed): (Vec<&FoundManifest>, Vec<&FoundManifest>) = there
        .values()
        .copied()
        .partition(|found| reached.contains_key(&found.digest));
    Ok(PrunePlan {
        freed: freed(&kept, &doomed),
        keep: kept
            .into_iter()
            .map(|found| RetainedImage {
                digest: found.digest.clone(),
                tags: found.tags.clone(),
                why: reached.get(&found.digest).cloned().unwrap_or_default(),
            })
            .collect(),
        delete: parents_first(&doomed)
            .into_iter()
            .map(|found| Doomed {
                digest: found.digest.clone(),
                tags: found.tags.clone(),
                at: age(found, rules),
            })
            .collect(),
        absent,
    })
}

/// Refuses when anything that could keep something else is not known.
fn refuse_unread(inventory: &[FoundManifest], needed: &[Needed]) -> Result<(), PruneRefusal> {
    let known: BTreeSet<&Digest> = inventory.iter().map(|found| &found.digest).collect();
    let mut unread = Vec::new();
    let mut unlooked = |digest: &Digest, why: String| {
        if !known.contains(digest) {
            unread.push(Unread {
                digest: digest.clone(),
                reason: format!("{why}, and it was not looked at"),
            });
        }
    };
    for need in needed {
        unlooked(&need.digest, format!("it is {}", need.why));
    }
    for found in inventory {
        for digest in named(found) {
            unlooked(&digest, format!("{} names it", found.digest.short()));
        }
    }
    unread.extend(inventory.iter().filter_map(|found| match &found.content {
        ManifestContent::Unread(reason) => Some(Unread {
            digest: found.digest.clone(),
            reason: reason.clone(),
        }),
        ManifestContent::Manifest(_) | ManifestContent::Missing => None,
    }));
    if unread.is_empty() {
        Ok(())
    } else {
        Err(PruneRefusal(unread))
    }
}

/// What stays for its own sake, each with its best reason.
fn roots(
    inventory: &[FoundManifest],
    needed: &[Needed],
    rules: &Rules,
    now: Timestamp,
) -> BTreeMap<Digest, String> {
    let mut roots: BTreeMap<Digest, String> = BTreeMap::new();
    for need in needed {
        roots
            .entry(need.digest.clone())
            .and_modify(|why| {
                why.push_str(", ");
                why.push_str(&need.why);
            })
            .or_insert_with(|| need.why.clone());
    }
    let series = series::kept(inventory, rules, now);
    let dependents = dependents(inventory);
    for found in inventory {
        let ages = |tag: &&Tag| {
            series::of(tag, rules).next().is_some() || attached_by_tag(tag).is_some() || tag.is_temporary()
        };
        let why = if let Some(tag) = found.tags.iter().find(|tag| !ages(tag)) {
            format!("has the tag {tag}")
        } else if let Some(why) = series.get(&found.digest) {
            why.clone()
        } else {
            match age(found, rules) {
                Some(at) if now.since(at) < rules.grace => format!("pushed less than {} ago", rules.grace),
                None if !dependents.contains(&found.digest) => "its age is not known".to_owned(),
                Some(_) | None => continue,
            }
        };
        roots.entry(found.digest.clone()).or_insert(why);
    }
    roots
}

/// What stays or goes with another manifest that is there: the parts of an index that have no tag, and
/// what is about an image.
fn dependents(inventory: &[FoundManifest]) -> BTreeSet<&Digest> {
    let there: BTreeSet<&Digest> = inventory
        .iter()
        .filter(|found| found.content != ManifestContent::Missing)
        .map(|found| &found.digest)
        .collect();
    let manifests = inventory.iter().filter_map(FoundManifest::manifest);
    let parts: BTreeSet<&Digest> = manifests.flat_map(parts).map(|child| &child.digest).collect();
    let depends = |found: &&FoundManifest| {
        let subject = found.manifest().and_then(|manifest| manifest.subject.as_ref());
        let about = subject.is_some_and(|subject| there.contains(&subject.digest));
        let mut attached = found.tags.iter().filter_map(attached_by_tag);
        about
            || attached.any(|(digest, _)| there.contains(&digest))
            || (found.tags.is_empty() && parts.contains(&found.digest))
    };
    inventory
        .iter()
        .filter(depends)
        .map(|found| &found.digest)
        .collect()
}

/// Manifests about which their time decides, and whose own words are all that can tell it.
pub fn undated(inventory: &[FoundManifest], rules: &Rules) -> Vec<Digest> {
    let dependents = dependents(inventory);
    let decides = |tag: &Tag| attached_by_tag(tag).is_some();
    inventory
        .iter()
        .filter(|found| found.manifest().is_some() && found.created.is_none())
        .filter(|found| found.tags.iter().all(decides) && age(found, rules).is_none())
        .map(|found| &found.digest)
        .filter(|digest| !dependents.contains(digest))
        .cloned()
        .collect()
}

/// The latest moment that speaks for it. A build that repeats writes a constant for the time at which the
/// image was made (0001, 1970, 1980), and then nothing is known.
fn age(found: &FoundManifest, rules: &Rules) -> Option<Timestamp> {
    let tagged = series::newest_tag(found, rules);
    let made = found.created.filter(|at| at.unix_millis() > CONSTANTS_END);
    found.pushed.max(tagged).or(made)
}

/// Bytes of blobs that only the doomed name.
fn freed(kept: &[&FoundManifest], doomed: &[&FoundManifest]) -> u64 {
    let blobs = |images: &[&FoundManifest]| -> BTreeMap<Digest, u64> {
        let manifests = images.iter().filter_map(|found| found.manifest());
        manifests
            .flat_map(|manifest| manifest.blobs().chain(manifest.children()))
            .filter(|blob| !is_manifest(&blob.media_type))
            .map(|blob| (blob.digest.clone(), blob.size))
            .collect()
    };
    let still = blobs(kept);
    let gone = blobs(doomed).into_iter();
    gone.filter(|(digest, _)| !still.contains_key(digest))
        .map(|(_, size)| size)
        .fold(0, u64::saturating_add)
}

/// Each before everything that it names, since registries refuse to delete a part of what is still there,
/// and what a tag hangs off an image before the image.
fn parents_first<'a>(doomed: &[&'a FoundManifest]) -> Vec<&'a FoundManifest> {
    let ordered = in_order(doomed, named);
    if ordered.len() == doomed.len() {
        return ordered;
    }
    // Tags can spell a circle, digests cannot.
    let done: BTreeSet<&Digest> = ordered.iter().map(|found| &found.digest).collect();
    let rest: Vec<&FoundManifest> = doomed
        .iter()
        .copied()
        .filter(|found| !done.contains(&found.digest))
        .collect();
    let by_digest = |found: &FoundManifest| {
        let manifest = found.manifest().into_iter();
        let descriptors = manifest.flat_map(|manifest| parts(manifest).chain(&manifest.subject));
        descriptors.map(|descriptor| descriptor.digest.clone()).collect()
    };
    ordered.into_iter().chain(in_order(&rest, by_digest)).collect()
}

/// Each before everything that it names; what is part of a circle, or comes after one, is left out.
fn in_order<'a>(
    all: &[&'a FoundManifest],
    named: impl Fn(&FoundManifest) -> Vec<Digest>,
) -> Vec<&'a FoundManifest> {
    let by_digest: BTreeMap<&Digest, &FoundManifest> =
        all.iter().map(|found| (&found.digest, *found)).collect();
    let mut waiting: BTreeMap<Digest, usize> = BTreeMap::new();
    for digest in all.iter().flat_map(|found| named(found)) {
        if by_digest.contains_key(&digest) {
            *waiting.entry(digest).or_default() += 1;
        }
    }
    let mut ready: Vec<&FoundManifest> = all
        .iter()
        .copied()
        .filter(|found| !waiting.contains_key(&found.digest))
        .collect();
    let mut ordered = Vec::with_capacity(all.len());
    while let Some(found) = ready.pop() {
        ordered.push(found);
        for digest in named(found) {
            let Some(count) = waiting.get_mut(&digest) else {
                continue;
            };
            *count -= 1;
            if *count == 0
                && let Some(next) = by_digest.get(&digest)
            {
                ready.push(next);
            }
        }
    }
    ordered
}
