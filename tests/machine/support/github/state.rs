//! What the repository holds.

use serde_json::Value;
use std::collections::BTreeMap;

/// What there is before anybody asks.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// Owner and name.
    pub(crate) name: String,
    /// Its number.
    pub(crate) id: u64,
    /// The only token that is known.
    pub(crate) token: String,
    /// What the token may do, as a workflow says it; `None`: everything.
    pub(crate) permissions: Option<Vec<String>>,
    /// What stands before every path: `/api/v3` on a GitHub Enterprise server.
    pub(crate) prefix: String,
    /// The commits that were pushed; `None`: every one.
    pub(crate) commits: Option<Vec<String>>,
    /// Its new name, where it was renamed: every request for the old one is led there.
    pub(crate) renamed: Option<String>,
    /// Whether payloads of deployments are given back as text.
    pub(crate) payload_as_text: bool,
    /// Its environments.
    pub(crate) environments: Vec<Environment>,
    /// What people said, by the number of the run.
    pub(crate) approvals: BTreeMap<u64, Vec<Approval>>,
    /// The teams of the owner.
    pub(crate) teams: Vec<Team>,
    /// Its pull requests.
    pub(crate) pulls: Vec<Pull>,
    /// What is answered about an upload, one after the other; the last stays. Empty: it is complete.
    pub(crate) processing: Vec<Processing>,
    /// Packages of images, the owner's and others'.
    pub(crate) packages: Vec<Package>,
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
            packages: Vec::new(),
        }
    }
}

/// An environment with its rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// As GitHub spells it.
    pub(crate) name: String,
    /// Persons who may agree.
    pub(crate) reviewers: Vec<String>,
    /// Slugs of teams whose members may.
    pub(crate) teams: Vec<String>,
    /// Whether whoever started a run may not.
    pub(crate) prevent_self_review: bool,
    /// Minutes that a run waits.
    pub(crate) wait_timer: Option<u64>,
    /// Whether only protected branches may deploy.
    pub(crate) protected_branches: bool,
}

/// What somebody said about a run.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    /// `approved`, `rejected` or `pending`.
    pub(crate) state: String,
    /// Who.
    pub(crate) user: String,
    /// About which environments.
    pub(crate) environments: Vec<String>,
    /// What they wrote.
    pub(crate) comment: String,
}

/// A team of the owner.
#[derive(Debug, Clone)]
pub(crate) struct Team {
    /// Its name in addresses.
    pub(crate) slug: String,
    /// Logins, each with `active` or `pending`.
    pub(crate) members: Vec<(String, String)>,
}

/// A pull request.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    /// Its number.
    pub(crate) number: u64,
    /// Whether it is open.
    pub(crate) open: bool,
    /// Newest commit of its branch.
    pub(crate) head: String,
    /// The repository of its branch; `None`: it was deleted.
    pub(crate) head_repository: Option<u64>,
    /// Its labels.
    pub(crate) labels: Vec<String>,
}

/// A package of images.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Login of its owner.
    pub(crate) owner: String,
    /// Whether that is an organization.
    pub(crate) organization: bool,
    /// Its name.
    pub(crate) name: String,
    /// Whether the token may delete its versions: a role on the package, beside the permission.
    pub(crate) admin: bool,
    /// Oldest first.
    pub(crate) versions: Vec<PackageVersion>,
}

/// A version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageVersion {
    /// Its number.
    pub(crate) id: u64,
    /// Digest of its manifest.
    pub(crate) digest: String,
    /// Its tags.
    pub(crate) tags: Vec<String>,
    /// When it was pushed.
    pub(crate) created: String,
    /// When its tags changed last.
    pub(crate) updated: String,
    /// How often it was pulled.
    pub(crate) downloads: u64,
    /// Whether it was deleted; it can be brought back for 30 days.
    pub(crate) deleted: bool,
}

impl PackageVersion {
    /// One that was pushed at that moment and that nobody has pulled.
    pub(crate) fn new(id: u64, digest: &str, tags: &[&str], created: &str) -> Self {
        Self {
            id,
            digest: digest.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            created: created.to_owned(),
            updated: created.to_owned(),
            downloads: 0,
            deleted: false,
        }
    }
}

