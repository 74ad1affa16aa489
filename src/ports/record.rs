//! The append-only record and who may write to it.

use crate::domain::model::{Draft, EnvironmentName, Held, Holder, Period, PortError, Stored, Tenure};

/// The append-only record: one hash chain per environment.
pub trait Ledger: Send + Sync {
    /// Environments with at least one record, sorted.
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError>;
    /// The newest record. A fixed number of reads, however long the chain.
    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError>;
    /// The record at `seq`.
    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError>;
    /// Appends after `after` (`None`: as the first record). `Conflict` when another writer got that
    /// place, `Denied` when the draft's epoch is lower than that of the record before.
    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError>;
}

/// One rollout per environment at a time.
pub trait Lease: Send + Sync {
    /// Takes the lease for `ttl`. `Conflict`, naming the holder, while another holds it; an expired
    /// lease, or one whose holder is known to be dead, is taken over with a higher epoch.
    fn acquire(&self, environment: &EnvironmentName, holder: &Holder, ttl: Period)
    -> Result<Held, PortError>;
    /// Extends it by `ttl` from now. `Conflict` when it was lost.
    fn renew(&self, environment: &EnvironmentName, held: &Held, ttl: Period) -> Result<Held, PortError>;
    /// Gives it back; does nothing when it is no longer held.
    fn release(&self, environment: &EnvironmentName, held: &Held) -> Result<(), PortError>;
    /// Who holds it now; `None` when an [acquisition](Lease::acquire) would not be kept waiting.
    fn holder(&self, environment: &EnvironmentName) -> Result<Option<Tenure>, PortError>;
}
