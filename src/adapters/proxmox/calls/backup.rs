//! Backups of whole guests.

use crate::adapters::proxmox::{ApiRequest, GuestKind, GuestRef};
use std::time::Duration;

/// How a backup is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VzdumpOptions {
    /// The storage that it goes to.
    pub storage: String,
    /// What is written beside it, at most 1,024 characters. `{{` begins a variable of Proxmox's own.
    pub notes: String,
    /// Whether it is shielded from being pruned.
    pub protected: bool,
    /// How long it waits for another backup on the node. Proxmox waits three hours by default.
    pub wait: Duration,
}

/// Backs a guest up while it runs: a task. On a node where the guest does not live the answer is `OK`
/// and nothing happens. Older backups are left alone, which is not the default.
pub fn take(guest: &GuestRef, backup: &VzdumpOptions) -> ApiRequest {
    ApiRequest::post(format!("/nodes/{}/vzdump", guest.node))
        .with("vmid", guest.id)
        .with("storage", &backup.storage)
        .with("mode", "snapshot")
        .with("compress", "zstd")
        .switch("remove", false)
        .switch("protected", backup.protected)
        .with("notes-template", &backup.notes)
        // Whole minutes, and no wait for ever, which is what none means.
        .with("lockwait", backup.wait.as_secs().div_ceil(60).max(1))
}

/// Brings a backup back: a task. With `force` it is written over the guest that it was taken from, which has
/// to be stopped and not protected; without it nothing is ever written over. The guest's identity stays what it
/// was.
pub fn restore(
    guest: &GuestRef,
    archive: &str,
    storage: &str,
    pool: Option<&str>,
    force: bool,
) -> ApiRequest {
    let request = ApiRequest::post(format!("/nodes/{}/{}", guest.node, guest.kind.segment()));
    let request = request.with("vmid", guest.id);
    let request = match guest.kind {
        GuestKind::Vm => request.with("archive", archive),
        GuestKind::Container => request.with("ostemplate", archive).switch("restore", true),
    };
    let request = if force {
        request.switch("force", true)
    } else {
        request
    };
    request.with("storage", storage).maybe("pool", pool)
}
