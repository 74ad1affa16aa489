//! Where the files of the repository are.

use std::path::PathBuf;

/// A file of the repository.
pub(crate) fn repository(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}
