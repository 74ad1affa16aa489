//! `greenroom action`.

mod command;
mod words;

pub(super) use command::Args;
pub(super) use words::words;
