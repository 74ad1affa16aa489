//! The command line: one file per command; arguments in, plain requests out.
//!
//! Text goes to standard output, problems to standard error; with `--format json` standard output is
//! one JSON document and nothing else. Exit codes are those of [`Exit`](crate::app::Exit).

mod abort;
mod acceptance;
mod action;
mod approve;
mod audit;
mod build;
mod check;
mod command;
mod console;
mod demo;
mod deploy;
mod deploy_options;
mod doctor;
mod environment;
mod failure;
mod freeze;
mod guests;
mod history;
mod image;
mod init;
mod lock;
mod options;
mod outcome;
mod plan;
mod progress;
mod promote;
mod prune;
mod publish;
#[cfg(test)]
mod reference;
mod render;
mod resume;
mod rollback;
mod router;
mod run;
mod scan;
mod schema;
mod shell;
mod signature;
mod status;
mod tag;
mod transfer;
mod trigger;
mod unfinished;
mod unlock;
mod validate;
mod verify;

pub use command::main;
