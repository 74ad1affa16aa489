//! What is known of the tags of the source of a copy.

use crate::domain::model::{Digest, Tag};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The tags of the source.
pub(super) enum Listing {
    /// Nobody knows yet; these manifests are to be looked for among them.
    Waited(Vec<Digest>),
    /// These, or more than are listed at once.
    Known(Option<Arc<BTreeSet<Tag>>>),
}
