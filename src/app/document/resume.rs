//! What would be done with a rollout that is taken up.

use crate::app::resume::{Direction, ResumePreview};
use crate::domain::model::EnvironmentName;
use crate::report::document::ResumeDocument;

/// Shows what would be done in `environment`; `None` says that no rollout is open there.
pub fn resume<'a>(
    environment: &'a EnvironmentName,
    direction: Direction,
    outlook: Option<&'a ResumePreview>,
) -> ResumeDocument<'a> {
    let command = direction.as_str();
    match outlook {
        None => ResumeDocument::nothing(environment, command),
        Some(outlook) => ResumeDocument {
            environment,
            cause: outlook.cause.as_deref(),
            notes: &outlook.notes,
            ..ResumeDocument::of(command, &outlook.plan, &outlook.ahead)
        },
    }
}
