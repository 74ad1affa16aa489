//! Running commands on this machine.

mod local;
mod output;

pub use local::LocalRunner;
