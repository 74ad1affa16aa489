//! What an audit of a chain finds.

use crate::domain::model::{Digest, EnvironmentName};
use serde::Serialize;
use std::fmt;

/// What is wrong with one place of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Problem {
    /// No record is there, and later ones are.
    Missing,
    /// The newest records, from this place to the given one, are gone.
    Truncated {
        /// The last that is known to have been written.
        through: u64,
    },
    /// What is there cannot be read.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// Its content is not what was written.
    Altered {
        /// More, where there is more to say.
        detail: Option<String>,
    },
    /// Only its first fields (`v`, `seq`, `prev`) are not what was written.
    HeadingAltered,
    /// Another record stands there: moved, swapped or copied.
    Misplaced {
        /// The sequence number that the record itself gives.
        holds: u64,
    },
    /// It does not follow from the record before it.
    Unlinked,
    /// It was written for another environment.
    Foreign {
        /// The one it names.
        environment: EnvironmentName,
    },
    /// Its epoch is lower than that of the record before: its writer had lost the lease.
    EpochWentBack {
        /// Its epoch.
        epoch: u64,
        /// That of the record before.
        before: u64,
    },
    /// No record has the hash that was written down elsewhere: the chain was cut or rewritten.
    AnchorNotFound {
        /// That hash.
        hash: Digest,
    },
    /// The store itself does not follow from what was seen of it before.
    Rewritten {
        /// What was seen, and what is there.
        detail: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Truncated { through } => write!(f, "and all up to {through} were removed from the end"),
            Self::Unreadable { reason } => write!(f, "cannot be read: {reason}"),
            Self::Altered { detail: None } => f.write_str("was altered: its content is not what was written"),
            Self::Altered { detail: Some(detail) } => write!(f, "was altered: {detail}"),
            Self::HeadingAltered => {
                f.write_str("was altered in its first fields (v, seq, prev); the rest is as written")
            }
            Self::Misplaced { holds } => write!(f, "is not in its place: record {holds} stands there"),
            Self::Unlinked => f.write_str("does not follow from the record before it"),
            Self::Foreign { environment } => write!(f, "belongs to {environment}"),
            Self::EpochWentBack { epoch, before } => write!(
                f,
                "has epoch {epoch} after epoch {before}: its writer had lost the lease"
            ),
            Self::AnchorNotFound { hash } => {
                write!(
                    f,
                    "with the expected hash {hash} does not exist: the ledger was cut or rewritten"
                )
            }
            Self::Rewritten { detail } => f.write_str(detail),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditFinding {
    /// The place in the chain; `None` when it is about no particular one.
    pub seq: Option<u64>,
    /// What is wrong there.
    pub what: Problem,
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.seq, &self.what) {
            (Some(seq), what) => write!(f, "record {seq} {what}"),
            (None, what @ Problem::Rewritten { .. }) => what.fmt(f),
            (None, what) => write!(f, "a record {what}"),
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// How many records there are.
    pub length: u64,
    /// Hash of the last one.
    pub head: Option<Digest>,
    /// Place of the record with the anchor's hash.
    pub anchored: Option<u64>,
    /// Everything that is wrong, by place.
    pub findings: Vec<AuditFinding>,
    /// What is odd and proves nothing.
    pub notes: Vec<String>,
}

impl Audit {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}
