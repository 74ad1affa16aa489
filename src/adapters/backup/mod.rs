//! Backups of what runs, one technology per folder.

pub mod proxmox;
