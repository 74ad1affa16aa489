//! Images as greenroom hands them around: always by digest.

use super::Digest;
use super::text::text_noun;
use serde::{Deserialize, Serialize};

text_noun!(
    /// An image tag: 1 to 128 of letters, digits, `_`, `.`, `-`, not starting with `.` or `-`
    /// (OCI distribution spec, "Pulling manifests").
    Tag,
    "an image tag (1 to 128 letters, digits, '_', '.', '-', not starting with '.' or '-')",
    |text| (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
);

impl Tag {
    /// Whether it is the name under which an image is pushed by a tool that cannot push without one:
    /// `greenroom-` and 16 hex digits. It names no version, and goes as soon as the registry can untag.
    pub fn is_temporary(&self) -> bool {
        let nonce = self.0.strip_prefix("greenroom-");
        nonce.is_some_and(|nonce| {
            nonce.len() == 16 && nonce.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    }

    /// The tag nearest to `text`: each run of illegal characters becomes one `-`, a leading `.` or `-`
    /// becomes `_`, and what is beyond 128 characters is cut.
    pub fn nearest(text: &str) -> Self {
        let mut tag = String::with_capacity(text.len().min(128));
        let mut replaced = false;
        for c in text.chars() {
            let legal = c.is_ascii_alphanumeric() || "_.-".contains(c);
            if legal || !replaced {
                tag.push(if legal { c } else { '-' });
            }
            replaced = !legal;
        }
        if tag.is_empty() || tag.starts_with(['.', '-']) {
            tag.replace_range(..tag.len().min(1), "_");
        }
        tag.truncate(128);
        Self(tag)
    }
}

/// A built image: where it is kept, and the digest that names its exact content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The repository without tag or digest: `ghcr.io/acme/app`, or a service name for the embedded
    /// store.
    pub repository: String,
    /// Digest of the manifest or index.
    pub digest: Digest,
}

impl std::fmt::Display for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_tag_of_any_text_is_a_tag_and_its_own_nearest(text in ".{0,200}") {
            let tag = Tag::nearest(&text);
            prop_assert!(tag.as_str().parse::<Tag>().is_ok());
            prop_assert_eq!(Tag::nearest(tag.as_str()), tag);
        }
    }
}
