//! The port of what knows, beside the registry itself, which images are kept there.

use crate::domain::model::{Digest, PortError, Timestamp};

/// A package of images: `shop/app` of `acme` is the repository `ghcr.io/acme/shop/app`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The person or organization that it belongs to.
    pub owner: String,
    /// Its name, which may have slashes in it.
    pub name: String,
}

/// A version of a package: one manifest with all its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageVersion {
    /// The number that it is deleted by.
    pub number: u64,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Its tags as the forge writes them.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub created: Timestamp,
    /// When its tags changed last.
    pub updated: Option<Timestamp>,
}

/// Packages of images, which a forge lists and deletes in the place of its registry.
pub trait Packages: Send + Sync {
    /// Every version that was not deleted, in no order. A part of them is an error, never a shorter list.
    fn versions(&self, package: &Package) -> Result<Vec<PackageVersion>, PortError>;
    /// Deletes the version of that number; does nothing where it is gone. `Denied` where it may not be deleted,
    /// `Invalid` where the forge keeps it for good.
    fn delete_version(&self, package: &Package, number: u64) -> Result<(), PortError>;
}
