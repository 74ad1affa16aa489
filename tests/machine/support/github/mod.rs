//! A GitHub that is none: one repository behind HTTP on 127.0.0.1, with state, and stricter than the real one.
//!
//! ```ignore
//! let github = FakeGitHub::start(Repository::default());   // acme/hello, token `ghs_swordfish`, may do everything
//! // GITHUB_API_URL=github.url()  GITHUB_REPOSITORY=acme/hello  GITHUB_TOKEN=ghs_swordfish
//! github.job_deployment("staging", COMMIT, 42);            // what a job's `environment:` makes
//! github.fail_next("repos/create-deployment", Fault::LostAfter);
//! // … the client is let loose …
//! assert_eq!(github.count("repos/create-deployment"), 1);  // requests, by GitHub's own names of operations
//! assert_eq!(github.deployments()[0].states(), ["in_progress", "success"]);
//! github.checks(); github.comments(1); github.marks(COMMIT); github.requests();
//! ```
//!
//! Every request and every answer is held against GitHub's own description (`fixtures/github`), and against
//! what that does not say: no field that GitHub does not know, no completed check without a conclusion, no
//! description longer than 140 characters. What breaks it fails the test when the server is dropped, or with
//! [`FakeGitHub::assert_valid`].

mod act;
mod checks;
mod deployments;
mod description;
mod issues;
mod packages;
mod people;
mod rules;
mod scanning;
mod server;
mod state;

pub(crate) use description::{ADDRESS, DESCRIBED, Description, Operation, TEXT, addressed, merge};
pub(crate) use state::{
    Approval, Check, Comment, Deployment, Environment, Mark, Package, PackageVersion, Processing, Pull,
    Repository, State, Status, Team, Upload,
};

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a request meets instead of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, and a page with this status says so: `502` of a proxy.
    Page(u16),
    /// It is done, and the answer is a page with 502.
    LostAfter,
    /// Nothing is done, and the connection is cut.
    CutBefore,
    /// It is done, and the connection is cut.
    CutAfter,
    /// Nothing is done: 403 with `retry-after`, in seconds, where it is said.
    SecondaryLimit(Option<u64>),
    /// Nothing is done: 403, nothing is left until this moment, in seconds since 1970.
    PrimaryLimit(u64),
    /// Nothing is done: this status, headers and JSON.
    Answer(u16, Vec<(String, String)>, Value),
    /// The answer is far longer than it should be.
    Endless,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// GitHub's own name for it: `repos/create-deployment`; empty where it has none.
    pub(crate) operation: String,
    /// `GET` and so on.
    pub(crate) method: String,
    /// Its path as it was sent, without the query.
    pub(crate) path: String,
    /// Its query, decoded.
    pub(crate) query: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Its JSON; null where there is none.
    pub(crate) body: Value,
}

/// What the threads of the server share.
pub(crate) struct Shared {
    description: Description,
    state: Mutex<State>,
    faults: Mutex<Vec<(String, Fault)>>,
    asked: Mutex<Vec<Asked>>,
    violations: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server, until it is dropped.
pub(crate) struct FakeGitHub {
    shared: Arc<Shared>,
    server: server::Server,
}

impl FakeGitHub {
    /// Serves `repository` on a free port of 127.0.0.1.
    pub(crate) fn start(repository: Repository) -> Self {
        let shared = Arc::new(Shared {
            description: Description::read(),
            state: Mutex::new(State::of(repository)),
            faults: Mutex::default(),
            asked: Mutex::default(),
            violations: Mutex::default(),
        });
        let server = server::Server::start(Arc::clone(&shared));
        let url = format!(
            "http://{}{}",
            server.address(),
            lock(&shared.state).repository.prefix
        );
        lock(&shared.state).url = url;
        Self { shared, server }
    }

    /// What `GITHUB_API_URL` is set to.
    pub(crate) fn url(&self) -> String {
        lock(&self.shared.state).url.clone()
    }

    /// The next request of that operation meets `fault`; several wait for one request each, in their order.
    pub(crate) fn fail_next(&self, operation: &str, fault: Fault) {
        assert!(
            self.shared.description.knows(operation),
            "GitHub has no operation {operation}"
        );
        lock(&self.shared.faults).push((operation.to_owned(), fault));
    }

    /// Looks at the state, or changes it.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.shared.state))
    }

    /// What a job with `environment:` makes before its first step; its number.
    pub(crate) fn job_deployment(&self, environment: &str, sha: &str, run: u64) -> u64 {
        self.with(|state| state.job_deployment(environment, sha, run))
    }

    /// A comment that was there before; its number.
    pub(crate) fn comment(&self, pull: u64, by: (&str, &str), association: &str, body: &str) -> u64 {
        self.with(|state| state.comment(pull, by, association, body))
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// How many requests of that operation came, those that failed too.
    pub(crate) fn count(&self, operation: &str) -> usize {
        assert!(
            self.shared.description.knows(operation),
            "GitHub has no operation {operation}"
        );
        let asked = lock(&self.shared.asked);
        asked.iter().filter(|asked| asked.operation == operation).count()
    }

    /// All deployments, oldest first.
    pub(crate) fn deployments(&self) -> Vec<Deployment> {
        self.with(|state| state.deployments.clone())
    }

    /// All check runs, oldest first.
    pub(crate) fn checks(&self) -> Vec<Check> {
        self.with(|state| state.checks.clone())
    }

    /// The comments on a pull request, oldest first.
    pub(crate) fn comments(&self, pull: u64) -> Vec<Comment> {
        self.with(|state| {
            let all = state.comments.iter().filter(|comment| comment.pull == pull);
            all.cloned().collect()
        })
    }

    /// The marks beside a commit, oldest first.
    pub(crate) fn marks(&self, sha: &str) -> Vec<Mark> {
        self.with(|state| {
            let all = state.marks.iter().filter(|mark| mark.sha == sha);
            all.cloned().collect()
        })
    }

    /// What was handed in at code scanning, oldest first.
    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.with(|state| state.uploads.clone())
    }

    /// The versions of the first package that were not deleted, oldest first.
    pub(crate) fn versions(&self) -> Vec<PackageVersion> {
        self.with(|state| {
            let all = state.repository.packages.iter().take(1);
            let all = all.flat_map(|package| package.versions.iter());
            all.filter(|version| !version.deleted).cloned().collect()
        })
    }

    /// Fails with every request and answer so far that GitHub's description does not have.
    pub(crate) fn assert_valid(&self) {
        let violations = std::mem::take(&mut *lock(&self.shared.violations));
        assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
    }

    /// The same as a list, which is taken away: for tests of this server itself.
    pub(crate) fn violations(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.violations))
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.server.stop();
        if !std::thread::panicking() {
            self.assert_valid();
        }
    }
}
