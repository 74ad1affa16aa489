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

pub use acceptance::{ACCEPTANCE, Acceptance, Made, acceptance_in, made_at, refs_after_acceptance};
pub use approval::{APPROVAL, Approval, ApprovalChange, Approvals};
pub use chain::{Expectation, verify};
pub use drift::{Deviation, Drift, Seen, drift};
pub use finding::{Audit, Finding, Problem};
pub use lock::{Guard, GuardChange, GuardKind, Guards, LOCK};
pub use promotion::{PROMOTION, Promoted, Promotion, promotions};
pub use protection::{PROTECTION, Protection, Switched};
pub use read::{ROLLOUT, SCAN, Unreadable, event_of, scan_in};
pub use refs::{refs_after, refs_after_scan, scan_of};
pub use release::{NoSuchRelease, Selector, find_release};
pub use standing::{Kept, Told, newest_of, refs_after_kept, told_by, told_in};
pub use status::{Live, OpenRollout, Status, status, wanted};
pub use timeline::{Deployment, Evidence, Intervention, Scanned, Standing, StepRun, Timeline, timeline};

#[cfg(test)]
mod tests;
