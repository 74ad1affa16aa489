//! Images from one registry to another.

pub(crate) mod image;
mod registries;
mod spy;
mod whole;
