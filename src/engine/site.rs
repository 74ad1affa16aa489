//! Where a rollout takes place: the ports it works with.

use crate::domain::model::{Artifact, Period, Release};
use crate::domain::rollout::{Hook, Plan};
use crate::ports::{Backup, Clock, Command, Probe, Router, Runner, Target};
use std::sync::Arc;

/// Makes a runnable command of a hook: templates rendered, variables and secrets added.
pub type PrepareHook = Arc<dyn Fn(&Hook, &Plan) -> Result<Command, String> + Send + Sync>;

/// Takes secret values out of a text.
pub type RedactText = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The ports that one environment's rollout works with.
#[derive(Clone)]
pub struct Site {
    /// Where the release runs.
    pub target: Arc<dyn Target>,
    /// Saves what runs there before it is touched, where that is asked for.
    pub backup: Option<Arc<dyn Backup>>,
    /// Who splits its traffic; `None` for a service without an address.
    pub router: Option<Arc<dyn Router>>,
    /// Takes samples.
    pub probe: Arc<dyn Probe>,
    /// Runs hooks.
    pub runner: Arc<dyn Runner>,
    /// How long an instance may take to stop once it was asked to, before it is made to; the plan's time
    /// to drain where the target has none of its own.
    pub stop: Option<Period>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Makes commands of hooks.
    pub prepare: PrepareHook,
    /// Takes secrets out of everything that is recorded.
    pub redact: RedactText,
}

impl Site {
    /// The image of a release in words, for messages.
    pub(super) fn image(release: &Release) -> String {
        release
            .artifact
            .as_ref()
            .map_or_else(|| release.version.to_string(), Artifact::to_string)
    }
}
