//! What is done with images as a whole, over the ports of a registry: copied with everything that hangs
//! off them, tagged, listed, described, and taken out again. Byte for byte, a bounded number of requests at
//! a time.

mod attached;
mod copy;
mod describe;
mod graph;
mod inventory;
mod listing;
mod progress;
mod retag;
mod start;
mod sweep;
mod work;

pub use copy::{Copied, CopyError, CopySource, Destination, Options, Which, copy};
pub use describe::{Attached, Claims, Described, ImagePart, claims, describe};
pub use inventory::{Inventory, MOST_MANIFESTS};
pub use progress::{CopyProgress, Meter};
pub use retag::{CopyPreview, Listed, list, preview, retag};
pub use sweep::{ImageSurvey, Left, Stopped, Sweep, SweepProgress, Swept};
pub use work::CONNECTIONS;
