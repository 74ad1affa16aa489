//! Configuration: YAML text → resolved pipeline and environments, or diagnostics with spans. Pure.

pub mod acceptance;
pub mod argv;
mod defaults;
pub mod description;
pub mod detect;
pub mod diagnostic;
pub mod environment;
pub mod image;
mod merge;
pub mod place;
pub mod project;
pub mod proxmox;
mod range;
mod raw;
pub mod remote;
pub mod render;
mod resolve;
mod scalar;
pub mod scan;
pub mod schema;
pub mod target;
mod tree;
mod typed;
pub mod unsupported;

pub use acceptance::Acceptance;
pub use detect::{Detection, detect};
pub use diagnostic::{Diagnostic, DiagnosticSeverity};
pub use environment::Environment;
pub use place::{Located, Sources, Span};
pub use project::Project;
pub use render::Report;
pub use resolve::{Files, FoundFile, Loaded, load};
pub use scan::{Scan, ScanLevel, ScanSource};
pub use target::{TargetConfig, Vendor};
pub(crate) use typed::closest;
pub use unsupported::{Part, Unsupported};
