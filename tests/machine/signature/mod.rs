//! Signatures: real Sigstore bundles, verified without a network, and bundles made with openssl's keys.

mod github;
mod keys;
mod sigstore;
