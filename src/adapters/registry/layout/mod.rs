//! Images in a directory: one OCI image layout per repository
//! (OCI image spec 1.1, "Image Layout Specification"), readable and writable by skopeo.

mod entries;
mod store;

pub use store::LayoutRegistry;
