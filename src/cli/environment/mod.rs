//! `greenroom environment`.

mod command;
mod compare;
mod create;
mod lines;
mod protect;

pub(super) use command::{Args, run};
