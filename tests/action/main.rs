//! What the action is made of besides the executable: its installer, the scripts of a release, workflows.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first surprise, and looks for programs on the search path"
)]

mod install;
mod scripts;
mod workflows;

use std::path::PathBuf;

/// A file of the repository.
fn repository(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}
