//! podman: builds as buildah does.

use super::bench::Bench;
use super::buildah;
use crate::domain::model::{Digest, PortError};

pub(super) fn perform(bench: &Bench<'_>) -> Result<Digest, PortError> {
    buildah::perform_by(bench, "podman")
}
