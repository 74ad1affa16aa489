//! Errors of the file system as errors of a port.

use crate::domain::model::{ErrorKind, Explanation, PortError};

use std::io;
use std::path::Path;

/// The error of a file operation on `path`.
pub(super) fn failure(doing: &str, path: &Path, error: &io::Error) -> PortError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
        io::ErrorKind::InvalidData | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            ErrorKind::Invalid
        }
        io::ErrorKind::Unsupported => ErrorKind::Unsupported,
        // A full disk, a network file system that is away: both may pass.
        _ => ErrorKind::Transient,
    };
    PortError::new(
        kind,
        doing,
        Explanation::of(error).while_doing(&path.display().to_string()),
    )
}
