//! What is done with images as a whole, over the ports of a registry: listed with everything that hangs
//! together, and taken out again. A bounded number of requests at a time.

mod inventory;
mod sweep;

pub use inventory::{Inventory, MOST_MANIFESTS};
pub use sweep::{Left, Progress, Stopped, Survey, Sweep, Swept};
