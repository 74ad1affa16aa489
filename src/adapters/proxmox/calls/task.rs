//! Tasks, always on the node that runs them.

use crate::adapters::proxmox::{ApiRequest, GuestRef, Upid};

/// Whether it runs, and how it ended.
pub fn status(task: &Upid) -> ApiRequest {
    ApiRequest::get(format!("{}/status", path(task)))
}

/// Its log from line `start` on, at most `limit` lines.
pub fn log(task: &Upid, start: u64, limit: u64) -> ApiRequest {
    ApiRequest::get(format!("{}/log", path(task)))
        .with("start", start)
        .with("limit", limit)
}

/// Ends it.
pub fn stop(task: &Upid) -> ApiRequest {
    ApiRequest::delete(path(task))
}

/// The tasks of one guest, those under way and those that have ended, newest first. A token sees only
/// its own.
pub fn of_guest(guest: &GuestRef, limit: u64) -> ApiRequest {
    ApiRequest::get(format!("/nodes/{}/tasks", guest.node))
        .with("vmid", guest.id)
        .with("source", "all")
        .with("limit", limit)
}

fn path(task: &Upid) -> String {
    format!("/nodes/{}/tasks/{task}", task.node)
}
