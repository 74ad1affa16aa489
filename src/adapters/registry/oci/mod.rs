//! Images in registries that speak the OCI distribution protocol (OCI distribution spec 1.1, and what
//! registries make of it).
//!
//! Registries differ where the specification is silent and in places where it is not. What is written
//! here keeps to what all of them do: manifests are bytes, a blob goes out in one request, every answer
//! is checked against a digest, and whatever an answer leaves open is asked for.

mod address;
mod auth;
mod blob;
mod catalog;
mod chunks;
pub mod credentials;
mod failure;
mod guard;
mod manifests;
mod pages;
mod pull;
mod push;
mod referrers;
mod referrers_api;
mod registry;
mod reply;
mod retry;
mod wire;

use registry::LANES;
pub use registry::{OciRegistry, OciSettings};
