//! Scanning an image, and judging what was found for an environment.

mod gate;
mod record;
mod run;
mod subject;
mod tools;
mod upload;

pub use gate::{ScanGate, describe, level};
pub use run::{ImageScan, ScanOptions, scan};
pub use upload::upload;
