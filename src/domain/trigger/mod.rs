//! Event → decision whether, where and what to deploy. Pure.
//!
//! [`TriggerEvent::parse`], [`gitlab::event`] and [`jenkins::event`] read a CI event leniently, [`decide`] holds it against the [`Rule`]s. Text from
//! events (branch names, labels, inputs) is foreign: it is carried as data, byte for byte, and
//! escaped where it is shown.

mod decide;
mod decision;
mod event;
pub mod gitlab;
mod glob;
mod inputs;
pub mod jenkins;
mod rule;

pub use decide::{decide, foreign};
pub use decision::{Decision, ReasonCode, manual};
pub use event::{ContextFacts, PullRequest, TriggerEvent};
pub use glob::{Filter, InvalidPattern};
pub use inputs::Inputs;
pub use rule::{Rule, When};
