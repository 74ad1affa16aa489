//! The ledger's port on a branch: what was fetched is read, what is appended is pushed.

use super::tree;
use super::tree::Chain;
use crate::domain::model::{CommitId, EnvironmentName, ErrorKind, Explanation, PortError, Timestamp};
use crate::host::git::{Object, Published, Store, Update};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The branch where none is named.
const BRANCH: &str = "greenroom-ledger";

/// For how long what was fetched is taken for the present state by those who only look, so that a command
/// that looks at many environments fetches once. Whoever writes finds out by writing.
const LATELY: Duration = Duration::from_secs(1);

/// The branch of a project at `prefix` of its repository (`services/shop/`, empty at its root), where none is
/// named: each project in a repository has its own.
pub fn usual_branch(prefix: &str) -> String {
    let parts = prefix.split(|c: char| !c.is_ascii_alphanumeric());
    parts
        .filter(|part| !part.is_empty())
        .fold(BRANCH.to_owned(), |name, part| name + "-" + part)
}

/// How new an answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Asked for now.
    Now,
    /// At most a second old, and not older than what this process wrote.
    Lately,
}

/// What the remote held.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The tip of the branch, where it exists.
    pub(super) tip: Option<CommitId>,
    /// The newest tip that was seen here before.
    pub(super) known: Option<CommitId>,
    /// The commit of each lease, by environment.
    pub(super) leases: BTreeMap<String, CommitId>,
    /// How the tip does not follow from what was known.
    pub(super) rewritten: Option<String>,
}

/// A branch of a repository that holds a ledger, and its leases. Shared by both, so that they fetch
/// together.
#[derive(Debug)]
pub struct GitBranch {
    pub(super) store: Store,
    branch: String,
    seen: Mutex<Option<(Instant, Seen)>>,
}

impl GitBranch {
    /// The branch `branch` of the repository that `store` is. Nothing is read yet, and the branch need
    /// not exist.
    pub fn new(store: Store, branch: String) -> Self {
        Self {
            store,
            branch,
            seen: Mutex::default(),
        }
    }

    /// Asks whether the branch takes a push, without one: the way there and the credentials are tried, rules
    /// of the other side and its hooks are not.
    ///
    /// # Errors
    /// `Denied` when it does not; when it cannot be reached.
    pub fn try_push(&self) -> Result<(), PortError> {
        let doing = format!("trying to push to {}", self.place());
        // Nothing points at this, and it is never sent.
        let at = Timestamp::from_unix_millis(0);
        let committed = self.store.commit(None, &[("trial", b"")], "a trial\n", at)?;
        match self.store.try_publish("refs/greenroom/trial", &committed.id) {
            Published::Landed | Published::Moved => Ok(()),
            Published::Refused(words) => Err(self.refused(&doing, &words)),
            Published::Unknown(error) => Err(error),
        }
    }

    /// Whether this clone has seen the branch: on the remote, or by what greenroom wrote. Nobody is asked.
    ///
    /// # Errors
    /// When git fails; `Missing` outside a repository.
    pub fn is_known(&self) -> Result<bool, PortError> {
        let own = match self.store.remote() {
            Some(remote) => format!("refs/remotes/{remote}/{}", self.branch),
            None => self.branch_ref(),
        };
        Ok(!self.store.refs(&[&own, &self.known_ref()])?.is_empty())
    }

    /// For people: `branch greenroom-ledger of origin`.
    pub fn place(&self) -> String {
        let of = self.store.remote().unwrap_or("this repository");
        format!("branch {} of {of}", self.branch)
    }

    fn known_ref(&self) -> String {
        format!("refs/greenroom/known/{}", self.branch)
    }

    /// The branch's full name where it counts.
    pub(super) fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    pub(super) fn lease_ref(&self, environment: &str) -> String {
        format!("refs/greenroom/lease/{environment}/{}", self.branch)
    }

    /// The names of the branch and of what stands before the environment in a lease, where they are read.
    fn copies(&self) -> (String, &'static str) {
        match self.store.remote() {
            Some(_) => (
                format!("refs/greenroom/remote/heads/{}", self.branch),
                "refs/greenroom/remote/lease/",
            ),
            None => (self.branch_ref(), "refs/greenroom/lease/"),
        }
    }

