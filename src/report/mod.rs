//! Reports as functions of the event list. Pure.
//!
//! A finished rollout replays through the same code that showed it live. Two readers take the
//! events: [`Console`] one by one, as they happen, and [`RunReport::fold`] all of them at once. What
//! they keep has been through the redaction hook; [`markdown`], [`junit`], [`json`], [`annotations`]
//! and [`outputs`] are functions of the [`RunReport`]. [`scan`] and [`sarif`] show a judged scan, and
//! [`document`] holds what commands hand to programs.
//!
//! Names, reasons and logs are foreign text: they come from branches, services and containers. They
//! are made harmless once for what no sink wants (control characters, terminal escapes, characters
//! that reverse the reading direction: [`foreign`]) and escaped again at each sink by its own rules.

mod advice;
mod ahead;
pub mod annotations;
mod change;
mod console;
mod describe;
pub mod document;
pub mod dotenv;
mod elapsed;
mod fold;
pub mod foreign;
pub mod forge;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outputs;
mod plan_text;
mod recorded;
mod run;
pub mod sarif;
pub mod scan;
pub mod workflow_command;

#[cfg(test)]
pub(crate) mod fixtures;

pub use ahead::{describe_ahead, describe_end};
pub use change::{Change, Changes, VariableChange};
pub use console::{Console, Groups, Style};
pub use describe::describe_step;
pub use elapsed::elapsed;
pub use fold::ReportError;
pub use plan_text::describe_plan;
pub use recorded::{Acts, Recorded, Redact};
pub use run::{
    CheckRow, FailureRow, HistoryPointer, Note, OriginRow, RunReport, StepRow, StepState, Totals,
    TrafficPoint,
};
