//! The image of a run: built, or found where it already is.

mod image;
mod making;
mod smoke;
mod tags;

use image::Yard;
pub use image::{BuildDetails, Built, build, find, tag};
pub(in crate::app) use tags::Tags;
