//! Ledgers and leases: the append-only record of every rollout.

mod directory;
mod failure;
mod git_branch;
mod head_mark;
mod lease;
mod raw;
mod record;

pub use directory::DirectoryLedger;
pub(crate) use directory::write_unsynced;
pub use git_branch::{GitBranch, GitLease, GitLedger, usual_branch};
pub use lease::DirectoryLease;
pub use raw::{RawChain, RawLedger, RawRecord};
pub(crate) use record::{decode as decode_record, encode as encode_record};
