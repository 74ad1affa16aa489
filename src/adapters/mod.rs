//! Acts: one room per port with a file or folder per technology, and the clients of one vendor, which implement no
//! port. An adapter observes or acts once; it never waits, retries or decides, and names no other adapter.

pub mod backup;
pub mod builder;
pub mod forge;
pub mod ledger;
pub mod probe;
pub mod proxmox;
pub mod registry;
pub mod router;
pub mod scanner;
pub mod signature;
pub mod targets;
