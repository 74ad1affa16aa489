//! What the agent in a virtual machine does for others. It has to be installed there and switched on
//! in the configuration.

use crate::adapters::proxmox::{ApiRequest, GuestRef};

/// Most bytes that a command can be given as its input.
pub const INPUT: usize = 64 * 1024;
/// Most bytes that a file can be written with.
pub const FILE: usize = 60 * 1024;

/// Whether it answers. Changes nothing.
pub fn ping(guest: &GuestRef) -> ApiRequest {
    ApiRequest::post(format!("{}/agent/ping", guest.path()))
}

/// The network cards as the guest sees them.
pub fn interfaces(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/agent/network-get-interfaces", guest.path()))
}

/// Starts a command, word by word, without a shell; the answer holds its `pid`. `input` is at most
/// [`INPUT`] bytes.
pub fn exec(guest: &GuestRef, command: &[String], input: Option<&str>) -> ApiRequest {
    let request = ApiRequest::post(format!("{}/agent/exec", guest.path()));
    let request = command
        .iter()
        .fold(request, |request, word| request.with("command", word));
    request.maybe("input-data", input)
}

/// What became of a command.
pub fn exec_status(guest: &GuestRef, pid: u64) -> ApiRequest {
    ApiRequest::get(format!("{}/agent/exec-status", guest.path())).with("pid", pid)
}

/// Writes a file anew, at most [`FILE`] bytes. It cannot be appended to, nor given a mode.
pub fn write_file(guest: &GuestRef, file: &str, content: &str) -> ApiRequest {
    ApiRequest::post(format!("{}/agent/file-write", guest.path()))
        .with("file", file)
        .with("content", content)
}
