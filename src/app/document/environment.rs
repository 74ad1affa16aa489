//! Environments: side by side, new, and the one that the surroundings name.

use crate::app::environment::{ComparedSide, Comparison, Difference, EnvironmentDraft, PoolMade, Rights};
use crate::config::Detection;
use crate::domain::model::EnvironmentName;
use crate::report::document::{
    ComparedRow, ComparisonDocument, DetectionDocument, DifferenceRow, EnvironmentCreatedDocument,
};

/// Shows two environments side by side.
pub fn comparison(comparison: &Comparison) -> ComparisonDocument<'_> {
    ComparisonDocument {
        environments: comparison.sides.each_ref().map(compared),
        differences: comparison.differences.iter().map(difference).collect(),
        same: comparison.same,
    }
}

fn compared(side: &ComparedSide) -> ComparedRow<'_> {
    ComparedRow::of(&side.environment, side.live.as_ref())
}

fn difference(difference: &Difference) -> DifferenceRow<'_> {
    DifferenceRow {
        setting: &difference.setting,
        values: &difference.values,
    }
}

/// Shows a new environment: `written` with its pool, or only drafted.
pub fn created<'a>(
    name: &'a EnvironmentName,
    draft: &'a EnvironmentDraft,
    pool: Option<&PoolMade>,
    written: bool,
) -> EnvironmentCreatedDocument<'a> {
    EnvironmentCreatedDocument {
        environment: name,
        file: &draft.file,
        written,
        pool_made: matches!(pool, Some(PoolMade::Made(_) | PoolMade::There(_))),
        text: &draft.text,
        commands: draft.rights.as_ref().map(Rights::commands).unwrap_or_default(),
        token_variable: draft.token.as_deref(),
    }
}

/// Shows the environment that the surroundings name.
pub fn detection(detection: &Detection) -> DetectionDocument<'_> {
    DetectionDocument {
        environment: &detection.name,
        reason: detection.reason(),
    }
}
