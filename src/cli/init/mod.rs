//! `greenroom init`.

mod ask;
mod begin;
pub(super) mod choices;

pub(super) use begin::{Args, overrides, root, run};
