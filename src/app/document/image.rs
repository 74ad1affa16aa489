//! Images in registries.

use crate::images::{Attached, Copied, CopyPreview, Described, ImagePart, Listed};
use crate::report::document::{
    AttachedRow, ImageCopyDocument, ImageDocument, ImageListDocument, ImagePreviewDocument, ImageRow,
    ImageTagDocument, ImageTransfer, ImagesListed, PartRow, TagRow,
};

/// Shows what was copied to `repository`.
pub fn copied<'a>(repository: &'a str, copied: &'a Copied) -> ImageCopyDocument<'a> {
    ImageCopyDocument {
        transfer: transfer(repository, copied),
    }
}

/// Shows what was given tags in `repository`.
pub fn retagged<'a>(repository: &'a str, copied: &'a Copied) -> ImageTagDocument<'a> {
    ImageTagDocument {
        transfer: transfer(repository, copied),
    }
}

pub(super) fn transfer<'a>(repository: &'a str, copied: &'a Copied) -> ImageTransfer<'a> {
    ImageTransfer {
        repository,
        digest: &copied.digest,
        was_there: copied.was_there,
        manifests_stored: copied.manifests,
        blobs_sent: copied.blobs_sent,
        bytes_sent: copied.bytes_sent,
        attached: &copied.attached,
        tags_moved: &copied.moved,
        tags_unmoved: &copied.unmoved,
        notes: &copied.notes,
    }
}

/// Shows what a copy to `repository`, or a tag in it, would do.
pub fn preview<'a>(repository: &'a str, outlook: &'a CopyPreview) -> ImagePreviewDocument<'a> {
    let tags = outlook.tags.iter().map(|(tag, now)| TagRow {
        tag,
        now: now.as_ref(),
    });
    ImagePreviewDocument {
        repository,
        digest: &outlook.digest,
        is_there: outlook.is_there,
        tags: tags.collect(),
    }
}

/// Shows the tags of `repository` with what they lead to.
pub fn images<'a>(repository: &'a str, listed: &'a [Listed]) -> ImageListDocument<'a> {
    let rows = listed.iter().map(|one| ImageRow {
        tag: &one.tag,
        digest: one.digest.as_ref(),
        created: one.created,
    });
    ImageListDocument {
        repository,
        listed: ImagesListed::Images(rows.collect()),
    }
}

/// Shows one image of `repository`.
pub fn image<'a>(repository: &'a str, image: &'a Described) -> ImageDocument<'a> {
    ImageDocument {
        repository,
        digest: &image.digest,
        media_type: &image.media_type,
        version: image.version.as_ref(),
        created: image.created,
        size: image.size,
        parts: image.parts.iter().map(part).collect(),
        attached: image.attached.iter().map(attached).collect(),
    }
}

fn part(part: &ImagePart) -> PartRow<'_> {
    PartRow {
        digest: &part.digest,
        platform: part.platform.as_deref(),
        role: part.role.as_deref(),
        size: part.size,
        layers: part.layers,
    }
}

fn attached(attached: &Attached) -> AttachedRow<'_> {
    AttachedRow {
        digest: &attached.digest,
        about: &attached.about,
        artifact_type: attached.artifact_type.as_deref(),
        tag: attached.tag.as_ref(),
    }
}
