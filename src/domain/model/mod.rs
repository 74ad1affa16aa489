//! Nouns with invariants. A value of one of these types is valid by construction: text becomes a
//! noun through `FromStr` (or serde, which goes through it), and nowhere else.

mod announcement;
mod approval;
mod check;
mod commit;
mod deployment;
mod digest;
mod endpoint;
mod environment;
mod error;
mod explanation;
mod image;
mod instance;
mod lease;
mod name;
mod percent;
mod period;
mod problem;
mod proof;
mod pull_request;
mod record;
mod redactor;
mod release;
mod sample;
mod secret;
mod severity;
mod signature;
mod strategy;
mod text;
mod timestamp;
mod traffic;
mod unit;
mod verdict;
mod version;

pub use announcement::{
    CheckReport, CommitStatus, Conclusion, DeploymentDraft, DeploymentState, DeploymentUpdate, PullComment,
    Remark, RemarkLevel,
};
pub use approval::{ApprovedBy, Approver, Subject};
pub use check::{Check, CheckKind, CommandProbe, HttpExpectation, HttpProbe, ProbeSpec, Suite};
pub use commit::{Ancestry, CommitId};
pub use deployment::{Actor, DeployOptions, DeploymentId, Origin};
pub use digest::Digest;
pub use endpoint::Endpoint;
pub use environment::{EnvironmentName, EnvironmentType};
pub use error::{ErrorKind, PortError};
pub use explanation::Explanation;
pub use image::{Artifact, Tag};
pub use instance::{Instance, UnitState};
pub use lease::{Held, Holder, Tenure};
pub use name::{ImageName, RepositoryName};
pub use percent::Percent;
pub use period::Period;
pub use problem::{ConfigurationProblem, LabelledPosition, TextPosition};
pub use proof::Proof;
pub use pull_request::PullState;
pub use record::{Draft, Record, Stored};
pub use redactor::Redactor;
pub use release::{Release, ReleaseId, SecretSource};
pub use sample::{Observation, Sample};
pub use secret::Secret;
pub use severity::Severity;
pub use signature::{Accepted, Claim, IdentityPattern, Roots, SignaturePolicy, Signed, Signer};
pub use strategy::{Batch, Canary, OnInconclusive, Rolling, Strategy, Thresholds};
pub use text::{InvalidText, one_line};
pub use timestamp::Timestamp;
pub use traffic::{Counters, Route, RouteState};
pub use unit::{BackupId, Slot, UnitId};
pub use verdict::Verdict;
pub use version::Version;