    /// What the remote holds.
    pub(super) fn look(&self, fresh: Fresh) -> Result<Seen, PortError> {
        // Held while it is fetched: two fetches at a time would be in each other's way.
        let mut last = self.seen();
        if let Some((at, seen)) = &*last
            && fresh == Fresh::Lately
            && at.elapsed() < LATELY
        {
            return Ok(seen.clone());
        }
        *last = None;
        let mut seen = self.ask(None)?;
        // Another process may have appended from this clone after the fetch: what it wrote down as known is
        // then newer than what was fetched. A second fetch has it too.
        if seen.rewritten.is_some() {
            seen = self.ask(seen.known)?;
        }
        if seen.rewritten.is_none() {
            self.remember(&mut seen);
        }
        *last = Some((Instant::now(), seen.clone()));
        Ok(seen)
    }

    /// Fetches, and compares with what was `known` before, or is written down as such.
    fn ask(&self, known: Option<CommitId>) -> Result<Seen, PortError> {
        let (branch, leases) = self.copies();
        let others = format!("{leases}*/{}", self.branch);
        let exists = self
            .store
            .fetch((&self.branch_ref(), &branch), (&self.lease_ref("*"), &others))?;
        let known_ref = self.known_ref();
        let refs = self.store.refs(&[&branch, leases, &known_ref])?;
        let tip = refs.get(&branch).filter(|_| exists).cloned();
        let known = known.or_else(|| refs.get(&known_ref).cloned());
        let end = format!("/{}", self.branch);
        let leases = refs.iter().filter_map(|(name, id)| {
            let environment = name.strip_prefix(leases)?.strip_suffix(&end)?;
            Some((environment.to_owned(), id.clone()))
        });
        Ok(Seen {
            leases: leases.collect(),
            rewritten: self.rewritten(known.as_ref(), tip.as_ref())?,
            tip,
            known,
        })
    }

    /// Writes down the tip as the newest that was seen here. Another process may have written a newer one;
    /// then that stands.
    fn remember(&self, seen: &mut Seen) {
        if let Some(tip) = seen.tip.as_ref().filter(|tip| seen.known.as_ref() != Some(tip)) {
            // Without it a rewritten branch goes unnoticed in this clone, and nothing else.
            let _ = self.store.move_ref(&self.known_ref(), tip, seen.known.as_ref());
            seen.known = Some(tip.clone());
        }
    }

    /// This process moved the branch to `tip`.
    pub(super) fn advanced(&self, tip: &CommitId) {
        let mut last = self.seen();
        let Some((_, seen)) = &mut *last else {
            return;
        };
        seen.tip = Some(tip.clone());
        self.remember(seen);
    }

    /// The next look fetches.
    pub(super) fn forget(&self) {
        *self.seen() = None;
    }

    fn seen(&self) -> MutexGuard<'_, Option<(Instant, Seen)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How `tip` does not follow from `known`.
    fn rewritten(
        &self,
        known: Option<&CommitId>,
        tip: Option<&CommitId>,
    ) -> Result<Option<String>, PortError> {
        let Some(known) = known else {
            return Ok(None);
        };
        let place = self.place();
        let Some(tip) = tip else {
            return Ok(Some(format!("{place} is gone; it was seen here at {known}")));
        };
        if tip == known || self.store.is_ancestor(known, tip)? {
            return Ok(None);
        }
        // A clone that was made shallow since cannot tell by the commits, but by what they hold.
        if self.store.is_shallow()? && self.holds(tip, known)? {
            return Ok(None);
        }
        Ok(Some(format!(
            "{place} was rewritten: {tip} does not follow {known}, which was seen here before"
        )))
    }

