//! What a run tells the forge: whole rollouts of real commands, on a clock that is told the time, with a forge
//! in memory.

mod faults;
mod labels;
mod project;
mod refusals;
mod rollouts;
