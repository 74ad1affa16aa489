//! What speaks for an image: where in which ledger it is written that it succeeded.

use super::{Digest, EnvironmentName};
use serde::{Deserialize, Serialize};

/// An image succeeded in an environment, and its suites passed there. The hash is that of the record by
/// which the deployment finished: records are chained, so it vouches for everything before it, and anyone
/// who has that ledger can look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: Digest,
    /// Sequence number of the record in that environment's ledger.
    pub seq: u64,
    /// sha256 of the record as it is stored.
    pub hash: Digest,
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} record {} ({})", self.environment, self.seq, self.hash)
    }
}
