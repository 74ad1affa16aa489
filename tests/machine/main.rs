//! Tests against what really runs: the executable, its processes, servers, repositories, daemons, and
//! stand-ins for the services that no test can start.
//!
//! One executable for all of them: linking thirty took longer than compiling what had changed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, in its helpers too, tells one story, polls, and hands PATH on"
)]

mod act;
mod action;
mod announce;
mod cli;
mod command_target;
mod copy;
mod cutover;
mod demo;
mod forge;
mod git;
mod git_ledger;
mod haproxy;
mod hello;
mod image_build;
mod images;
mod kill;
mod ledger;
mod local_target;
mod probe;
mod promote;
mod proxmox;
mod records;
mod registry;
mod retention;
mod router;
mod scaffold;
mod scan;
mod signals;
mod signature;
mod support;
