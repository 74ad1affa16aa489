//! `greenroom router`.

use crate::adapters::router::builtin;
use crate::adapters::router::builtin::ServerOptions;
use crate::app::{AppError, Exit};
use crate::domain::model::{ErrorKind, PortError};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Run the built-in router in the foreground
///
/// A deployment starts it by itself where it is needed; it outlives the command and comes back with its
/// routes. This is for running it under a supervisor.
///
/// Example: greenroom router --listen 127.0.0.1:8080 --state .greenroom/router/staging
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The router's own directory: routes, control socket, log
    #[arg(long, value_name = "DIRECTORY")]
    state: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, AppError> {
    let options = ServerOptions {
        listen: args.listen,
        state_directory: args.state.clone(),
    };
    builtin::run(options)
        .map_err(|error| PortError::new(ErrorKind::Invalid, "running the router", &error))?;
    Ok(Exit::Done)
}
