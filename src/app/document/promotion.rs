//! Images that are promoted.

use super::image::{preview, transfer};
use crate::app::deploy::Prepared;
use crate::app::promote::{PromoteOptions, Settled};
use crate::images::{Copied, CopyPreview};
use crate::report::document::{PromotionDocument, PromotionPreviewDocument};

/// Shows an image that was promoted and not deployed.
pub fn promotion<'a>(
    wish: &'a PromoteOptions,
    settled: &'a Settled,
    copied: &'a Copied,
) -> PromotionDocument<'a> {
    PromotionDocument {
        from: &wish.from,
        to: &wish.to,
        version: &settled.ask.release.version,
        proof: settled.proof.as_ref(),
        transfer: transfer(&settled.image.repository, copied),
    }
}

/// Shows what a promotion would do.
pub fn promotion_preview<'a>(
    wish: &'a PromoteOptions,
    settled: &'a Settled,
    outlook: &'a CopyPreview,
    prepared: Option<&'a Prepared>,
) -> PromotionPreviewDocument<'a> {
    let (plan, notes) = match prepared {
        Some(Prepared::Ready { plan, notes }) => (Some(plan.as_ref()), notes.as_slice()),
        Some(Prepared::AlreadyLive(_)) | None => (None, &[][..]),
    };
    PromotionPreviewDocument {
        from: &wish.from,
        to: &wish.to,
        version: &settled.ask.release.version,
        proof: settled.proof.as_ref(),
        withheld: settled.withheld.as_deref(),
        image: preview(&settled.image.repository, outlook),
        plan,
        notes,
    }
}
