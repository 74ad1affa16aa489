//! Facts from a repository, as git tells them.

use super::credentials;
use super::head;
use super::head::Head;
use super::process;
use super::process::{Limits, Output};
use crate::domain::model::{
    Ancestry, CommitId, ErrorKind, Explanation, InvalidText, PortError, Secret, Timestamp,
};
use crate::host::environment::ProcessEnvironment;
use crate::ports::Repository;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(30),
    bytes: 16 << 20,
};

/// Variables that would point git at another repository than the one around the directory, or make
/// it read history as somebody rewrote it.
const UNWANTED: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
];

/// The repository around a directory.
#[derive(Debug, Clone)]
pub struct Git {
    directory: PathBuf,
}

impl Git {
    /// The repository around `directory`. Whether there is one shows when it is asked.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The files that differ between two commits, relative to the repository's root. `None` when one
    /// of the commits is not there: a forced push, or a shallow clone.
    ///
    /// # Errors
    /// When git fails or lists more than 16 MiB of names.
    pub fn changed(&self, from: &CommitId, to: &CommitId) -> Result<Option<Vec<String>>, PortError> {
        let doing = format!(
            "listing the files that changed from {} to {}",
            from.short(),
            to.short()
        );
        if !self.has(from, &doing)? || !self.has(to, &doing)? {
            return Ok(None);
        }
        let flags = [
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let args: Vec<&str> = flags
            .into_iter()
            .chain([from.as_str(), to.as_str(), "--"])
            .collect();
        let output = self.git(&args, &doing)?;
        if output.code != Some(0) {
            return Err(failed(&doing, &output));
        }
        let names = output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        Ok(Some(
            names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
        ))
    }

    fn has(&self, commit: &CommitId, doing: &str) -> Result<bool, PortError> {
        Ok(self.verify(commit.as_str(), doing)?.is_some())
    }

    /// The commit that `revision` names, tags followed to what they point at.
    fn verify(&self, revision: &str, doing: &str) -> Result<Option<CommitId>, PortError> {
        let revision = format!("{revision}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &revision];
        let output = self.git(&args, doing)?;
        match output.code {
            Some(0) => parsed(&output.text(), doing).map(Some),
            // Silence means that nothing has that name.
            _ if output.stderr.trim().is_empty() => Ok(None),
            _ => Err(failed(doing, &output)),
        }
    }

    fn is_shallow(&self, doing: &str) -> Result<bool, PortError> {
        let output = self.git(&["rev-parse", "--is-shallow-repository"], doing)?;
        match output.code {
            Some(0) => Ok(output.text() == "true"),
            _ => Err(failed(doing, &output)),
        }
    }

    fn is_ancestor(
        &self,
        older: &CommitId,
        newer: &CommitId,
        doing: &str,
    ) -> Result<Option<bool>, PortError> {
        let args = ["merge-base", "--is-ancestor", older.as_str(), newer.as_str()];
        let output = self.git(&args, doing)?;
        match output.code {
            Some(0) => Ok(Some(true)),
            Some(1) => Ok(Some(false)),
            _ if !self.has(older, doing)? || !self.has(newer, doing)? => Ok(None),
            _ => Err(failed(doing, &output)),
        }
    }

    /// Runs git. An exit code other than 0 is for the caller to read.
    fn git(&self, args: &[&str], doing: &str) -> Result<Output, PortError> {
        let mut command = command(&self.directory);
        command.args(args).env("GIT_NO_LAZY_FETCH", "1");
        process::run(command, LIMITS).map_err(|error| not_run(doing, &error))
    }
}

/// The token of the job in the form in which git sends it.
pub fn sent_token(environment: &ProcessEnvironment) -> Option<Secret> {
    credentials::travelling(environment)
}

/// Git in `directory`, without a pager, prompts, or anything that leads it elsewhere.
pub(super) fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .args(["--no-pager", "-c", "core.fsmonitor=false"])
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_REPLACE_OBJECTS", "1");
    for name in UNWANTED {
        command.env_remove(name);
    }
    command
}

/// Why git was not run to its end.
pub(super) fn not_run(doing: &str, error: &std::io::Error) -> PortError {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            PortError::new(ErrorKind::Missing, doing, "there is no git command here").fix("install git")
        }
        std::io::ErrorKind::TimedOut => PortError::new(ErrorKind::Transient, doing, error),
        _ => PortError::new(ErrorKind::Invalid, doing, error),
    }
}

