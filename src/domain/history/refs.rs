//! The references that each record carries, so that the newest leads to everything that matters.
//!
//! | name | leads to | moves |
//! |---|---|---|
//! | `open` | the `Planned` record of a rollout that has not finished | set by `Planned`; removed when it succeeded or was rolled back, kept when it halted |
//! | `live` | the `Planned` record of what runs | when the candidate becomes the version on record |
//! | `promoted` | the record by which it did | with `live` |
//! | `previous` | the `Planned` record of what ran before | with `live` |
//! | `finished` | the newest `Finished` record | by each |
//! | `event` | the newest record of a rollout | only in records of other kinds |
//! | `protection` | the newest record of kind `protection`: somebody switched it on or off | by each |
//! | `approval`, `lock` | the newest record of that kind, which holds everything of it that stands | by each |
//! | `acceptance` | the record that tells how a temporary environment was made | set by it; removed with everything else that runs |
//! | `scan:DIGEST` | the newest scan of that image | by each scan; kept for what is live, was live before, or is being rolled out |
//!
//! The candidate becomes the version on record when `Promote` is done, not only when the rollout has
//! finished: a process that dies while the old release is being retired leaves the truth behind.
//! When `Promote` fails all traffic goes to the candidate, so it is also the version on record from
//! the first step of that completion on, and stays it when the rollout then halts. A rollout that is
//! rolled back after that gives its place back.

use super::ROLLOUT;
use crate::domain::model::{Digest, Record};
use crate::domain::rollout::{Event, Outcome, Phase, Plan, Step, StepId, StepResult};
use std::collections::BTreeMap;

pub(super) const OPEN: &str = "open";
pub(super) const LIVE: &str = "live";
pub(super) const PROMOTED: &str = "promoted";
pub(super) const PREVIOUS: &str = "previous";
pub(super) const FINISHED: &str = "finished";
pub(super) const EVENT: &str = "event";
pub(super) const ACCEPTANCE_OF: &str = "acceptance";
/// Begins the name of the reference to the scan of an image.
const SCAN_OF: &str = "scan:";

/// The references of the record that holds `event`, an event of the rollout of `plan`, and follows
/// `previous`.
pub fn refs_after(previous: Option<&Record>, plan: &Plan, event: &Event) -> BTreeMap<String, u64> {
    let seq = previous.map_or(0, |record| record.seq + 1);
    let mut refs = previous.map(|record| record.refs.clone()).unwrap_or_default();
    refs.remove(EVENT);
    match event {
        Event::Planned(_) => {
            refs.insert(OPEN.to_owned(), seq);
        }
        Event::Finished { outcome, .. } => finish(&mut refs, *outcome, seq),
        _ if goes_live(plan, event) => promote(&mut refs, seq),
        _ => {}
    }
    refs
}

/// What a record of another kind than a rollout's carries on from `previous`, with the way to the newest of
/// those; and its own sequence number.
pub(super) fn carried(previous: Option<&Record>) -> (BTreeMap<String, u64>, u64) {
    let Some(previous) = previous else {
        return (BTreeMap::new(), 0);
    };
    let mut refs = previous.refs.clone();
    if previous.kind == ROLLOUT {
        refs.insert(EVENT.to_owned(), previous.seq);
    }
    (refs, previous.seq + 1)
}

/// The references of the record that holds a scan and follows `previous`. The scan is the one of
/// `digest` from now on; `None` for one that says nothing about its image, so that the one before it
/// stays. Of other scans those of `kept` images stay within reach.
pub fn refs_after_scan(
    previous: Option<&Record>,
    digest: Option<&Digest>,
    kept: &[&Digest],
) -> BTreeMap<String, u64> {
    let (mut refs, seq) = carried(previous);
    refs.retain(|name, _| match name.strip_prefix(SCAN_OF) {
        Some(scanned) => kept.iter().any(|kept| kept.as_str() == scanned),
        None => true,
    });
    if let Some(digest) = digest {
        refs.insert(format!("{SCAN_OF}{digest}"), seq);
    }
    refs
}

/// The record that holds the newest scan of `digest`, as the newest record of the environment, `head`,
/// tells.
pub fn scan_of(head: &Record, digest: &Digest) -> Option<u64> {
    head.refs.get(&format!("{SCAN_OF}{digest}")).copied()
}

/// Whether `event` makes the candidate the version on record.
pub(super) fn goes_live(plan: &Plan, event: &Event) -> bool {
    match event {
        Event::Ended {
            step,
            result: StepResult::Done,
        } => forward_step(plan, *step) == Some(&Step::Promote),
        Event::Began { step } => step.phase == Phase::Completion,
        _ => false,
    }
}

/// The step of the way forward that `id` names.
pub(super) fn forward_step(plan: &Plan, id: StepId) -> Option<&Step> {
    (id.phase == Phase::Forward)
        .then(|| plan.steps.get(id.index as usize))
        .flatten()
}

fn promote(refs: &mut BTreeMap<String, u64>, seq: u64) {
    let Some(open) = refs.get(OPEN).copied() else {
        return;
    };
    if refs.get(LIVE) == Some(&open) {
        return;
    }
    match refs.insert(LIVE.to_owned(), open) {
        Some(before) => refs.insert(PREVIOUS.to_owned(), before),
        None => refs.remove(PREVIOUS),
    };
    refs.insert(PROMOTED.to_owned(), seq);
}

fn finish(refs: &mut BTreeMap<String, u64>, outcome: Outcome, seq: u64) {
    refs.insert(FINISHED.to_owned(), seq);
    match outcome {
        Outcome::Halted => {}
        Outcome::Succeeded => {
            promote(refs, seq);
            refs.remove(OPEN);
        }
        Outcome::RolledBack => {
            if refs
                .remove(OPEN)
                .is_some_and(|open| refs.get(LIVE) == Some(&open))
            {
                match refs.remove(PREVIOUS) {
                    Some(before) => {
                        refs.insert(LIVE.to_owned(), before);
                        refs.insert(PROMOTED.to_owned(), seq);
                    }
                    None => {
                        refs.remove(LIVE);
                        refs.remove(PROMOTED);
                    }
                }
            }
        }
    }
}
