//! A directory with a bare repository and clones of it.

use crate::support::git::git;
use greenroom::adapters::ledger::{GitBranch, GitLease, GitLedger, RawLedger};
use greenroom::domain::history::{Audit, Expectation, verify};
use greenroom::domain::model::EnvironmentName;
use greenroom::host::environment::ProcessEnvironment;
use greenroom::host::git::Store;
use greenroom::ports::{Clock, Ledger as _};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const BRANCH: &str = "greenroom-ledger";
pub(crate) const FULL: &str = "refs/heads/greenroom-ledger";
pub(crate) const KNOWN: &str = "refs/greenroom/known/greenroom-ledger";

pub(crate) struct Yard(TempDir);

impl Yard {
    /// A bare repository, `remote.git`, with a project of three commits on `main`.
    pub(crate) fn new() -> Self {
        let yard = Self(tempfile::tempdir().unwrap());
        yard.git(
            "",
            &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"],
        );
        yard.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
        yard.git("", &["init", "--quiet", "--initial-branch=main", "seed"]);
        for text in ["one", "two", "three"] {
            yard.write("seed/file", text);
            yard.git("seed", &["add", "file"]);
            yard.git("seed", &["commit", "--quiet", "--message", text]);
        }
        yard.git("seed", &["push", "--quiet", "../remote.git", "main"]);
        yard
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// An executable script.
    pub(crate) fn script(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(name, text);
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path("remote.git").display())
    }

    /// A clone called `name`, made with these flags.
    pub(crate) fn clone_with(&self, name: &str, flags: &[&str]) {
        let url = self.url();
        let args: Vec<&str> = ["clone", "--quiet"]
            .into_iter()
            .chain(flags.iter().copied())
            .collect();
        self.git("", &[&args[..], &["--", &url, name]].concat());
    }

    pub(crate) fn clone(&self, name: &str) -> GitLedger {
        self.clone_with(name, &[]);
        self.ledger(name)
    }

    /// Runs git as nobody in particular.
    pub(crate) fn try_git(&self, directory: &str, args: &[&str]) -> Output {
        git(&self.path(directory)).args(args).output().unwrap()
    }

    /// The same, where it has to succeed; what it said.
    pub(crate) fn git(&self, directory: &str, args: &[&str]) -> String {
        let output = self.try_git(directory, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn branch(&self, clone: &str) -> Arc<GitBranch> {
        branch(&self.path(clone))
    }

    pub(crate) fn ledger(&self, clone: &str) -> GitLedger {
        GitLedger::open(self.branch(clone))
    }

    /// The number of the newest record that the clone sees.
    pub(crate) fn newest(&self, clone: &str, environment: &EnvironmentName) -> u64 {
        let head = self.ledger(clone).head(environment).unwrap();
        head.unwrap().record.seq
    }

    pub(crate) fn lease(&self, clone: &str, clock: Arc<dyn Clock>) -> GitLease {
        GitLease::open(self.branch(clone), clock)
    }

    /// What an audit from a fresh clone finds.
    pub(crate) fn audit(&self, environment: &EnvironmentName) -> Audit {
        let name = format!("audit-{}", std::fs::read_dir(self.path("")).unwrap().count());
        audit(&self.clone(&name), environment).0
    }

    /// How many commits the branch has.
    pub(crate) fn commits(&self) -> usize {
        let count = self.git("remote.git", &["rev-list", "--count", BRANCH]);
        count.parse().unwrap()
    }
}

/// The branch as a clone sees it.
pub(crate) fn branch(clone: &Path) -> Arc<GitBranch> {
    let environment = ProcessEnvironment::of([("LC_ALL", "C")], clone);
    let store = Store::open(clone, &environment).unwrap();
    Arc::new(GitBranch::new(store, BRANCH.to_owned()))
}

/// What an audit finds, and how the branch was rewritten.
pub(crate) fn audit(ledger: &GitLedger, environment: &EnvironmentName) -> (Audit, Option<String>) {
    let raw = ledger.raw(environment).unwrap();
    let expected = Expectation {
        environment,
        head: raw.head,
        anchor: None,
    };
    (verify(raw.records, &expected), raw.rewritten)
}

pub(crate) fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}
