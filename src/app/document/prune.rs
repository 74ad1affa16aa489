//! Images of repositories that go, and those that stay.

use crate::app::prune::{Done, Pruned};
use crate::domain::retention::{Doomed, Needed, RetainedImage};
use crate::images::{Left, Swept};
use crate::report::document::{AbsentRow, DeletedRow, KeptRow, LeftRow, PruneDocument, PruneRow, SweepRow};

/// Shows what was pruned, or would be.
pub fn prune(done: &Done) -> PruneDocument<'_> {
    PruneDocument {
        exit: done.exit() as u8,
        keep_last: done.rules.keep_last,
        keep_for: done.rules.keep_for,
        grace: done.rules.grace,
        repositories: done.repositories.iter().map(repository).collect(),
    }
}

fn repository(pruned: &Pruned) -> PruneRow<'_> {
    let plan = &pruned.plan;
    PruneRow {
        repository: &pruned.repository,
        keep: plan.keep.iter().map(kept).collect(),
        delete: plan.delete.iter().map(doomed).collect(),
        freed: plan.freed,
        absent: plan.absent.iter().map(absent).collect(),
        applied: pruned.swept.as_ref().map(swept),
    }
}

fn kept(kept: &RetainedImage) -> KeptRow<'_> {
    KeptRow {
        digest: &kept.digest,
        tags: &kept.tags,
        why: &kept.why,
    }
}

fn doomed(doomed: &Doomed) -> DeletedRow<'_> {
    DeletedRow {
        digest: &doomed.digest,
        tags: &doomed.tags,
        at: doomed.at,
    }
}

fn absent(needed: &Needed) -> AbsentRow<'_> {
    AbsentRow {
        digest: &needed.digest,
        why: &needed.why,
    }
}

fn swept(swept: &Swept) -> SweepRow<'_> {
    SweepRow {
        deleted: swept.deleted.iter().map(doomed).collect(),
        skipped: swept.skipped.iter().map(left).collect(),
        failed: swept.failed.iter().map(left).collect(),
        broken: &swept.broken,
        stopped: swept.stopped.as_ref().map(ToString::to_string),
    }
}

fn left(left: &Left) -> LeftRow<'_> {
    LeftRow {
        digest: &left.image.digest,
        tags: &left.image.tags,
        why: &left.why,
    }
}
