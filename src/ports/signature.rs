//! The ports of what vouches for images.

use crate::domain::model::{Digest, PortError, Signed};

/// Certificates, logs and timestamp authorities that are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedRoots {
    /// Sigstore's public instance, as it was when this version was made.
    Public,
    /// GitHub's own instance, likewise.
    GitHub,
    /// The text of a `trusted_root.json`.
    Given(Vec<u8>),
}

/// What a signature has to rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The public key in PEM form; a certificate of the roots where `None`.
    pub key: Option<Vec<u8>>,
    /// What vouches for certificates, logs and times.
    pub roots: TrustedRoots,
    /// Whether the signature must be in a transparency log.
    pub logged: bool,
}

/// Verifies signatures. Whose signature is wanted is for the caller to judge.
pub trait Verifier: Send + Sync {
    /// Verifies that the Sigstore bundle is a signature of, or a statement about, this very digest, made
    /// on this trust. `Denied` when it is not, whatever is wrong with the bundle; `Invalid` when the
    /// trust is of no use.
    fn verify(&self, bundle: &[u8], digest: &Digest, trust: &Trust) -> Result<Signed, PortError>;
}

/// Where a forge keeps what it attested, beside the registry.
pub trait Attestations: Send + Sync {
    /// The Sigstore bundles about `digest`, newest first, of a bounded number and size; none where there
    /// are none.
    fn bundles(&self, digest: &Digest) -> Result<Vec<Vec<u8>>, PortError>;
}
