//! What would be done with a rollout that is taken up.

use crate::app::takeup::{Direction, ResumePreview};
use crate::domain::model::EnvironmentName;
use crate::report::document::TakeUpDocument;

/// Shows what would be done in `environment`; `None` says that no rollout is open there.
pub fn takeup<'a>(
    environment: &'a EnvironmentName,
    direction: Direction,
    outlook: Option<&'a ResumePreview>,
) -> TakeUpDocument<'a> {
    let command = direction.as_str();
    match outlook {
        None => TakeUpDocument::nothing(environment, command),
        Some(outlook) => TakeUpDocument {
            environment,
            cause: outlook.cause.as_deref(),
            notes: &outlook.notes,
            ..TakeUpDocument::of(command, &outlook.plan, &outlook.ahead)
        },
    }
}
