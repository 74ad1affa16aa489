//! Build tags: each environment's images in the order in which they were built.

use super::{Found, Rules};
use crate::model::{Digest, EnvironmentName, Tag, Timestamp};
use crate::tagging::built_at;
use std::collections::{BTreeMap, BTreeSet};

/// The environment and time of a build tag; `None` for a tag of another kind.
pub(super) fn of<'a>(tag: &Tag, rules: &'a Rules) -> Option<(&'a EnvironmentName, Timestamp)> {
    rules
        .environments
        .iter()
        .find_map(|environment| Some((environment, built_at(environment, tag)?)))
}

/// When the newest of its build tags was made.
pub(super) fn newest_tag(found: &Found, rules: &Rules) -> Option<Timestamp> {
    found
        .tags
        .iter()
        .filter_map(|tag| of(tag, rules))
        .map(|(_, time)| time)
        .max()
}

/// The newest images of each environment and those that are young, with the reason.
pub(super) fn kept<'a>(
    inventory: &'a [Found],
    rules: &'a Rules,
    now: Timestamp,
) -> BTreeMap<&'a Digest, String> {
    let mut series: BTreeMap<&EnvironmentName, BTreeMap<&Digest, Timestamp>> = BTreeMap::new();
    for found in inventory {
        for (environment, time) in found.tags.iter().filter_map(|tag| of(tag, rules)) {
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