impl Repository for Git {
    fn head(&self) -> Result<Option<CommitId>, PortError> {
        match head::read(&self.directory) {
            Head::Commit(commit) => Ok(Some(commit)),
            Head::NoRepository => Ok(None),
            Head::Unclear => self.verify("HEAD", "reading the commit that is checked out"),
        }
    }

    fn resolve(&self, reference: &str) -> Result<Option<CommitId>, PortError> {
        let doing = format!("resolving {reference:?}");
        if !is_name(reference) {
            let message = "this is no branch, tag or commit id";
            return Err(PortError::new(ErrorKind::Invalid, doing, message));
        }
        if let Some(commit) = self.verify(reference, &doing)? {
            return Ok(Some(commit));
        }
        // A checkout in CI has the branches of the remote but no local ones.
        let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
        if branch.starts_with("refs/") {
            return Ok(None);
        }
        self.verify(&format!("refs/remotes/origin/{branch}"), &doing)
    }

    fn ancestry(&self, older: &CommitId, newer: &CommitId) -> Result<Ancestry, PortError> {
        let doing = format!(
            "finding out whether {} comes before {}",
            older.short(),
            newer.short()
        );
        let answer = self.is_ancestor(older, newer, &doing)?;
        if answer == Some(true) {
            return Ok(Ancestry::Ancestor);
        }
        let shallow = self.is_shallow(&doing)?;
        match answer {
            None if shallow => Ok(Ancestry::Shallow),
            None => {
                let message = "one of them is not in the repository";
                Err(PortError::new(ErrorKind::Missing, doing, message)
                    .fix("fetch it, or deploy a commit that is there"))
            }
            // Even a shallow clone is sure of this much: what comes after cannot come before.
            Some(_) if shallow && self.is_ancestor(newer, older, &doing)? != Some(true) => {
                Ok(Ancestry::Shallow)
            }
            Some(_) => Ok(Ancestry::Unrelated),
        }
    }

    fn tags_at(&self, commit: &CommitId) -> Result<Vec<String>, PortError> {
        let doing = format!("listing the tags at {}", commit.short());
        let points_at = format!("--points-at={commit}");
        let args = [
            "for-each-ref",
            "--format=%(refname:strip=2)",
            &points_at,
            "refs/tags",
        ];
        let output = self.git(&args, &doing)?;
        if output.code != Some(0) {
            return Err(failed(&doing, &output));
        }
        let mut tags: Vec<String> = output.text().lines().map(str::to_owned).collect();
        tags.sort();
        Ok(tags)
    }

    fn committed_at(&self, commit: &CommitId) -> Result<Timestamp, PortError> {
        let doing = format!("reading when {} was made", commit.short());
        let args = ["rev-list", "--max-count=1", "--timestamp", commit.as_str(), "--"];
        let output = self.git(&args, &doing)?;
        if output.code != Some(0) {
            return Err(failed(&doing, &output));
        }
        let text = output.text();
        let seconds = text.split(' ').next().and_then(|field| field.parse::<i64>().ok());
        seconds
            .and_then(|seconds| seconds.checked_mul(1000))
            .map(Timestamp::from_unix_millis)
            .ok_or_else(|| PortError::new(ErrorKind::Invalid, doing, format!("git answered {text:?}")))
    }
}

/// Whether `text` can be the name of a branch, tag or commit: git's rules for names (git
/// check-ref-format(1)), which leave out everything that makes git compute something.
fn is_name(text: &str) -> bool {
    (1..=1024).contains(&text.len())
        && !text.contains("..")
        && !text.contains("@{")
        && text.chars().all(|c| !c.is_control() && !" ~^:?*[\\".contains(c))
}

fn parsed(text: &str, doing: &str) -> Result<CommitId, PortError> {
    text.parse()
        .map_err(|error: InvalidText| PortError::new(ErrorKind::Invalid, doing, &error))
}

pub(in crate::host) fn failed(doing: &str, output: &Output) -> PortError {
    let said = output.stderr.trim();
    let kind = if said.contains("not a git repository") || said.contains("bad object") {
        ErrorKind::Missing
    } else if said.contains("dubious ownership") || said.contains("Permission denied") {
        ErrorKind::Denied
    } else {
        ErrorKind::Invalid
    };
    let code = output
        .code
        .map_or("a signal".to_owned(), |code| format!("code {code}"));
    let said: String = said.chars().take(2000).collect();
    let why = Explanation::new(format!("git ended with {code}")).caused_by(said);
    PortError::new(kind, doing, why)
}