    /// Whether every record of `known` is in `tip`, unaltered.
    fn holds(&self, tip: &CommitId, known: &CommitId) -> Result<bool, PortError> {
        for environment in self.environments(known)? {
            let before = self.chain(known, &environment)?;
            let now = self.chain(tip, &environment)?;
            if before
                .records
                .iter()
                .any(|(seq, id)| now.records.get(seq) != Some(id))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The environments with a chain in `commit`, sorted.
    pub(super) fn environments(&self, commit: &CommitId) -> Result<Vec<EnvironmentName>, PortError> {
        let Some(root) = self.store.object(&format!("{commit}^{{tree}}"))? else {
            return Err(self.lacking(commit.as_str()));
        };
        let mut found = Vec::new();
        for entry in self.entries(&root)? {
            if let Ok(environment) = entry.name.parse::<EnvironmentName>()
                && entry.directory
                && !self.chain(commit, &environment)?.is_empty()
            {
                found.push(environment);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The chain of `environment` in `commit`; empty when there is none.
    pub(super) fn chain(&self, commit: &CommitId, environment: &EnvironmentName) -> Result<Chain, PortError> {
        match self.store.object(&format!("{commit}:{environment}"))? {
            Some(directory) => Ok(Chain::of(self.entries(&directory)?)),
            None => Ok(Chain::default()),
        }
    }

    fn entries(&self, directory: &Object) -> Result<Vec<tree::Entry>, PortError> {
        tree::entries(directory).ok_or_else(|| {
            let message = format!("{}: {} is no directory of files", self.place(), directory.id);
            PortError::new(ErrorKind::Invalid, "reading the ledger", message)
        })
    }

    /// The content of a file of at most `most` bytes.
    pub(super) fn file(&self, name: &str, most: u64) -> Result<Vec<u8>, PortError> {
        let object = self.store.object(name)?.ok_or_else(|| self.lacking(name))?;
        if object.kind != "blob" || object.bytes.len() as u64 > most {
            let message = format!("{}: {name} is no file of at most {most} bytes", self.place());
            return Err(PortError::new(ErrorKind::Invalid, "reading the ledger", message));
        }
        Ok(object.bytes)
    }

    fn lacking(&self, name: &str) -> PortError {
        let message = format!("{}: {name} is not in this clone", self.place());
        PortError::new(ErrorKind::Invalid, "reading the ledger", message).fix("try `git fsck`")
    }

    pub(super) fn publish(&self, update: &Update<'_>) -> Published {
        self.store.publish(update)
    }

    /// The other side takes no push.
    pub(super) fn refused(&self, doing: &str, words: &str) -> PortError {
        let why = match self.store.remote() {
            Some(remote) => Explanation::new(format!("{remote} does not take the push"))
                .caused_by(words)
                .fix(format!(
                    "the record is kept there, on branch {}: the job needs `permissions: contents: write` on \
                     GitHub (a pull request from a fork never has it) and a token (GITHUB_TOKEN in the step's \
                     environment, or what actions/checkout leaves with persist-credentials), and the branch must \
                     accept pushes; or keep the record elsewhere with `ledger: {{ directory: … }}`",
                    self.branch
                )),
            None => Explanation::new(words),
        };
        PortError::new(ErrorKind::Denied, doing, why)
    }

    /// The error of those who would build on a branch that was rewritten.
    pub(super) fn not_built_upon(&self, seen: &Seen) -> Result<(), PortError> {
        let Some(rewritten) = &seen.rewritten else {
            return Ok(());
        };
        let known = seen.known.as_ref().map_or("", CommitId::as_str);
        let back = match self.store.remote() {
            Some(remote) => format!("git push --force {remote} {known}:{}", self.branch_ref()),
            None => format!("git update-ref {} {known}", self.branch_ref()),
        };
        let fix = format!(
            "see `greenroom audit verify`, then put it back (`{back}`), or accept its present state \
             (`git update-ref -d {}`)",
            self.known_ref()
        );
        let why = Explanation::new(rewritten).fix(fix);
        Err(PortError::new(ErrorKind::Invalid, "reading the ledger", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_in_a_repository_has_a_branch_of_its_own() {
        assert_eq!(usual_branch(""), "greenroom-ledger");
        assert_eq!(
            usual_branch("services/web shop/"),
            "greenroom-ledger-services-web-shop"
        );
    }
}
