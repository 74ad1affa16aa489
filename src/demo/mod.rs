//! The whole story on this machine: versions of a real service, and what became of them.

mod clients;
mod project;
pub mod proxmox;
mod stage;
mod story;

pub use stage::{Chapter, Teller};
pub use story::tell;
