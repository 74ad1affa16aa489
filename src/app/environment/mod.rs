//! Environments: as they are resolved, side by side, and new ones.

mod compare;
mod create;
mod describe;
mod pool;
mod rights;

pub use compare::{ComparedSide, Comparison, Difference, compare};
pub use create::{EnvironmentDraft, EnvironmentOptions, ProxmoxOptions, draft, write};
pub use describe::describe;
pub use pool::{PoolMade, make_pool};
pub use rights::Rights;
