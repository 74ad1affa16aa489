//! What commands hand to programs: one typed document for each, in the form that `docs/json.md` shows.
//!
//! A document names its form in `schema`. Fields may be added to a form; none is removed, renamed or given
//! another meaning without a new number after the slash. Documents are plain values that borrow what they show:
//! whoever writes one redacts it as a whole.

mod acceptance;
mod approval;
mod audit;
mod build;
mod check;
mod environment;
mod failure;
mod guard;
mod history;
mod image;
mod plan;
mod promotion;
mod prune;
mod resume;
mod run;
mod scaffold;
mod scan;
mod signature;
mod status;
mod tags;

pub use acceptance::{
    AcceptanceDocument, AcceptanceRow, AcceptancesDocument, PruneGuestsDocument, RemovalRow,
};
pub use approval::{ApprovalsDocument, ApprovalsShown};
pub use audit::{AuditDocument, AuditRow};
pub use build::{BuildDocument, BuildRow};
pub use check::{
    CheckDocument, DoctorCause, DoctorDocument, DoctorResult, DoctorRow, ValidationDocument, ValidationRow,
};
pub use environment::{
    ComparedRow, ComparisonDocument, DetectionDocument, DifferenceRow, EnvironmentCreatedDocument,
    EnvironmentDeployment, EnvironmentDocument, EnvironmentNetwork, EnvironmentProtection,
    EnvironmentRollback, EnvironmentSignatures, EnvironmentStoppedDocument, EnvironmentsDocument, LiveRow,
    ProtectionDocument, SwitchRow,
};
pub use failure::{FailureDetail, FailureDocument, FailureReason, RefusalRow};
pub use guard::{FreezeRow, FreezesDocument, LocksDocument, LocksShown};
pub use history::{ChangeRow, HistoryDocument};
pub use image::{
    AttachedRow, ImageCopyDocument, ImageDocument, ImageListDocument, ImagePreviewDocument, ImageRow,
    ImageTagDocument, ImageTransfer, ImagesListed, PartRow, TagRow,
};
pub use plan::{PlanRow, PlansDocument};
pub use promotion::{PromotionDocument, PromotionPreviewDocument};
pub use prune::{AbsentRow, DeletedRow, KeptRow, LeftRow, PruneDocument, PruneRow, SweepRow};
pub use resume::{AheadRow, ResumeDocument};
pub use run::{RunsDocument, UnchangedDocument};
pub use scaffold::{FileRow, InitDocument, RenderDocument, TemplateRow, TemplatesDocument};
pub use scan::{FindingRow, ScanDocument, ScannerRow};
pub use signature::SignaturesDocument;
pub use status::{LastRow, LiveStatus, OpenRow, StatusDocument, StatusRow};
pub use tags::TagsDocument;
