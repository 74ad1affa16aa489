//! Images from one registry to another.

mod image;
mod registries;
mod spy;
mod whole;
