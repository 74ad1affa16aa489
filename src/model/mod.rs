//! Nouns with invariants. A value of one of these types is valid by construction: text becomes a
//! noun through `FromStr` (or serde, which goes through it), and nowhere else.

mod check;
mod commit;
mod deployment;
mod digest;
mod endpoint;
mod environment;
mod image;
mod name;
mod percent;
mod period;
mod proof;
mod record;
mod redactor;
mod release;
mod secret;
mod strategy;
mod text;
mod timestamp;
mod traffic;
mod unit;
mod verdict;
mod version;

pub use check::{Check, CheckKind, CommandProbe, HttpExpectation, HttpProbe, ProbeSpec, Suite};
pub use commit::CommitId;
pub use deployment::{Actor, DeploymentId, Origin};
pub use digest::Digest;
pub use endpoint::Endpoint;
pub use environment::{EnvironmentName, EnvironmentType};
pub use image::{Artifact, Tag};
pub use name::{ImageName, RepositoryName};
pub use percent::Percent;
pub use period::Period;
pub use proof::Proof;
pub use record::{Draft, Record, Stored};
pub use redactor::Redactor;
pub use release::{Release, ReleaseId, SecretSource};
pub use secret::Secret;
pub use strategy::{Batch, Canary, OnInconclusive, Rolling, Strategy, Thresholds};
pub use text::InvalidText;
pub use timestamp::Timestamp;
pub use traffic::{Counters, Route, RouteState};
pub use unit::{Slot, UnitId};
pub use verdict::Verdict;
pub use version::Version;
