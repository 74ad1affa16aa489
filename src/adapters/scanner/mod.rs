//! Vulnerability scanners: a command, or a report that is there. What the report says is judged
//! elsewhere.

mod command;
mod file;
mod limit;

pub use command::{CommandScanner, RenderImage, ScannerSettings};
pub use file::FileScanner;
pub use limit::LARGEST;
