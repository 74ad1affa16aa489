//! Every port on one screen: small, object-safe, synchronous traits in plain types.
//!
//! A driver observes and acts once; it never waits, retries or decides. What it returns must be
//! true, and every act must be idempotent: the engine repeats an act after a crash. Each trait has a
//! contract suite in [`crate::testing`] that every implementation passes.

mod command;
mod forge;
mod image;
mod packages;
mod record;
mod registry;
mod repository;
mod signature;
mod site;
mod temporary;
mod time;

pub use command::{Captured, Command, Finished, Hear, Runner};
pub use forge::{CodeScanning, EnvironmentRules, Forge, PullRequests, Reviews, RunReview, SarifUpload};
pub use image::{BuildRequest, Builder, Scanner};
pub use packages::{Package, PackageVersion, Packages};
pub use record::{Lease, Ledger};
pub use registry::{Blob, Catalog, Content, Discard, HeldImage, Registry, Reopen, in_memory};
pub use repository::Repository;
pub use signature::{Attestations, Trust, TrustedRoots, Verifier};
pub use site::{Backup, Capabilities, Granularity, Probe, Progress, Removal, Router, Stop, Target};
pub use temporary::{ExpiringResource, Sweeper};
pub use time::{Clock, Interrupted};
