//! The release of a run in one environment.

use super::error::AppError;
use super::identify::Identity;
use super::image_build::Built;
use crate::config::Environment;
use crate::domain::model::Release;
use std::collections::BTreeMap;

/// Image, variables and the sources of secrets, as `environment` configures them.
pub fn release(environment: &Environment, identity: &Identity, built: Option<&Built>) -> Release {
    Release {
        version: identity.version.clone(),
        artifact: built.map(|built| built.artifact.clone()),
        commit: identity.commit.clone(),
        variables: environment.variables.clone(),
        secrets: environment
            .secrets
            .iter()
            .map(|(name, source)| (name.clone(), source.value.clone()))
            .collect(),
    }
}

/// A release for looking around where none was ever live.
///
/// # Errors
/// Never: its version is one.
pub(super) fn nothing() -> Result<Release, AppError> {
    Ok(Release {
        version: "none".parse()?,
        artifact: None,
        commit: None,
        variables: BTreeMap::new(),
        secrets: BTreeMap::new(),
    })
}
