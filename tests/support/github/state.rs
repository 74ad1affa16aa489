//! What the repository holds.

use serde_json::Value;
use std::collections::BTreeMap;

/// What there is before anybody asks.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Owner and name.
    pub name: String,
    /// Its number.
    pub id: u64,
    /// The only token that is known.
    pub token: String,
    /// What the token may do, as a workflow says it; `None`: everything.
    pub permissions: Option<Vec<String>>,
    /// What stands before every path: `/api/v3` on a GitHub Enterprise server.
    pub prefix: String,
    /// The commits that were pushed; `None`: every one.
    pub commits: Option<Vec<String>>,
    /// Its new name, where it was renamed: every request for the old one is led there.
    pub renamed: Option<String>,
    /// Whether payloads of deployments are given back as text.
    pub payload_as_text: bool,
    /// Its environments.
    pub environments: Vec<Environment>,
    /// What people said, by the number of the run.
    pub approvals: BTreeMap<u64, Vec<Approval>>,
    /// The teams of the owner.
    pub teams: Vec<Team>,
    /// Its pull requests.
    pub pulls: Vec<Pull>,
    /// What is answered about an upload, one after the other; the last stays. Empty: it is complete.
    pub processing: Vec<Processing>,
}

impl Default for Repository {
    fn default() -> Self {
        Self {
            name: "acme/hello".to_owned(),
            id: 4711,
            token: "ghs_swordfish".to_owned(),
            permissions: None,
            prefix: String::new(),
            commits: None,
            renamed: None,
            payload_as_text: false,
            environments: Vec::new(),
            approvals: BTreeMap::new(),
            teams: Vec::new(),
            pulls: Vec::new(),
            processing: Vec::new(),
        }
    }
}

/// An environment with its rules.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// As GitHub spells it.
    pub name: String,
    /// Persons who may agree.
    pub reviewers: Vec<String>,
    /// Slugs of teams whose members may.
    pub teams: Vec<String>,
    /// Whether whoever started a run may not.
    pub prevent_self_review: bool,
    /// Minutes that a run waits.
    pub wait_timer: Option<u64>,
    /// Whether only protected branches may deploy.
    pub protected_branches: bool,
}

/// What somebody said about a run.
#[derive(Debug, Clone)]
pub struct Approval {
    /// `approved`, `rejected` or `pending`.
    pub state: String,
    /// Who.
    pub user: String,
    /// About which environments.
    pub environments: Vec<String>,
    /// What they wrote.
    pub comment: String,
}

/// A team of the owner.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its name in addresses.
    pub slug: String,
    /// Logins, each with `active` or `pending`.
    pub members: Vec<(String, String)>,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Whether it is open.
    pub open: bool,
    /// Newest commit of its branch.
    pub head: String,
    /// The repository of its branch; `None`: it was deleted.
    pub head_repository: Option<u64>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processing {
    /// 404.
    Unknown,
    /// Not read yet.
    Pending,
    /// Read.
    Complete,
    /// Not readable, and why.
    Failed(Vec<String>),
}

/// One state of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Its number.
    pub id: u64,
    /// Everything that was sent with it.
    pub sent: Value,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// Where.
    pub environment: String,
    /// The commit.
    pub sha: String,
    /// `deploy`.
    pub task: String,
    /// What is carried along.
    pub payload: Value,
    /// One line.
    pub description: Option<String>,
    /// Whether it goes away again.
    pub transient: bool,
    /// Whether its users are real.
    pub production: bool,
    /// Its states, oldest first.
    pub statuses: Vec<Status>,
}

impl Deployment {
    /// The words of its states, oldest first.
    pub fn states(&self) -> Vec<&str> {
        let sent = self.statuses.iter();
        sent.map(|status| status.sent["state"].as_str().unwrap())
            .collect()
    }

    /// The newest of them.
    pub fn state(&self) -> &str {
        self.states().last().copied().unwrap_or_default()
    }
}

/// An annotation of a check, as it was sent.
pub type Annotation = Value;

/// A check run.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its number.
    pub id: u64,
    /// Which app made it.
    pub app: u64,
    /// What it is about.
    pub sha: String,
    /// The newest of each field that was sent; its annotations apart.
    pub fields: Value,
    /// All that were sent, in their order.
    pub annotations: Vec<Annotation>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// On which pull request.
    pub pull: u64,
    /// Login and kind of its author.
    pub by: (String, String),
    /// What the author is here: `OWNER`, `NONE`.
    pub association: String,
    /// What it says.
    pub body: String,
    /// Whether the token may not change it.
    pub locked: bool,
}

/// A mark beside a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its number.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// What was sent.
    pub sent: Value,
}

/// Results of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// What was sent.
    pub sent: Value,
    /// The SARIF in it.
    pub sarif: String,
}

/// The number of the app that tokens of workflows belong to.
pub const APP: u64 = 15368;

/// Everything.
pub struct State {
    /// What there was, and what may be changed.
    pub repository: Repository,
    /// What `GITHUB_API_URL` is set to.
    pub url: String,
    /// Oldest first.
    pub deployments: Vec<Deployment>,
    /// Oldest first.
    pub checks: Vec<Check>,
    /// Oldest first.
    pub comments: Vec<Comment>,
    /// Oldest first.
    pub marks: Vec<Mark>,
    /// Oldest first.
    pub uploads: Vec<Upload>,
    /// How often somebody asked what became of an upload.
    pub looked: usize,
    last: u64,
}

impl State {
    pub(super) fn of(repository: Repository) -> Self {
        Self {
            repository,
            url: String::new(),
            deployments: Vec::new(),
            checks: Vec::new(),
            comments: Vec::new(),
            marks: Vec::new(),
            uploads: Vec::new(),
            looked: 0,
            last: 100,
        }
    }

    /// A number that nothing has.
    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether a commit was pushed.
    pub fn has(&self, sha: &str) -> bool {
        let commits = self.repository.commits.as_ref();
        commits.is_none_or(|commits| commits.iter().any(|known| known == sha))
    }

    /// See [`super::FakeGitHub::job_deployment`].
    pub fn job_deployment(&mut self, environment: &str, sha: &str, run: u64) -> u64 {
        let log = format!(
            "https://github.com/{}/actions/runs/{run}/job/9",
            self.repository.name
        );
        let id = self.next();
        let statuses = ["queued", "in_progress"].map(|state| Status {
            id: self.next(),
            sent: serde_json::json!({"state": state, "description": "", "log_url": log, "target_url": log}),
        });
        self.deployments.push(Deployment {
            id,
            environment: environment.to_owned(),
            sha: sha.to_owned(),
            task: "deploy".to_owned(),
            payload: serde_json::json!({}),
            description: None,
            transient: false,
            production: environment == "production",
            statuses: statuses.into(),
        });
        id
    }

    /// See [`super::FakeGitHub::comment`].
    pub fn comment(&mut self, pull: u64, by: (&str, &str), association: &str, body: &str) -> u64 {
        let id = self.next();
        self.comments.push(Comment {
            id,
            pull,
            by: (by.0.to_owned(), by.1.to_owned()),
            association: association.to_owned(),
            body: body.to_owned(),
            locked: false,
        });
        id
    }
}
