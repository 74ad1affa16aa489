//! Probes: one sample of a running service.
//!
//! One file per kind of check. What a sample means is judged in [`crate::domain::analysis`]; the time from an
//! instance's start to its readiness is not sampled but known to whoever waited for it.

mod command;
mod http;
mod service;
mod tcp;

pub use command::{Commands, RenderArgument};
pub use service::ServiceProbe;
