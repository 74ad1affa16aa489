//! Where releases run, one file or folder per technology.

pub mod command;
pub mod local;
pub mod proxmox;
