//! What is done with images as a whole, over the ports of a registry: copied with everything that hangs
//! off them, tagged, listed, described, and taken out again. Byte for byte, a bounded number of requests at
//! a time.

mod attached;
mod copy;
mod describe;
mod graph;
mod inventory;
mod progress;
mod retag;
mod start;
mod sweep;
mod work;

pub use copy::{Copied, CopyError, Destination, Options, Source, Which, copy};
pub use describe::{Attached, Claims, Described, Part, claims, describe};
pub use inventory::{Inventory, MOST_MANIFESTS};
pub use progress::{Meter, Progress};
pub use retag::{Listed, Outlook, list, preview, retag};
pub use sweep::{Left, Stopped, Survey, Sweep, SweepProgress, Swept};

/// How many requests are under way at the same time where nothing else is said. What fast clients use; a
/// registry that has fewer connections to give makes the others wait.
pub const CONNECTIONS: usize = 16;
