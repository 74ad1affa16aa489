//! What is wanted of a run, what it tells while it goes on, and what it came to.

use crate::app::deploy::Done;
use crate::app::error::AppError;
use crate::app::identify::Identity;
use crate::app::image_build::Built;
use crate::app::validate::Validated;
use crate::domain::model::{DeployOptions, EnvironmentName, Version};
use crate::domain::scan::Assessment;
use crate::domain::trigger::Decision;

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Environments by name; by the event where none is named.
    pub environments: Vec<EnvironmentName>,
    /// Deploy to all of them at the same time; otherwise one after the other, up to the first failure.
    pub parallel: bool,
    /// Branch, tag or commit; what is checked out, or what the event names, where `None`.
    pub git_ref: Option<String>,
    /// The version; found in the project where `None`.
    pub version: Option<Version>,
    /// An image that exists, by tag or digest, instead of a build.
    pub image: Option<String>,
    /// What is not left to the configuration.
    pub options: DeployOptions,
    /// Give the image no tag.
    pub untagged: bool,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum RunProgress<'a> {
    /// Whether, where and what.
    Decided(&'a Decision),
    /// Commit, version and time.
    Identified(&'a Identity),
    /// A check before the build passed.
    Validated(&'a Validated),
    /// The checks before the build are passed over, and how many there are.
    ValidationSkipped(usize),
    /// The image is there, still without a tag.
    Built(&'a Built),
    /// It got no tag: it was not let in where these tags belong.
    Untagged,
    /// The image was scanned, and judged for an environment.
    Scanned(&'a Assessment),
    /// The next environment follows because the one before says so.
    Promoted(&'a EnvironmentName),
}

/// What a run came to.
pub struct Run {
    /// Whether, where and what.
    pub decision: Decision,
    /// Commit, version and time; `None` where nothing was to be deployed.
    pub identity: Option<Identity>,
    /// The image.
    pub built: Option<Built>,
    /// Each environment in the order it was begun.
    pub results: Vec<(EnvironmentName, Result<Done, AppError>)>,
}

impl Run {
    /// Returns a run that had nothing to deploy.
    pub(super) fn nothing(decision: Decision) -> Self {
        Self {
            decision,
            identity: None,
            built: None,
            results: Vec::new(),
        }
    }
}
