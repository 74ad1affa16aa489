//! From what is written to what is meant.

mod acceptance;
mod command;
mod cross;
mod deployment;
mod environment;
mod image;
mod keys;
mod load;
mod pipeline;
mod proxmox;
mod scan;
mod signature;
mod strategy;
mod suite;
mod target;

pub use load::{Files, FoundFile, Loaded, load};
