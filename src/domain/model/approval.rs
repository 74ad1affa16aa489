//! Approvals: what a person agreed to, and who did.

use super::{Digest, ReleaseId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is approved: an image, or, where a target has none, one exact release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// The image with this digest, with whatever variables.
    Image(Digest),
    /// The release with this id.
    Release(ReleaseId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(digest) => write!(f, "{digest}"),
            Self::Release(id) => write!(f, "release {id}"),
        }
    }
}

/// By which way an approval is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApprovedBy {
    /// A review of the CI run.
    Review {
        /// Id of the run.
        run: u64,
    },
    /// A record of the environment's ledger.
    Record {
        /// The newest record that holds it.
        seq: u64,
        /// What vouches for the name: see [`Actor`](super::Actor).
        via: String,
    },
}

/// A person who approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// A login or user name: foreign text.
    pub name: String,
    /// By which way it is known.
    pub by: ApprovedBy,
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            ApprovedBy::Review { run } => write!(f, "{} (review of run {run})", self.name),
            ApprovedBy::Record { seq, via } => write!(f, "{} ({via}, record {seq})", self.name),
        }
    }
}
