//! Processes on this machine, with no server needed: the embedded target.
//!
//! An image is unpacked once by digest below `STATE/images`; each unit has two slots below
//! `STATE/units/UNIT`, each with a record of what runs there. The record is written before the process
//! starts, and every process carries the record's token in its environment, so that after a crash at
//! any moment the process is found again and nothing is orphaned.
//!
//! The processes are not confined: they run as the user that runs greenroom, and see the machine's
//! files. What they get of the image is its files, environment, entry point and working directory.

mod children;
mod driver;
mod image;
mod inside;
mod launch;
mod log;
mod port;
mod processes;
mod settings;
mod slot;
mod state;
mod sweep;
mod unpack;

pub use driver::LocalTarget;
use driver::{fault, locked};
pub use settings::{LocalSettings, units};
pub use sweep::LocalSweeper;
