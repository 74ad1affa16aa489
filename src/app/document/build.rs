//! Images that were built, and their tags.

use crate::app::identify::Identity;
use crate::app::image_build::{BuildDetails, Built};
use crate::domain::model::Version;
use crate::domain::tagging::Tagging;
use crate::report::document::{BuildDocument, BuildRow, TagsDocument};

/// Shows an image that was built as `version`.
pub fn build<'a>(built: &'a Built, version: &'a Version) -> BuildDocument<'a> {
    BuildDocument {
        image: &built.artifact,
        tags: &built.tags,
        version,
        made: built.made.as_ref().map(made),
    }
}

fn made(made: &BuildDetails) -> BuildRow<'_> {
    BuildRow {
        builder: made.builder.as_deref(),
        took: made.took,
        startup: made.startup,
        note: made.note.as_deref(),
    }
}

/// Shows the tags that an image in `repository` gets.
pub fn tags<'a>(
    identity: &'a Identity,
    tagging: &'a Tagging,
    repository: Option<&'a str>,
) -> TagsDocument<'a> {
    TagsDocument {
        tags: &tagging.tags,
        version: &identity.version,
        sha: identity.commit.as_ref(),
        time: identity.time,
        image: repository,
        withheld: tagging.withheld.as_deref(),
    }
}
