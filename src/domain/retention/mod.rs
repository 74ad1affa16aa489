//! Which images of a repository may go: recursive mark and sweep over manifests and the ledger. Pure.
//!
//! Marked is what a tag of the user's names, what runs or ran just before anywhere, what is new, and
//! everything that hangs together with one of these, in either direction. The rest is swept. When
//! anything could not be read, nothing goes.

mod found;
mod mark;
mod plan;
mod rules;
mod series;

pub use found::{FoundManifest, ManifestContent, named};
pub use plan::{Doomed, PrunePlan, PruneRefusal, RetainedImage, Unread, plan, undated};
pub use rules::{Needed, Rules};

#[cfg(test)]
mod tests;
