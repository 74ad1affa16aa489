//! The story of a run: decide, identify, validate, build, judge, admit, deploy, report.

use super::delivery::{Delivery, image};
use super::sequence::{at_once, in_sequence};
use super::settle::{Course, Identified, decide, identify};
use super::wish::{Run, RunOptions, RunProgress};
use crate::app::announce::{Audience, Labelled};
use crate::app::error::AppError;
use crate::app::image_build::Tags;
use crate::app::validate::validate;
use crate::app::workspace::Workspace;

/// Runs the pipeline.
///
/// # Errors
/// When it ends before the first deployment. What happens after that is in [`Run::results`].
pub fn run(
    workspace: &Workspace,
    wish: &RunOptions,
    audience: &Audience,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Run, AppError> {
    let decided = match decide(workspace, wish, tell)? {
        Course::Nothing(decision) => return Ok(Run::nothing(decision)),
        Course::Deploy(decided) => decided,
    };
    let label = Labelled::of(workspace, &decided.decision, audience);
    let run = identify(workspace, wish, decided, tell).and_then(|identified| {
        let job = Job {
            workspace,
            wish,
            audience,
            label: label.as_ref(),
        };
        job.perform(identified, tell)
    });
    // Whatever came of the run: nothing that is pushed later may ride on the label.
    if let Some(label) = label {
        label.remove(&audience.watchers);
    }
    run
}

/// What every stage of a run is given.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) wish: &'a RunOptions,
    pub(super) audience: &'a Audience,
    /// The label that asked for the deployment, where one did.
    pub(super) label: Option<&'a Labelled>,
}

impl Job<'_> {
    fn perform(self, identified: Identified, tell: &mut dyn FnMut(RunProgress<'_>)) -> Result<Run, AppError> {
        let first = identified.first(self.workspace)?;
        self.still_wanted()
            .map_err(|error| self.refused(first, &identified, error))?;
        self.validate(&identified, tell)?;
        let built = image(self, first, &identified)?;
        if let Some(built) = &built {
            tell(RunProgress::Built(built));
        }
        let tags = built.as_ref().and_then(|built| Tags::of(self.workspace, built));
        let mut delivery = Delivery::new(self, &identified, built.as_ref(), tags.as_ref());
        delivery.judge_all(tell)?;
        let results = if self.wish.parallel {
            at_once(&delivery)
        } else {
            in_sequence(&mut delivery, tell)
        };
        if tags.as_ref().is_some_and(Tags::are_missing) {
            tell(RunProgress::Untagged);
        }
        Ok(Run {
            decision: identified.decision,
            identity: Some(identified.identity),
            built,
            results,
        })
    }

    /// Runs the checks before the build, or says that they are passed over.
    fn validate(
        self,
        identified: &Identified,
        tell: &mut dyn FnMut(RunProgress<'_>),
    ) -> Result<(), AppError> {
        if identified.skip_tests {
            tell(RunProgress::ValidationSkipped(
                self.workspace.project.validate.len(),
            ));
            return Ok(());
        }
        validate(self.workspace, |validated| {
            tell(RunProgress::Validated(validated));
        })
    }

    /// Reads the pull request again, where a label on it asked for the run.
    ///
    /// # Errors
    /// [`AppError::NotAllowed`] when it has moved since.
    pub(super) fn still_wanted(self) -> Result<(), AppError> {
        self.label
            .map_or(Ok(()), |label| label.check(&self.audience.watchers))
    }
}
