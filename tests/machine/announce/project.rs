//! A project whose service is a file, in a job of GitHub Actions.

use crate::support::git::git;
use greenroom::app::announce::{Announcer, Audience, Forges};
use greenroom::app::deploy::{Deployed, Done};
use greenroom::app::pipeline::{self, Run, RunOptions};
use greenroom::app::resume::{self, Direction};
use greenroom::app::{AppError, Context, Watchers, Workspace};
use greenroom::domain::model::PullState;
use greenroom::host::environment::ProcessEnvironment;
use greenroom::ports::{Forge, PullRequests};
use greenroom::testing::{FakeClock, MemoryForge};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The commit of the push, and of the branch of the pull request.
pub(crate) const COMMIT: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// Fails for version 2 while the file `broken` is there.
const DEPLOY: &str = "\
if [ -e broken ] && [ \"$GREENROOM_VERSION\" = 2.0.0 ]; then echo no such column >&2; exit 1; fi
echo \"$GREENROOM_VERSION\" > \"live-$1\"
";
/// How long a dead forge is waited for where it answers at once all the same.
const ENOUGH: Duration = Duration::from_secs(60);

/// What was said beside the rollouts.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) warnings: Mutex<Vec<String>>,
}

pub(crate) struct Project {
    directory: tempfile::TempDir,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) forge: Arc<MemoryForge>,
    pub(crate) said: Arc<Said>,
    event: (&'static str, Value),
    patience: Duration,
}

impl Project {
    /// One environment, `staging`, with `settings` in greenroom.yaml and `deployment` in its deployment.
    pub(crate) fn new(settings: &str, deployment: &str) -> Self {
        let project = Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(FakeClock::default()),
            forge: Arc::new(MemoryForge::default()),
            said: Arc::new(Said::default()),
            event: ("push", push()),
            patience: ENOUGH,
        };
        let command = |name: &str| {
            format!(
                "command: {{ deploy: [sh, deploy.sh, {name}], status: [sh, status.sh, {name}], remove: [rm, -f, live-{name}] }}"
            )
        };
        let pipeline = format!(
            "service: hello\nversion: {{ value: 1.0.0 }}\nledger: {{ directory: .greenroom/ledger }}\ntriggers:\n  \
             - push: {{ branches: [develop] }}\n    environment: staging\n  \
             - label: {{ name: deploy-to-staging, base: [main] }}\n    environment: staging\n{settings}\n\
             environments:\n  - name: staging\n    type: staging\n    {}\n    protection: {{ requireTests: false }}\n    \
             deployment: {deployment}\n  - name: other\n    type: production\n    {}\n    \
             protection: {{ requireTests: false }}\n",
            command("staging"),
            command("other")
        );
        project.write("greenroom.yaml", &pipeline);
        project.write("deploy.sh", DEPLOY);
        project.write("status.sh", "exec cat \"live-$1\"\n");
        project
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// The job was started by a label on pull request 7, which stands as the event says.
    pub(crate) fn labelled(mut self) -> Self {
        let event = include_str!("../../fixtures/events/labeled.json");
        self.event = ("pull_request", serde_json::from_str(event).unwrap());
        self.forge.set_pull(7, pull());
        self
    }

    /// In a repository with one commit: what environments that are named by hand get.
    pub(crate) fn committed(self) -> Self {
        for words in ["init --quiet", "add --all", "commit --quiet --message first"] {
            let git = git(self.directory.path()).args(words.split(' ')).status();
            assert!(git.unwrap().success(), "git {words}");
        }
        self
    }

    /// Nobody waits for the forge at the end.
    pub(crate) fn impatient(mut self) -> Self {
        self.patience = Duration::ZERO;
        self
    }

