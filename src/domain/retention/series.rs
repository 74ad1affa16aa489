//! Build tags: each environment's images in the order in which they were built.

use super::{FoundManifest, Rules};
use crate::domain::model::{Digest, EnvironmentName, Tag, Timestamp};
use crate::domain::tagging::built_at;
use std::collections::{BTreeMap, BTreeSet};

/// The environment and time of a build tag; nothing for a tag of another kind. A tag may be read as one of
/// two environments' (`a` and `a-v1`), and then counts for both.
pub(super) fn of<'a, 't>(
    tag: &'t Tag,
    rules: &'a Rules,
) -> impl Iterator<Item = (&'a EnvironmentName, Timestamp)> + use<'a, 't> {
    rules
        .environments
        .iter()
        .filter_map(move |environment| Some((environment, built_at(environment, tag)?)))
}

/// When the newest of its build tags was made.
pub(super) fn newest_tag(found: &FoundManifest, rules: &Rules) -> Option<Timestamp> {
    found
        .tags
        .iter()
        .flat_map(|tag| of(tag, rules))
        .map(|(_, time)| time)
        .max()
}

/// The newest images of each environment and those that are young, with the reason.
pub(super) fn kept<'a>(
    inventory: &'a [FoundManifest],
    rules: &'a Rules,
    now: Timestamp,
) -> BTreeMap<&'a Digest, String> {
    let mut series: BTreeMap<&EnvironmentName, BTreeMap<&Digest, Timestamp>> = BTreeMap::new();
    for found in inventory {
        for (environment, time) in found.tags.iter().flat_map(|tag| of(tag, rules)) {
            let images = series.entry(environment).or_default();
            let newest = images.entry(&found.digest).or_insert(time);
            *newest = time.max(*newest);
        }
    }
    let mut kept = BTreeMap::new();
    for (environment, images) in series {
        // An image that was tagged again counts once.
        let newest_first: BTreeSet<_> = images
            .into_iter()
            .map(|(digest, time)| (std::cmp::Reverse(time), digest))
            .collect();
        for (place, (std::cmp::Reverse(time), digest)) in newest_first.into_iter().enumerate() {
            let reason = if place < rules.keep_last as usize {
                format!("one of the last {} of {environment}", rules.keep_last)
            } else if now.since(time) < rules.keep_for {
                format!("built for {environment} less than {} ago", rules.keep_for)
            } else {
                continue;
            };
            kept.entry(digest).or_insert(reason);
        }
    }
    kept
}
