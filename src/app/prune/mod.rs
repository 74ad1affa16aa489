//! Deleting old images: what no environment needs, no tag of a person's names, and nobody pushed lately.

mod images;
mod needed;

pub use images::{CHAIN, Done, PruneOptions, Pruned, prune};
