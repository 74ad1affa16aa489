//! Builders: how an image comes to be.

pub mod files;
