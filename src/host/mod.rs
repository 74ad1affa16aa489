//! The machine greenroom runs on: clock, commands, environment, files, signals, git.

pub mod clock;
pub mod environment;
pub mod files;
pub mod git;
pub mod github;
pub mod http;
pub mod platform;
pub mod process;
pub mod random;
pub mod runner;
pub mod secrets;
pub mod signals;
pub mod tcp;
pub mod terminal;
pub mod url;
pub mod volatile;
pub mod workflow;
