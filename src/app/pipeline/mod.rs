//! The whole run, in the order in which it happens: decide, identify, validate, build, judge, admit, deploy to one
//! environment or several, report. [`run()`] reads like that; each stage hands a value of its own to the next.

mod delivery;
mod plan;
mod request;
mod run;
mod sequence;
mod settle;
mod wish;

pub use plan::{Planned, plan};
pub use run::run;
pub use wish::{Run, RunOptions, RunProgress};
