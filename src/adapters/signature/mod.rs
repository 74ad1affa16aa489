//! Signatures: who verifies them, and where they are kept beside the registry.

pub mod github;
pub mod sigstore;
