//! Strict fakes and the contract suites of the ports.

pub mod backup;
pub mod clock;
pub mod forge;
pub mod lease;
pub mod ledger;
pub mod probe;
pub mod proxmox;
pub mod registry;
pub mod reviews;
pub mod router;
pub mod runner;
pub mod scenario;
pub mod story;
pub mod sweeper;
pub mod target;

pub use clock::FakeClock;
pub use forge::MemoryForge;
pub use lease::MemoryLease;
pub use ledger::MemoryLedger;
pub use reviews::MemoryReviews;
