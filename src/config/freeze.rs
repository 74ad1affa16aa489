//! Spans of time in which nothing is deployed, as they are configured.

use crate::domain::model::Timestamp;

/// A span of time in which nothing is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
    /// Why.
    pub reason: Option<String>,
}
