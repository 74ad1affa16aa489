//! Acceptance deployments: an environment of its own, made from a configured one for a time, on which a
//! suite is run.
//!
//! It carries its end on itself and in the ledger, so that it is found and removed whatever happens to the
//! process that made it.

mod derive;
mod lifecycle;
mod sweep;

pub use lifecycle::{
    AcceptanceDeployment, AcceptanceOptions, Afterwards, Settled, Tested, create, reopen, require_suite, run,
    run_on, settle, test, tidy,
};
pub use sweep::{AcceptanceRemoval, AcceptanceSurvey, Known, exit, remove, survey};
