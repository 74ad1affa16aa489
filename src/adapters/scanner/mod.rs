//! Vulnerability scanners: a command, or a report that is there. What the report says is judged
//! elsewhere.

mod command;
mod file;

pub use command::{CommandScanner, RenderImage, ScannerSettings};
pub use file::FileScanner;

/// The largest report that is taken, in bytes: some 20,000 findings with all that Trivy writes of each.
pub const LARGEST: usize = 64 << 20;
