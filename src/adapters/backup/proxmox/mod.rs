//! Backups of Proxmox guests: snapshots beside the guest, or archives on a storage.
//!
//! A task does the work, and what it has done is looked up: Proxmox answers "OK" to a backup that it does
//! not make. Only greenroom's own guests are saved, and only its own backups removed.

mod archive;
mod guest;
mod snapshot;
mod tasks;

pub use archive::{ArchiveBackup, ArchiveSettings};
use guest::guest;
pub use snapshot::SnapshotBackup;
