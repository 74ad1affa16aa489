//! One environment's chain as it is stored, damaged or not, for an audit.

use crate::domain::model::{Digest, EnvironmentName, PortError};
use crate::ports::Ledger;

/// One file named like a record: its place, and its bytes or why they cannot be read.
pub type RawRecord = (u64, Result<Vec<u8>, String>);

/// What is stored of one environment.
pub struct RawChain<'a> {
    /// Every file named like a record, by place. Read one at a time, as the iterator moves on.
    pub records: Box<dyn Iterator<Item = RawRecord> + 'a>,
    /// Place and hash of the record that was appended last, by the head mark, where that is whole.
    pub head: Option<(u64, Digest)>,
    /// Names of files that are no part of the ledger.
    pub strangers: Vec<String>,
    /// How the store shows by itself that its past was changed: a branch that does not follow from what
    /// was seen of it before.
    pub rewritten: Option<String>,
}

/// A ledger that shows its very bytes. The port does not: to everybody else a record is what it says.
pub trait RawLedger: Ledger {
    /// The chain of `environment` as it is stored; empty when there is none.
    ///
    /// # Errors
    /// When it cannot be listed or the head mark cannot be read.
    fn raw(&self, environment: &EnvironmentName) -> Result<RawChain<'_>, PortError>;
}
