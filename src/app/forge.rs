//! The forge that the project's repository lives at: the only place that chooses it.

use super::connections::Place;
use super::context::Context;
use super::error::AppError;
use crate::adapters::forge::github::GitHub;
use crate::domain::model::Explanation;
use std::sync::Arc;

/// The forge; `None` where `GITHUB_REPOSITORY` or a token is missing.
///
/// # Errors
/// When what is set makes no sense: a repository without an owner, a token that would go out unencrypted, a
/// file of certificates that holds none.
pub(super) fn connect(context: &Context) -> Result<Option<Arc<GitHub>>, AppError> {
    let place = Place::of(&context.environment);
    let (Some(repository), Some(token)) = (place.repository, place.token) else {
        return Ok(None);
    };
    let connection = context.connections().with(context.run(), token)?;
    Ok(Some(Arc::new(GitHub::new(connection, repository)?)))
}

/// The same where there has to be one.
///
/// # Errors
/// As [`connect`], and with the variable that is missing: `what` cannot be done without.
pub(super) fn required(context: &Context, what: &str) -> Result<Arc<GitHub>, AppError> {
    if let Some(forge) = connect(context)? {
        return Ok(forge);
    }
    let missing = match Place::of(&context.environment).repository {
        None => "set GITHUB_REPOSITORY to owner/name",
        Some(_) => "set GITHUB_TOKEN (in a workflow: `env: { GITHUB_TOKEN: ${{ github.token }} }`)",
    };
    Err(AppError::usage(Explanation::new(what).fix(missing)))
}
