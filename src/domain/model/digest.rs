//! Content digests.

use super::text::text_noun;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

text_noun!(
    /// A sha256 content digest in OCI notation: `sha256:` and 64 lower-case hex digits.
    Digest,
    "a digest (sha256: and 64 lower-case hex digits)",
    |text| text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    })
);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_sha256(Sha256::digest(bytes).into())
    }

    /// The digest whose 32 raw bytes are `hash`, for callers that hash a stream.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in hash {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The 64 hex digits without the algorithm.
    pub fn hex(&self) -> &str {
        &self.as_str()["sha256:".len()..]
    }

    /// The first 12 hex digits, for screens.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }
}
