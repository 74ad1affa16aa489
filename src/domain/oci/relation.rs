//! How signatures, attestations and bills of materials hang off an image: inside its index, by a
//! manifest's subject, or by a tag that spells the image's digest.

use crate::domain::model::{Digest, Tag};

/// What a tag that spells a digest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// The index of referrers, where the registry has no referrers API (`sha256-<hex>`; OCI distribution
    /// spec, "Referrers Tag Schema").
    Referrers,
    /// What cosign before version 3 wrote (`.sig`, `.att`, `.sbom`).
    Cosign,
}

/// The suffixes of cosign's tags before version 3.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// The tag under which the referrers of `digest` are kept where there is no referrers API.
pub fn fallback_tag(digest: &Digest) -> Tag {
    // A digest with `-` for `:` is always a legal tag.
    Tag::nearest(&format!("sha256-{}", digest.hex()))
}

/// Every tag by which something may hang off `digest`, the index of referrers first.
pub fn attachment_tags(digest: &Digest) -> Vec<Tag> {
    let base = fallback_tag(digest);
    let cosign = COSIGN
        .iter()
        .map(|suffix| Tag::nearest(&format!("{base}{suffix}")));
    std::iter::once(base.clone()).chain(cosign).collect()
}

/// The digest that a tag hangs something off, and what; `None` for a tag of another kind.
pub fn attached_by_tag(tag: &Tag) -> Option<(Digest, Attachment)> {
    let rest = tag.as_str().strip_prefix("sha256-")?;
    let (hex, suffix) = rest.split_at_checked(64)?;
    let digest = format!("sha256:{hex}").parse().ok()?;
    match suffix {
        "" => Some((digest, Attachment::Referrers)),
        suffix if COSIGN.contains(&suffix) => Some((digest, Attachment::Cosign)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_back_to_its_image() {
        let digest = Digest::of(b"image");
        let tags = attachment_tags(&digest);
        assert_eq!(tags.len(), 4);
        for tag in &tags {
            let (found, kind) = attached_by_tag(tag).unwrap();
            assert_eq!(found, digest);
            assert_eq!(kind == Attachment::Referrers, *tag == fallback_tag(&digest));
        }
        for other in ["latest", "sha256-", "sha256-00", "v1.sig"] {
            assert_eq!(attached_by_tag(&other.parse().unwrap()), None);
        }
        let odd: Tag = format!("{}.exe", fallback_tag(&digest)).parse().unwrap();
        assert_eq!(attached_by_tag(&odd), None);
    }
}
