//! Version + time + commit → image tags. Pure.
//!
//! The time is read once per run by the caller and handed in, so that every job of a run computes
//! the same tags.

mod latest;
mod order;
mod pep440;
mod source;
mod tags;

pub use latest::{Latest, Pointed, latest};
pub use order::compare;
pub use source::{TagPattern, VERSION_FILES, VersionError, version_from, version_from_workspace};
pub use tags::{Stamp, Tagging, built_at, production_tags, staging_tags};
