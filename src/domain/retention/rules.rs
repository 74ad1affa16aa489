//! What stays whatever happens: what the project wants, and what ledgers need.

use crate::domain::model::{Digest, EnvironmentName, Period};

/// What stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Of each environment's build tags (`staging-v1.2.3-20261120-235019-abc123d`) the newest images,
    /// at least this many.
    pub keep_last: u32,
    /// Of these, also all that are younger.
    pub keep_for: Period,
    /// Whatever was pushed less than this ago, since a build that is under way names its parts last.
    pub grace: Period,
    /// Environments whose build tags age. Every other tag stays, and so does its image.
    pub environments: Vec<EnvironmentName>,
}

/// An image that the ledger needs, and what for: "live in production".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The image.
    pub digest: Digest,
    /// What for.
    pub why: String,
}
