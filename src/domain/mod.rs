//! Decides: what is deployed, where, whether it may, how it goes and whether it held. Pure: it names no clock,
//! environment, file, process or network, no trait of [`crate::ports`] and nothing that reads or writes a language.

pub mod analysis;
pub mod history;
pub mod model;
pub mod oci;
pub mod policy;
pub mod retention;
pub mod rollout;
pub mod scan;
pub mod tagging;
pub mod trigger;