    pub(crate) fn context(&self, more: &[(&str, &str)]) -> Context {
        let (name, payload) = &self.event;
        self.write("event.json", &payload.to_string());
        let event = self.path("event.json").to_string_lossy().into_owned();
        let root = self.directory.path().to_string_lossy().into_owned();
        let variables = [
            ("PATH", "/usr/bin:/bin"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/widgets"),
            ("GITHUB_REPOSITORY_ID", "1001"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_SHA", "cccccccccccccccccccccccccccccccccccccccc"),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_EVENT_PATH", &event),
            ("GITHUB_WORKSPACE", &root),
        ];
        // Files are named in full: the process itself is in another directory.
        let environment =
            ProcessEnvironment::of(variables.into_iter().chain(more.iter().copied()), "/nowhere");
        Context::new(
            environment,
            Arc::clone(&self.clock) as _,
            PathBuf::from("greenroom"),
        )
    }

    /// The project as a job has it.
    pub(crate) fn workspace(&self) -> Workspace {
        self.bare(&[])
    }

    /// Who hears of its runs where the job has a token.
    pub(crate) fn audience(&self) -> Audience {
        let forges = Forges {
            forge: Arc::clone(&self.forge) as Arc<dyn Forge>,
            pulls: Arc::clone(&self.forge) as Arc<dyn PullRequests>,
        };
        let announcer = Announcer::to(forges, &self.workspace(), self.patience);
        Audience::with(self.watchers(), announcer)
    }

    /// The project with more variables.
    pub(crate) fn bare(&self, more: &[(&str, &str)]) -> Workspace {
        match Workspace::load(&self.context(more), Some(&self.path("greenroom.yaml"))) {
            Ok(workspace) => workspace,
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(crate) fn watchers(&self) -> Watchers {
        let (notes, warnings) = (Arc::clone(&self.said), Arc::clone(&self.said));
        Watchers::none()
            .noting(move |_, note| notes.notes.lock().unwrap().push(note.to_owned()))
            .warning(move |_, warning| warnings.warnings.lock().unwrap().push(warning.to_owned()))
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.said.warnings.lock().unwrap().clone()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.said.notes.lock().unwrap().clone()
    }

    /// Runs the pipeline for the event at hand with this version.
    pub(crate) fn run(&self, version: &str) -> Result<Run, AppError> {
        self.run_in(version, &[])
    }

    pub(crate) fn run_in(&self, version: &str, environments: &[&str]) -> Result<Run, AppError> {
        self.run_before(&self.audience(), &self.workspace(), version, environments)
    }

    pub(crate) fn run_before(
        &self,
        audience: &Audience,
        workspace: &Workspace,
        version: &str,
        environments: &[&str],
    ) -> Result<Run, AppError> {
        let wish = RunOptions {
            version: Some(version.parse().unwrap()),
            environments: environments.iter().map(|name| name.parse().unwrap()).collect(),
            ..RunOptions::default()
        };
        pipeline::run(workspace, &wish, audience, &mut |_| {})
    }

    /// Brings a version to staging.
    pub(crate) fn deploy(&self, version: &str) -> Deployed {
        rolled_out(self.run(version).unwrap())
    }

    pub(crate) fn take_up(&self, direction: Direction) -> Deployed {
        let workspace = self.workspace();
        let origin = workspace.context.origin("fixed", None);
        let staging = "staging".parse().unwrap();
        let taken = resume::resume(&workspace, &staging, direction, origin, &self.audience());
        taken.unwrap().unwrap()
    }
}

/// The first rollout of a run.
pub(crate) fn rolled_out(run: Run) -> Deployed {
    match run.results.into_iter().next() {
        Some((_, Ok(Done::Deployed(deployed)))) => *deployed,
        Some((_, Ok(Done::AlreadyLive(_)))) => panic!("it was live already"),
        Some((_, Err(error))) => panic!("{error:?}"),
        None => panic!("nothing was deployed: {}", run.decision.reason),
    }
}

/// Why the first environment of a run was not deployed to.
pub(crate) fn refused(run: Result<Run, AppError>) -> AppError {
    match run.map(|run| run.results.into_iter().next()) {
        Err(error) | Ok(Some((_, Err(error)))) => error,
        Ok(_) => panic!("it was not refused"),
    }
}

/// Pull request 7 as its event says.
pub(crate) fn pull() -> PullState {
    PullState {
        open: true,
        head: COMMIT.parse().unwrap(),
        head_repository: Some(1001),
        base_repository: Some(1001),
        labels: vec!["deploy-to-staging".into(), "urgent".into()],
    }
}

fn push() -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../fixtures/events/push.json")).unwrap();
    event["ref"] = "refs/heads/develop".into();
    event["after"] = COMMIT.into();
    event
}
