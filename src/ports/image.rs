//! What makes images and looks into them.

use crate::domain::model::{Artifact, PortError, Tag, Timestamp};
use std::collections::BTreeMap;

/// What a builder is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// Repository that the image goes to.
    pub repository: String,
    /// Tags that it gets.
    pub tags: Vec<Tag>,
    /// Labels, `org.opencontainers.image.*` among them.
    pub labels: BTreeMap<String, String>,
    /// Creation time written into the image; the commit's or the run's, so that builds repeat.
    pub created: Timestamp,
}

/// Makes images.
pub trait Builder: Send + Sync {
    /// Builds and stores the image.
    fn build(&self, request: &BuildRequest) -> Result<Artifact, PortError>;
}

/// Looks for vulnerabilities in images.
pub trait Scanner: Send + Sync {
    /// Scans `image` and returns the scanner's report as it wrote it, which is bounded in size and not
    /// judged: that it is complete, and about this image, is for the reader to find out.
    fn scan(&self, image: &Artifact) -> Result<Vec<u8>, PortError>;
}
