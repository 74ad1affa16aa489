//! The heart: plan, strategies, machine, events. Pure.
//!
//! ```text
//! plan(request, observed, capabilities) → Plan
//! Rollout::new(plan) · next() → Run(StepId, Step) | Finished(Outcome) · apply(&Event) · replay(plan, events)
//! ```

mod abilities;
mod acts;
mod ahead;
mod event;
mod machine;
mod observing;
mod plan;
mod plan_error;
mod planning;
mod recovery;
mod step;
mod strategy;
mod traffic;

pub use abilities::Abilities;
pub use acts::acts;
pub use ahead::Ahead;
pub use event::{Event, Outcome, Samples, StepResult, UnitFailure};
pub use machine::{Next, Rejected, Rollout};
pub use observing::{FoundSlot, observe};
pub use plan::{Grounds, Kind, Placement, Plan, Readiness, RollbackPolicy};
pub use plan_error::PlanError;
pub use planning::{Observed, Occupancy, PlanRequest, plan};
pub use step::{Hook, Phase, Side, Step, StepId, Watch};
pub use traffic::Share;
