//! Image stores.

pub mod ghcr;
pub mod layout;
pub mod oci;
mod registries;
mod verified;

pub use registries::Registries;
