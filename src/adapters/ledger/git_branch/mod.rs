//! The ledger on a branch of the project's git repository.
//!
//! The branch has a history of its own (no commit of the project is in it) and holds the files of the
//! directory ledger, one commit per record. The remote's branch is the ledger; what is in this clone is a
//! copy. Leases are refs beside it, `refs/greenroom/lease/<environment>/<branch>`, each a single commit
//! that is replaced. In this clone greenroom writes below `refs/greenroom/` only:
//!
//! - `refs/greenroom/remote/`: what the remote held when it was last fetched,
//! - `refs/greenroom/known/<branch>`: the newest state of the branch that was ever seen here. A branch that
//!   does not follow from it was rewritten.
//!
//! A repository without a remote holds the branch itself, and the leases.

mod branch;
mod lease;
mod records;
mod tree;

use branch::Fresh;
pub use branch::{GitBranch, usual_branch};
pub use lease::GitLease;
pub use records::GitLedger;
