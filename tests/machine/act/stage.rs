//! What a run needs around it: a repository with its remote, a registry, and the place where act works.

use crate::act::events;
use crate::act::player::{Act, Played};
use crate::act::workflow;
use crate::support::daemon::Daemon;
use crate::support::files::repository;
use crate::support::git::git;
use crate::support::github::{FakeGitHub, Pull, Repository};
use crate::support::project::Project;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// What the project's `.greenroom` links to, outside of the job's workspace, which act makes anew for every
/// run: what a self-hosted runner keeps between jobs.
const KEPT: &str = "kept";

/// The repository, as GitHub names it.
const REPOSITORY: &str = "acme/widgets";

/// The number of every run.
pub(crate) const RUN: u64 = 7;

/// `project/` is the repository, `remote.git` its origin; both are in one directory with everything else that
/// a test leaves, and what was started from there ends with it.
pub(crate) struct Stage {
    pub(crate) project: Project,
    pub(crate) registry: Daemon,
    pub(crate) github: FakeGitHub,
    /// Variables of every step beside those that each run has.
    pub(crate) variables: Vec<(String, String)>,
}

impl Stage {
    /// The quickstart, at version 1.0.0 on the branch `develop`, with its image in the registry.
    pub(crate) fn new() -> Self {
        let stage = Self::empty();
        stage.service();
        let pipeline = fs::read_to_string(repository("examples/quickstart/greenroom.yaml")).unwrap();
        let repository = stage.registry.repository("acme/hello");
        let pipeline = pipeline.replace("repository: hello", &format!("repository: {repository}"));
        stage.write("greenroom.yaml", &pipeline);
        stage.environment("staging", stage.project.port);
        stage.workflow(&workflow::using(workflow::ACTION, ""));
        stage.commit("develop");
        stage
    }

    /// A repository without a commit, and everything around it.
    pub(crate) fn empty() -> Self {
        // The registry first: the project's port is one that is free while the registry listens.
        let registry = Daemon::open();
        let stage = Self {
            project: Project::empty(),
            registry,
            github: FakeGitHub::start(Repository {
                name: REPOSITORY.to_owned(),
                id: 1001,
                ..Repository::default()
            }),
            variables: Vec::new(),
        };
        for file in ["action.yml", "install.sh"] {
            stage
                .project
                .write(&format!("action/{file}"), fs::read(repository(file)).unwrap());
        }
        let (root, kept, remote) = (
            stage.root(),
            stage.project.path(KEPT),
            stage.project.path("remote.git"),
        );
        fs::create_dir(&root).unwrap();
        fs::create_dir(&kept).unwrap();
        std::os::unix::fs::symlink(kept, root.join(".greenroom")).unwrap();
        stage.git(&["init", "--quiet", "--initial-branch=develop"]);
        let bare = ["init", "--quiet", "--bare", "--initial-branch=develop"];
        stage.git(&[&bare[..], &[&remote.display().to_string()]].concat());
        stage.git(&["remote", "add", "origin", &format!("file://{}", remote.display())]);
        stage
    }

    /// Writes the service of the quickstart, at version 1.0.0.
    pub(crate) fn service(&self) {
        for file in ["VERSION", "app/server.py"] {
            let text = fs::read_to_string(repository("examples/quickstart").join(file)).unwrap();
            self.write(file, &text);
        }
    }

    /// Adds an environment as the quickstart's, without its wait at the end.
    pub(crate) fn environment(&self, name: &str, port: u16) {
        let text = fs::read_to_string(repository("examples/quickstart/environments/staging.yaml"))
            .unwrap()
            .replace("name: staging", &format!("name: {name}"))
            .replace("instances: 2", "instances: 1")
            .replace("127.0.0.1:18080", &format!("127.0.0.1:{port}"))
            .replace("watch: 2s", "watch: 0s");
        self.write(&format!("environments/{name}.yaml"), &text);
    }

