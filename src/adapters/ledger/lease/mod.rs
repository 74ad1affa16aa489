//! The lease in a directory: `<root>/.locks/<environment>/<epoch, 20 digits>.json`, one file per
//! acquisition. The newest decides; a file is deleted only when a newer one exists, so the epoch
//! never goes back. `.locks` cannot be the name of an environment.
//!
//! A file system has no compare-and-swap on content. So both sides write first and look after:
//! whoever renews replaces its file, then looks for a newer epoch; whoever takes over creates the
//! newer epoch, then looks again at the file it took over from. At least one of them sees the other
//! and steps back. Epochs in the ledger stop whatever still got through.

mod directory;
pub(super) mod entry;

pub use directory::DirectoryLease;
pub(super) use directory::{LARGEST, as_held, encode};
