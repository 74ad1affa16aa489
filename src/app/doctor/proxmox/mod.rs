//! A Proxmox cluster: its hosts, the token, and whether everything that the configuration names is there.

mod cluster;
mod holdings;
mod reach;
mod rights;

use cluster::Site;
pub(super) use cluster::examine;
pub use cluster::inside;