/// Hears the digest of a version that was deleted.
pub(crate) type Told = dyn Fn(&str) + Send;

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Processing {
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
pub(crate) struct Status {
    /// Its number.
    pub(crate) id: u64,
    /// Everything that was sent with it.
    pub(crate) sent: Value,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deployment {
    /// Its number.
    pub(crate) id: u64,
    /// Where.
    pub(crate) environment: String,
    /// The commit.
    pub(crate) sha: String,
    /// `deploy`.
    pub(crate) task: String,
    /// What is carried along.
    pub(crate) payload: Value,
    /// One line.
    pub(crate) description: Option<String>,
    /// Whether it goes away again.
    pub(crate) transient: bool,
    /// Whether its users are real.
    pub(crate) production: bool,
    /// Its states, oldest first.
    pub(crate) statuses: Vec<Status>,
}

impl Deployment {
    /// The words of its states, oldest first.
    pub(crate) fn states(&self) -> Vec<&str> {
        let sent = self.statuses.iter();
        sent.map(|status| status.sent["state"].as_str().unwrap())
            .collect()
    }

    /// The newest of them.
    pub(crate) fn state(&self) -> &str {
        self.states().last().copied().unwrap_or_default()
    }
}

/// An annotation of a check, as it was sent.
pub(crate) type Annotation = Value;

/// A check run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Check {
    /// Its number.
    pub(crate) id: u64,
    /// Which app made it.
    pub(crate) app: u64,
    /// What it is about.
    pub(crate) sha: String,
    /// The newest of each field that was sent; its annotations apart.
    pub(crate) fields: Value,
    /// All that were sent, in their order.
    pub(crate) annotations: Vec<Annotation>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comment {
    /// Its number.
    pub(crate) id: u64,
    /// On which pull request.
    pub(crate) pull: u64,
    /// Login and kind of its author.
    pub(crate) by: (String, String),
    /// What the author is here: `OWNER`, `NONE`.
    pub(crate) association: String,
    /// What it says.
    pub(crate) body: String,
    /// Whether the token may not change it.
    pub(crate) locked: bool,
}

/// A mark beside a commit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// Its number.
    pub(crate) id: u64,
    /// The commit.
    pub(crate) sha: String,
    /// What was sent.
    pub(crate) sent: Value,
}

/// Results of a scan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    /// Its id.
    pub(crate) id: String,
    /// What was sent.
    pub(crate) sent: Value,
    /// The SARIF in it.
    pub(crate) sarif: String,
}

/// The number of the app that tokens of workflows belong to.
pub(crate) const APP: u64 = 15368;

/// Everything.
pub(crate) struct State {
    /// What there was, and what may be changed.
    pub(crate) repository: Repository,
    /// What `GITHUB_API_URL` is set to.
    pub(crate) url: String,
    /// Oldest first.
    pub(crate) deployments: Vec<Deployment>,
    /// Oldest first.
    pub(crate) checks: Vec<Check>,
    /// Oldest first.
    pub(crate) comments: Vec<Comment>,
    /// Oldest first.
    pub(crate) marks: Vec<Mark>,
    /// Oldest first.
    pub(crate) uploads: Vec<Upload>,
    /// How often somebody asked what became of an upload.
    pub(crate) looked: usize,
    /// Told the digest of each version that is deleted: what keeps the image has to give it up, too.
    pub(crate) on_delete: Option<Box<Told>>,
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
            on_delete: None,
            last: 100,
        }
    }

    /// A number that nothing has.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether a commit was pushed.
    pub(crate) fn has(&self, sha: &str) -> bool {
        let commits = self.repository.commits.as_ref();
        commits.is_none_or(|commits| commits.iter().any(|known| known == sha))
    }

    /// See [`super::FakeGitHub::job_deployment`].
    pub(crate) fn job_deployment(&mut self, environment: &str, sha: &str, run: u64) -> u64 {
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
    pub(crate) fn comment(&mut self, pull: u64, by: (&str, &str), association: &str, body: &str) -> u64 {
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
