//! History: records → chain verification, status, list of deployments. Pure.

mod acceptance;
mod approval;
mod chain;
mod drift;
mod finding;
mod lock;
mod promotion;
mod protection;
mod read;
mod refs;
mod release;
mod standing;
mod status;
mod timeline;

pub use acceptance::{
    ACCEPTANCE, AcceptanceRecord, AcceptanceTerms, acceptance_in, made_at, refs_after_acceptance,
};
pub use approval::{APPROVAL, Approval, ApprovalChange, ApprovalRecord};
pub use chain::{Expectation, verify};
pub use drift::{Deviation, Drift, Seen, drift};
pub use finding::{Audit, AuditFinding, Problem};
pub use lock::{Guard, GuardChange, GuardKind, Guards, LOCK};
pub use promotion::{PROMOTION, Promoted, PromotionRecord, promotions};
pub use protection::{PROTECTION, ProtectionRecord, Switched};
pub use read::{ROLLOUT, SCAN, Unreadable, event_of, scan_in};
pub use refs::{refs_after, refs_after_scan, scan_of};
pub use release::{NoSuchRelease, Selector, find_release};
pub use standing::{StandingRecord, Told, newest_of, refs_after_kept, told_by, told_in};
pub use status::{Live, OpenRollout, Status, status, wanted};
pub use timeline::{
    DeploymentEntry, DeploymentOutcome, Evidence, Intervention, Scanned, StepRun, Timeline, timeline,
};

#[cfg(test)]
mod tests;
