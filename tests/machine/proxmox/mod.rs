//! The client of Proxmox's API against the fake cluster, in process and over HTTP, and both against what
//! is known of the real one.

mod address;
mod backup;
mod data;
mod doctor;
mod every;
mod golden;
mod guests;
mod life;
mod reach;
mod schema;
mod stage;
mod temporary;
mod tls;
mod trouble;
mod wire;
