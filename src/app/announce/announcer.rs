//! Who is told of the rollouts of a run, and what was said about them that could not be told.

use super::mailbox::{Mailbox, Verb};
use crate::app::decide;
use crate::app::forge;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use crate::config::project::GitHubConfig;
use crate::domain::model::EnvironmentName;
use crate::domain::trigger::{PullRequest, TriggerEvent};
use crate::host::environment::Ci;
use crate::ports::{Forge, PullRequests};
use crate::report::forge::RunContext;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest that a run waits in all until the forge has heard how its rollouts ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// What each rollout has of it in any case, when others have used it up.
const LEAST: Duration = Duration::from_secs(5);
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
    around: RunContext,
    pull: Option<PullRequest>,
    patience: Duration,
    /// What rollouts have waited so far.
    waited: Mutex<Duration>,
    said: Mutex<BTreeSet<Said>>,
}

impl Announcer {
    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(Reach::Nobody)
    }

    /// Tells these, with what `workspace` knows of the run, and waits no longer than `patience` for them in all,
    /// but for a few seconds with each further rollout.
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
        let reach = match forge::connect(&workspace.context) {
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
            around: RunContext::default(),
            pull: None,
            patience: PATIENCE,
            waited: Mutex::default(),
            said: Mutex::default(),
        }
    }

    fn knowing(self, workspace: &Workspace) -> Self {
        let environment = &workspace.context.environment;
        // An event that cannot be read was an error before anything was deployed by it.
        let pull = match decide::event(&workspace.context) {
            Ok(TriggerEvent::PullRequest(pull)) => Some(*pull),
            Ok(
                TriggerEvent::Push { .. }
                | TriggerEvent::Dispatch { .. }
                | TriggerEvent::Other { .. }
                | TriggerEvent::Absent,
            )
            | Err(_) => None,
        };
        Self {
            around: RunContext {
                run: environment.get("GITHUB_RUN_ID").and_then(|run| run.parse().ok()),
                run_commit: environment.sha(),
                url: environment.run_url(),
                pull: pull.as_ref().and_then(|pull| pull.number),
                ..RunContext::default()
            },
            pull,
            ..self
        }
    }

    /// What is known of the run beside its rollouts.
    pub(super) fn around(&self) -> &RunContext {
        &self.around
    }

    /// The pull request that the run's event is about.
    pub(super) fn pull(&self) -> Option<&PullRequest> {
        self.pull.as_ref()
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

    /// Waits a bounded time until the mailbox has been told, and warns of what could not be, once for each verb in
    /// the whole run: the next environment is refused for the same reason. The forge's number of the deployment.
    pub(super) fn settle(
        &self,
        mailbox: &Mailbox,
        environment: &EnvironmentName,
        watchers: &Watchers,
    ) -> Option<u64> {
        let waited = || self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.patience.saturating_sub(*waited());
        let begun = Instant::now();
        let (told, whole) = mailbox.settle(left.max(LEAST.min(self.patience)));
        *waited() += begun.elapsed();
        for (verb, error) in &told.failures {
            if self.first(Said::Failed(*verb)) {
                watchers.warn(environment, &format!("not shown on GitHub: {error}"));
            }
        }
        if !whole && self.first(Said::Late) {
            let warning = format!(
                "GitHub did not take everything in time ({}s): what it shows of {environment} may be old, and the \
                 ledger has it all",
                self.patience.as_secs()
            );
            watchers.warn(environment, &warning);
        }
        told.deployment
    }

    fn first(&self, said: Said) -> bool {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(said)
    }
}
