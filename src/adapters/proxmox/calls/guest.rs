//! What virtual machines and containers have in common.

use crate::adapters::proxmox::{ApiRequest, GuestKind, GuestRef};
use std::time::Duration;

/// The configuration, with changes that wait for a restart merged in; while a guest is being cloned only
/// its lock and digest.
pub fn config(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/config", guest.path()))
}

/// Its state, which is current, unlike the one in the list of guests.
pub fn status(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/status/current", guest.path()))
}

/// Starts it: a task. A container that runs is refused at once, a virtual machine by the task.
pub fn start(guest: &GuestRef) -> ApiRequest {
    ApiRequest::post(format!("{}/status/start", guest.path()))
}

/// Turns it off: a task. `overrule` ends a shutdown that is waiting, which otherwise holds the lock.
pub fn stop(guest: &GuestRef, overrule: bool) -> ApiRequest {
    let request = ApiRequest::post(format!("{}/status/stop", guest.path()));
    if overrule {
        request.switch("overrule-shutdown", true)
    } else {
        request
    }
}

/// Asks it to shut down: a task that waits as long as `timeout`, and then turns it off where `force`.
pub fn shutdown(guest: &GuestRef, timeout: Duration, force: bool) -> ApiRequest {
    ApiRequest::post(format!("{}/status/shutdown", guest.path()))
        .with("timeout", timeout.as_secs())
        .switch("forceStop", force)
}

/// Destroys it with its own disks: a task. It has to be stopped. Backup jobs and the like forget it.
pub fn destroy(guest: &GuestRef) -> ApiRequest {
    ApiRequest::delete(guest.path()).switch("purge", true)
}

/// Grows a disk: a task, or nothing before PVE 8. `size` is `20G` (in all) or `+10G` (more).
pub fn resize(guest: &GuestRef, disk: &str, size: &str, digest: Option<&str>) -> ApiRequest {
    ApiRequest::put(format!("{}/resize", guest.path()))
        .with("disk", disk)
        .with("size", size)
        .maybe("digest", digest)
}

/// Its snapshots, with the present as one that is called `current`.
pub fn snapshots(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/snapshot", guest.path()))
}

/// Takes a snapshot of its disks and configuration: a task. `name`: letter, then letters, digits, `-`
/// and `_`, at most 40.
pub fn snapshot(guest: &GuestRef, name: &str, description: &str) -> ApiRequest {
    ApiRequest::post(format!("{}/snapshot", guest.path()))
        .with("snapname", name)
        .with("description", description)
}

/// Takes it back to a snapshot: a task. A guest that runs is turned off; `start` starts it afterwards,
/// by a task of its own. Its description stays what it is.
pub fn rollback(guest: &GuestRef, name: &str, start: bool) -> ApiRequest {
    let request = ApiRequest::post(format!("{}/snapshot/{name}/rollback", guest.path()));
    if start {
        request.switch("start", true)
    } else {
        request
    }
}

/// Removes a snapshot: a task.
pub fn delete_snapshot(guest: &GuestRef, name: &str) -> ApiRequest {
    ApiRequest::delete(format!("{}/snapshot/{name}", guest.path()))
}

/// Whether its storage can take snapshots.
pub fn can_snapshot(guest: &GuestRef) -> ApiRequest {
    ApiRequest::get(format!("{}/feature", guest.path())).with("feature", "snapshot")
}

/// How a copy is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clone {
    /// The id of the copy.
    pub new_id: u32,
    /// Its name: letters, digits, `-` and `.`.
    pub name: String,
    /// Every disk copied, instead of linked to the template's. A linked one shares its storage.
    pub full: bool,
    /// The storage of a full copy.
    pub storage: Option<String>,
    /// Another node for it; its disks must lie on storage that both share.
    pub target: Option<String>,
    /// The pool that it is put into at the end, by which environments are separated.
    pub pool: Option<String>,
    /// Its description, in place of the template's.
    pub description: Option<String>,
}

/// Copies a template, on the template's node: a task that is named after the template. A container
/// that is being copied is locked for as long as that takes.
pub fn clone(source: &GuestRef, copy: &Clone) -> ApiRequest {
    let name = match source.kind {
        GuestKind::Vm => "name",
        GuestKind::Container => "hostname",
    };
    ApiRequest::post(format!("{}/clone", source.path()))
        .with("newid", copy.new_id)
        .with(name, &copy.name)
        .switch("full", copy.full)
        .maybe("storage", copy.storage.as_ref().filter(|_| copy.full))
        .maybe("target", copy.target.as_ref())
        .maybe("pool", copy.pool.as_ref())
        .maybe("description", copy.description.as_ref())
}
