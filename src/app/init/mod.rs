//! A project's first files: what is there is looked at, and nothing is lost.

mod files;
mod surroundings;
mod templates;

pub use files::{Fate, check, save, survey, write};
pub use surroundings::{ProjectSurroundings, surroundings};
pub use templates::{USUAL, overrides};