    /// The directory of the repository.
    pub(crate) fn root(&self) -> PathBuf {
        self.project.path("project")
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, file: &str, text: &str) {
        self.project.write(&format!("project/{file}"), text);
    }

    /// Puts this workflow in the place of the one that is there.
    pub(crate) fn workflow(&self, text: &str) {
        self.write(".github/workflows/deploy.yml", text);
    }

    /// Makes this the version of the service; a broken one says of itself that it is down.
    pub(crate) fn version(&self, version: &str, works: bool) {
        self.write("VERSION", &format!("{version}\n"));
        let (from, to) = match works {
            true => ("\"down\"", "\"ok\""),
            false => ("\"ok\"", "\"down\""),
        };
        let service = self.project.read("project/app/server.py").replace(from, to);
        self.write("app/server.py", &service);
    }

    /// Commits everything on `branch` and pushes it; the commit.
    pub(crate) fn commit(&self, branch: &str) -> String {
        self.git(&["checkout", "--quiet", "-B", branch]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "Serve faster"]);
        self.git(&["push", "--quiet", "--force", "origin", branch]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// git in the repository, as nobody in particular; what it said.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = git(&self.root()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits what is there, and plays the push of it to `branch`.
    pub(crate) fn push(&self, branch: &str) -> Played {
        let sha = self.commit(branch);
        self.play("push", &events::push(branch, &sha))
    }

    /// Plays an event with the workflow that is there.
    pub(crate) fn play(&self, event: &'static str, payload: &Value) -> Played {
        self.act(event, payload, ".github/workflows/deploy.yml")
            .play(&self.root())
    }

    /// How act is started for an event and a workflow.
    pub(crate) fn act(&self, event: &'static str, payload: &Value, workflow: &str) -> Act {
        self.project
            .write("event.json", serde_json::to_string(payload).unwrap());
        let mut variables = vec![
            (
                "GREENROOM_BIN".to_owned(),
                env!("CARGO_BIN_EXE_greenroom").to_owned(),
            ),
            ("GITHUB_REPOSITORY".to_owned(), REPOSITORY.to_owned()),
            ("GITHUB_REPOSITORY_ID".to_owned(), "1001".to_owned()),
            ("GITHUB_RUN_ID".to_owned(), RUN.to_string()),
            ("GITHUB_API_URL".to_owned(), self.github.url()),
        ];
        variables.extend(self.variables.iter().cloned());
        Act {
            event,
            payload: self.project.path("event.json"),
            workflow: workflow.to_owned(),
            variables,
            actions: vec![(workflow::ACTION.to_owned(), self.project.path("action"))],
            token: Repository::default().token,
            home: self.project.path("act"),
        }
    }

    /// Opens pull request 7 for this commit, with this label.
    pub(crate) fn pull_request(&self, head: &str, label: &str) {
        let pull = Pull {
            number: 7,
            open: true,
            head: head.to_owned(),
            head_repository: Some(1001),
            labels: vec![label.to_owned()],
        };
        self.github.with(|state| state.repository.pulls = vec![pull]);
    }

    /// The labels of pull request 7.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.github.with(|state| state.repository.pulls[0].labels.clone())
    }

    /// What the service of an environment answers.
    pub(crate) fn greets(&self) -> String {
        self.project.get("/").1
    }

    /// The digest that the registry gives for a tag.
    pub(crate) fn tagged(&self, tag: &str) -> Option<String> {
        use greenroom::ports::Registry as _;
        let repository = self.registry.repository("acme/hello");
        let client = self.registry.client(false);
        let digest = client.resolve(&repository, &tag.parse().unwrap()).unwrap();
        digest.map(|digest| digest.to_string())
    }

    /// Every ref of the remote.
    pub(crate) fn refs(&self) -> Vec<String> {
        let refs = self.git(&["ls-remote", "--refs", "origin"]);
        refs.lines()
            .filter_map(|line| Some(line.split_once('\t')?.1.to_owned()))
            .collect()
    }
}
