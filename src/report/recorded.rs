//! An event as the ledger has it, and what readers of events are given beside them.

use crate::domain::model::Timestamp;
use crate::domain::rollout::{Event, Step, StepId};

/// One event with its place in the ledger and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its sequence number in the environment's ledger.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// The redaction hook: text in, the same text without secret values out.
pub type Redact<'a> = &'a dyn Fn(&str) -> String;

/// Leads from a step's id to the step. An event names a step only by its id, and what the ids of a
/// way back mean is known to the rollout machine; `None` where it does not know.
pub type Acts<'a> = &'a dyn Fn(StepId) -> Option<Step>;
