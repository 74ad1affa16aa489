//! A project as it lies on disk: its configuration, its directory, its ledger, its images.

mod ledger;
mod project;

pub(super) use crate::adapters::ledger::usual_branch;
pub(super) use ledger::RecordLocation;
use project::STATE;
pub use project::{PIPELINE, Workspace, catalog};
