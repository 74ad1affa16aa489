//! The whole story on this machine: four versions of a real service, and what became of them.

mod clients;
mod project;
mod story;

pub use story::{Chapter, Teller, tell};
