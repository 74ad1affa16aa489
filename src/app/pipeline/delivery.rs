//! The image of a run on its way into its environments.

use super::request::request;
use super::run::Job;
use super::settle::Identified;
use super::wish::RunProgress;
use crate::app::announce::{self, Intent};
use crate::app::deploy::{DeployRequest, Done, deploy, deploy_with};
use crate::app::error::AppError;
use crate::app::image_build::{Built, Tags, build};
use crate::app::promote::bring;
use crate::app::scan::ScanGate;
use crate::config::Environment;
use crate::domain::model::{Artifact, EnvironmentName};

/// Returns the image that was named, or one that is built now; `None` where the project has none.
///
/// # Errors
/// When the build fails.
pub(super) fn image(
    job: Job<'_>,
    environment: &Environment,
    identified: &Identified,
) -> Result<Option<Built>, AppError> {
    if let Some(artifact) = &identified.named {
        return Ok(Some(existing(artifact)));
    }
    let lines = job.audience.watchers.lines();
    let built = build(job.workspace, environment, &identified.identity, lines)?;
    Ok(built.map(|built| if job.wish.untagged { bare(built) } else { built }))
}

/// Returns an image that was there before.
pub(super) fn existing(artifact: &Artifact) -> Built {
    Built {
        artifact: artifact.clone(),
        tags: Vec::new(),
        withheld: None,
        made: None,
    }
}

/// Returns the image without the tags that were meant for it.
fn bare(built: Built) -> Built {
    Built {
        tags: Vec::new(),
        withheld: None,
        ..built
    }
}

/// What is delivered, and what was judged of it so far.
pub(super) struct Delivery<'a> {
    pub(super) job: Job<'a>,
    pub(super) identified: &'a Identified,
    built: Option<&'a Built>,
    /// The tags of the first environment, which its deployment writes.
    tags: Option<&'a Tags<'a>>,
    gate: ScanGate<'a>,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(
        job: Job<'a>,
        identified: &'a Identified,
        built: Option<&'a Built>,
        tags: Option<&'a Tags<'a>>,
    ) -> Self {
        Self {
            job,
            identified,
            built,
            tags,
            gate: ScanGate::of(job.workspace, built.map(|built| built.artifact.clone())),
        }
    }

    /// Judges the image for every environment that is named, before any of them is touched.
    ///
    /// # Errors
    /// When the image cannot be scanned.
    pub(super) fn judge_all(&mut self, tell: &mut dyn FnMut(RunProgress<'_>)) -> Result<(), AppError> {
        for name in &self.identified.environments {
            self.judge(self.job.workspace.environment(name)?, tell)?;
        }
        Ok(())
    }

    /// Judges the image for `environment`, where that was not done before.
    pub(super) fn judge(
        &mut self,
        environment: &Environment,
        tell: &mut dyn FnMut(RunProgress<'_>),
    ) -> Result<(), AppError> {
        let origin = self.request(environment).origin;
        if let Some(assessment) = self.gate.judge(environment, origin)? {
            tell(RunProgress::Scanned(assessment));
        }
        Ok(())
    }

    /// Admits the image to `environment`, and deploys it there.
    pub(super) fn deploy(&self, environment: &Environment) -> Result<Done, AppError> {
        self.admit(environment)
            .map_err(|error| self.job.refused(environment, self.identified, error))?;
        let (job, request) = (self.job, self.request(environment));
        let request = bring(job.workspace, environment, request)?;
        match self.tags.filter(|_| self.is_first(&environment.name.value)) {
            Some(tags) => deploy_with(
                job.workspace,
                environment,
                &request,
                job.audience,
                Some(&|| tags.write()),
            ),
            None => deploy(job.workspace, environment, &request, job.audience),
        }
    }

    /// Lets the image in by what its scan says, and by whether it is still wanted.
    fn admit(&self, environment: &Environment) -> Result<(), AppError> {
        self.gate.pass(&environment.name.value)?;
        self.job.still_wanted()
    }

    fn request(&self, environment: &Environment) -> DeployRequest {
        let job = self.job;
        request(job.workspace, job.wish, self.identified, environment, self.built)
    }

    fn is_first(&self, name: &EnvironmentName) -> bool {
        self.identified.environments.first() == Some(name)
    }
}

impl Job<'_> {
    /// Tells the forge that `environment` was refused; returns the refusal.
    pub(super) fn refused(
        self,
        environment: &Environment,
        identified: &Identified,
        error: AppError,
    ) -> AppError {
        let intent = Intent {
            environment,
            version: &identified.identity.version,
            commit: identified.identity.commit.as_ref(),
        };
        announce::refusal(self.workspace, &intent, &error, self.audience);
        error
    }
}
