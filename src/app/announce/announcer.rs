//! Who is told of the rollouts of a run, and what was said about them that could not be told.

use super::mailbox::{Told, Verb};
use crate::app::decide;
use crate::app::forge;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use crate::config::project::GitHubConfig;
use crate::host::environment::Ci;
use crate::model::EnvironmentName;
use crate::ports::{Forge, PullRequests};
use crate::report::forge::Surroundings;
use crate::trigger::{Event, PullRequest};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest that the end of a rollout waits until the forge has heard of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How the token gets into a step, which GitHub does not put there by itself.
const NO_TOKEN: &str = "nothing of this run is shown on GitHub, because the step has no token: give it `env: { GITHUB_TOKEN: ${{ github.token }} }`, or switch it off with `github:` in greenroom.yaml";

/// The ports of one forge.
#[derive(Clone)]
pub struct Forges {
    /// What is told.
    pub forge: Arc<dyn Forge>,
    /// What is asked of pull requests.
    pub pulls: Arc<dyn PullRequests>,
}

enum Reach {
    /// There is no forge here.
    Nobody,
    /// There is one, and nothing to speak to it with.
    NoToken,
    /// What is set makes no sense.
    Broken(String),
    /// It can be told.
    Forges(Forges),
}

/// What has been said once in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Unreachable,
    Late,
    Failed(Verb),
}

/// Whom a run tells of its rollouts.
pub struct Announcer {
    reach: Reach,
    around: Surroundings,
    pull: Option<PullRequest>,
    patience: Duration,
    said: Mutex<BTreeSet<Said>>,
}

impl Announcer {
    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(Reach::Nobody)
    }

    /// Tells these, with what `workspace` knows of the run, and waits no longer than `patience` for them.
    pub fn to(forges: Forges, workspace: &Workspace, patience: Duration) -> Self {
        Self {
            patience,
            ..Self::new(Reach::Forges(forges)).knowing(workspace)
        }
    }

    /// Tells GitHub, from within a run of GitHub Actions that has a token.
    pub(in crate::app) fn of(workspace: &Workspace) -> Self {
        let environment = &workspace.context.environment;
        let repository = environment.get("GITHUB_REPOSITORY").unwrap_or_default();
        if environment.ci() != Some(Ci::GitHub) || repository.is_empty() {
            return Self::silent();
        }
        let reach = match forge::connect(workspace) {
            Ok(Some(github)) => Reach::Forges(Forges {
                forge: Arc::clone(&github) as Arc<dyn Forge>,
                pulls: github,
            }),
            Ok(None) => Reach::NoToken,
            Err(error) => Reach::Broken(error.to_string()),
        };
        Self::new(reach).knowing(workspace)
    }

    fn new(reach: Reach) -> Self {
        Self {
            reach,
            around: Surroundings::default(),
            pull: None,
            patience: PATIENCE,
            said: Mutex::default(),
        }
    }

    fn knowing(self, workspace: &Workspace) -> Self {
        let environment = &workspace.context.environment;
        // An event that cannot be read was an error before anything was deployed by it.
        let pull = match decide::event(&workspace.context) {
            Ok(Event::PullRequest(pull)) => Some(*pull),
            Ok(Event::Push { .. } | Event::Dispatch { .. } | Event::Other { .. } | Event::Absent)
            | Err(_) => None,
        };
        Self {
            around: Surroundings {
                run: environment.get("GITHUB_RUN_ID").and_then(|run| run.parse().ok()),
                run_commit: environment.sha(),
                url: environment.run_url(),
                pull: pull.as_ref().and_then(|pull| pull.number),
                ..Surroundings::default()
            },
            pull,
            ..self
        }
    }

    /// What is known of the run beside its rollouts.
    pub(super) fn around(&self) -> &Surroundings {
        &self.around
    }

    /// The pull request that the run's event is about.
    pub(super) fn pull(&self) -> Option<&PullRequest> {
        self.pull.as_ref()
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Whom to tell. Where that should be somebody and is nobody, it is said once why.
    pub(super) fn forges(&self, environment: &EnvironmentName, watchers: &Watchers) -> Option<&Forges> {
        match &self.reach {
            Reach::Forges(forges) => return Some(forges),
            Reach::Nobody => {}
            Reach::NoToken if self.first(Said::Unreachable) => watchers.note(environment, NO_TOKEN),
            Reach::Broken(why) if self.first(Said::Unreachable) => {
                watchers.warn(
                    environment,
                    &format!("nothing of this run is shown on GitHub: {why}"),
                );
            }
            Reach::NoToken | Reach::Broken(_) => {}
        }
        None
    }

    /// The same, where something of `wanted` is to be shown.
    pub(super) fn wanted(
        &self,
        wanted: GitHubConfig,
        environment: &EnvironmentName,
        watchers: &Watchers,
    ) -> Option<&Forges> {
        wanted
            .is_any()
            .then(|| self.forges(environment, watchers))
            .flatten()
    }

    /// Warns of what could not be told, once for each verb in the whole run: the next environment is refused
    /// for the same reason.
    pub(super) fn warn(
        &self,
        (told, whole): &(Told, bool),
        environment: &EnvironmentName,
        watchers: &Watchers,
    ) {
        for (verb, error) in &told.failures {
            if self.first(Said::Failed(*verb)) {
                watchers.warn(environment, &format!("not shown on GitHub: {error}"));
            }
        }
        if !whole && self.first(Said::Late) {
            let seconds = self.patience.as_secs();
            watchers.warn(
                environment,
                &format!(
                    "GitHub did not take everything within {seconds}s: what it shows of {environment} may be old, \
                     and the ledger has it all"
                ),
            );
        }
    }

    fn first(&self, said: Said) -> bool {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(said)
    }
}
