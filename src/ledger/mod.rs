//! Ledgers and leases: the append-only record of every rollout.

mod directory;
mod failure;
mod lease;
mod record;

pub(crate) use directory::write_unsynced;
pub use directory::{DirectoryLedger, RawChain, RawRecord};
pub use lease::DirectoryLease;
pub(crate) use record::{decode as decode_record, encode as encode_record};
