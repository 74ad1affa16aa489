//! Gates: request + environment + history → allowed, or refused with every reason. Pure.
//!
//! Facts are gathered by the caller; [`judge`] looks at all gates, so that a person learns of every
//! obstacle at once.

mod approval;
mod gate;
mod judge;
mod label;
mod lineage;
mod proof;
mod signature;

pub use approval::{Consent, Membership, Said, Voice, Wanted, approved};
pub use gate::{
    AdmissionRequest, Facts, Foreign, FreezeWindow, Gate, Lock, Promotion, ProtectionRules, Refusal, Ruling,
    Unfinished, Way,
};
pub use judge::judge;
pub use label::outdated;
pub use lineage::Lineage;
pub use proof::{CheckTrial, Ended, PriorDeployment, prove};
pub use signature::{Examined, Search, Signatures, signatures};
