//! From the event to what is to be deployed: decide, then identify.

use super::wish::{RunOptions, RunProgress};
use crate::app::decide::decision;
use crate::app::error::AppError;
use crate::app::identify::Identity;
use crate::app::image_build::find;
use crate::app::workspace::Workspace;
use crate::config::{Environment, Part};
use crate::domain::model::{Artifact, EnvironmentName};
use crate::domain::trigger::Decision;

/// Where a decision leads.
pub(super) enum Course {
    /// Nothing is to be deployed.
    Nothing(Decision),
    /// Something is, to these environments.
    Deploy(Decided),
}

/// A decision to deploy.
pub(super) struct Decided {
    /// Whether, where and why.
    pub(super) decision: Decision,
    /// Where to, at least one, in order.
    pub(super) environments: Vec<EnvironmentName>,
}

/// What is to be deployed: everything that is known before the build.
pub(super) struct Identified {
    /// Whether, where and why.
    pub(super) decision: Decision,
    /// Commit, version and time.
    pub(super) identity: Identity,
    /// Where to, at least one, in order.
    pub(super) environments: Vec<EnvironmentName>,
    /// The image, where one that exists was named.
    pub(super) named: Option<Artifact>,
    /// Whether the checks before the build are passed over.
    pub(super) skip_tests: bool,
}

impl Identified {
    /// Returns the first environment, whose tags the image gets.
    ///
    /// # Errors
    /// When none is named, or it is not configured.
    pub(super) fn first<'a>(&self, workspace: &'a Workspace) -> Result<&'a Environment, AppError> {
        first(workspace, &self.environments)
    }
}

/// Decides whether and where to deploy.
///
/// # Errors
/// [`AppError::NotAllowed`] when the event may not deploy; when it cannot be read.
pub(super) fn decide(
    workspace: &Workspace,
    wish: &RunOptions,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Course, AppError> {
    let decision = decision(workspace, wish.environments.first(), wish.git_ref.as_deref())?;
    tell(RunProgress::Decided(&decision));
    if decision.reason_code.is_refusal() {
        return Err(AppError::not_allowed(decision.reason));
    }
    let Some(environment) = decision.environment.clone().filter(|_| decision.should_deploy) else {
        return Ok(Course::Nothing(decision));
    };
    let environments = if wish.environments.is_empty() {
        vec![environment]
    } else {
        wish.environments.clone()
    };
    Ok(Course::Deploy(Decided {
        decision,
        environments,
    }))
}

/// Settles commit, version and time, and the image where one was named.
///
/// # Errors
/// When there is no version, no such image, or the first environment cannot be deployed to.
pub(super) fn identify(
    workspace: &Workspace,
    wish: &RunOptions,
    decided: Decided,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Identified, AppError> {
    let Decided {
        decision,
        environments,
    } = decided;
    let time = workspace.context.clock.now();
    let first = first(workspace, &environments)?;
    workspace.require(&[Part::Target, Part::Ledger], Some(first))?;
    let named = named(workspace, wish)?;
    let identity = Identity::settle(workspace, &decision, wish.version.as_ref(), named.as_ref(), time)?;
    tell(RunProgress::Identified(&identity));
    Ok(Identified {
        skip_tests: wish.options.skip_tests || decision.skip_tests,
        decision,
        identity,
        environments,
        named,
    })
}

fn first<'a>(
    workspace: &'a Workspace,
    environments: &[EnvironmentName],
) -> Result<&'a Environment, AppError> {
    match environments.first() {
        Some(first) => workspace.environment(first),
        None => Err(AppError::usage("no environment was named")),
    }
}

/// The image that exists, where one was named.
fn named(workspace: &Workspace, wish: &RunOptions) -> Result<Option<Artifact>, AppError> {
    match (&wish.image, &workspace.project.image) {
        (Some(reference), Some(image)) => find(workspace, &image.repository, reference).map(Some),
        (Some(_), None) => Err(AppError::no_image()),
        (None, _) => Ok(None),
    }
}
