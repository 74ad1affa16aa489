//! An image from files, with no daemon and no Dockerfile: one layer per source, on an empty base or on
//! another image.
//!
//! The same files, settings and request always give the same digest: names are sorted, times are the
//! request's, owners are root, modes are 0755 or 0644, extended attributes are left out.

mod base;
mod config;
mod image;
mod layer;

pub use image::{Base, FilesBuilder, FilesImage, LayerSource};
