//! What was built, as the registry has it.

use crate::domain::model::{Digest, ErrorKind, PortError};
use crate::ports::Registry;

/// The exact bytes of what a builder says that it stored. It is asked for by digest, so that a builder
/// that stored something else, or somewhere else, is found out before anything is tagged.
pub(super) fn stored(
    registry: &dyn Registry,
    repository: &str,
    digest: &Digest,
) -> Result<Vec<u8>, PortError> {
    registry
        .manifest(repository, digest)
        .map_err(|error| match error.kind {
            ErrorKind::Missing => PortError::new(
                ErrorKind::Missing,
                format!("looking for what was built, {repository}@{digest}"),
                "the builder ended well, and its digest is not in the registry",
            )
            .fix("let it push to this very repository"),
            _ => error,
        })
}
