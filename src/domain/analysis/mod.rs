//! Judgement: observations and samples → verdicts. Pure.
//!
//! | module | question |
//! |---|---|
//! | [`expect`] | does one sample meet its check? |
//! | [`readiness`] | has an instance become ready, and until when may it? |
//! | [`health_watch`] | does a service stay healthy for a while? |
//! | [`suite`] | what do the checks of a suite come to, the startup time among them? |
//! | [`traffic`] | does the traffic that reaches a version stay within bounds? |

mod certainty;
pub mod expect;
mod finding;
pub mod health_watch;
mod percentile;
pub mod readiness;
pub mod suite;
pub mod traffic;

pub use finding::{CheckFinding, Judgement, Summary};
