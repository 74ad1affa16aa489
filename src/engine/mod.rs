//! The only loop: performs what the rollout machine asks for, waits, retries, and records.
//!
//! `Began` reaches the ledger before an act and `Ended` after it. Every act is idempotent, so that a
//! rollout whose process died is taken up by performing the step again. Only the engine waits and
//! retries; what it saw goes to [`crate::domain::analysis`] for judgement.

mod backup;
mod hook;
mod journal;
mod judged;
mod keeper;
mod observe;
mod pursue;
mod ready;
mod retire;
mod retry;
mod session;
mod signals;
mod site;
mod stage;
mod tally;
mod traffic;

pub use journal::{Journal, JournalError, Observer};
pub use keeper::LeaseKeeper;
pub use session::{DriveError, Session, Tell};
pub use site::{PrepareHook, RedactText, Site};
