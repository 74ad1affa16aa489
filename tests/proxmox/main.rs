//! The client of Proxmox's API against the fake cluster, in process and over HTTP, and both against what
//! is known of the real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod address;
mod backup;
mod data;
mod doctor;
mod every;
mod golden;
mod life;
#[path = "../support/openssl.rs"]
mod openssl;
mod reach;
mod schema;
mod stage;
mod temporary;
mod tls;
mod trouble;
mod wire;

mod guests {
    mod contract;
    mod crashes;
    mod faults;
    mod guards;
    mod made;
    mod many;
    mod random;
    pub(crate) mod rollouts;
    #[path = "../../rollout/scenario.rs"]
    #[expect(dead_code, reason = "the tests of the machine use the rest")]
    pub(crate) mod scenario;
    pub(crate) mod stage;
}
