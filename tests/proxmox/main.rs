//! The client of Proxmox's API against the fake cluster, in process and over HTTP, and both against what
//! is known of the real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod address;
mod backup;
mod data;
mod every;
mod golden;
mod life;
mod schema;
mod stage;
mod tls;
mod trouble;
mod wire;

mod guests {
    mod contract;
    mod crashes;
    mod guards;
    mod made;
    pub(crate) mod stage;
}
