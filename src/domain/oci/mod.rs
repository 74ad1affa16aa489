//! What images are made of (OCI image spec 1.1, OCI distribution spec 1.1): descriptors, manifests and
//! what hangs off them. Read from raw bytes, never written back: a digest is over bytes.

mod manifest;
pub mod media;
mod relation;

pub use manifest::{Body, Descriptor, LARGEST_MANIFEST, Malformed, Manifest, PlatformOf};
pub use relation::{Attachment, attached_by_tag, attachment_tags, fallback_tag};
