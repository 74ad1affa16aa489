//! What a run tells a forge, in the words of [`crate::ports::Forge`]: from the plan while it goes on, from the
//! same [`RunReport`](super::RunReport) as every other report when it has ended.

mod messages;
#[cfg(test)]
mod tests;

pub use messages::{
    RefusedRun, RunContext, check_ended, check_refused, check_underway, comment, draft, ended, on_its_way,
    progress, status_ended, status_underway, underway,
};
