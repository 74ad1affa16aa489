//! The story in virtual machines: a Proxmox cluster that greenroom brings along, whose guests really answer.

mod lab;
mod story;

pub use story::tell;
