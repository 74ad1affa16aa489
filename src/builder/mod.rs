//! Builders: how an image comes to be.

pub mod command;
pub mod dockerfile;
pub mod files;
mod run;

pub use run::variables;

use crate::model::Digest;
use crate::ports::{ErrorKind, PortError, Registry};

/// The exact bytes of what a builder says that it stored. It is asked for by digest, so that a builder
/// that stored something else, or somewhere else, is found out before anything is tagged.
fn stored(registry: &dyn Registry, repository: &str, digest: &Digest) -> Result<Vec<u8>, PortError> {
    registry
        .manifest(repository, digest)
        .map_err(|error| match error.kind {
            ErrorKind::Missing => PortError::new(
                ErrorKind::Missing,
                format!("looking for what was built, {repository}@{digest}"),
                "the builder ended well, and its digest is not in the registry; does it push to this very repository?",
            ),
            _ => error,
        })
}

/// The registry's host of a repository (`127.0.0.1:5000`, `ghcr.io`); `None` for one of the embedded
/// store, whose first part holds neither a dot nor a colon.
fn host(repository: &str) -> Option<&str> {
    let (first, _) = repository.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_told_from_a_repository_of_the_embedded_store() {
        for (repository, expected) in [
            ("acme/app", None),
            ("app", None),
            ("localhost/app", Some("localhost")),
            ("127.0.0.1:5000/acme/app", Some("127.0.0.1:5000")),
            ("ghcr.io/acme/app", Some("ghcr.io")),
        ] {
            assert_eq!(host(repository), expected, "{repository}");
        }
    }
}
