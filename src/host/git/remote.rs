//! What a repository shares with its remote: refs that are fetched, and refs that are published by
//! compare-and-swap.

use super::process::{self, Limits};
use super::store::{NAMELESS, Store, unreachable};
use super::{not_run, words};
use crate::domain::model::{CommitId, ErrorKind, PortError};

use std::time::Duration;

/// A long history may come with the first fetch.
const FETCH: Limits = Limits {
    timeout: Duration::from_secs(180),
    bytes: 1 << 20,
};
/// How often a fetch is begun again because another process fetched into the same repository.
const TRIES: usize = 5;

/// A ref that is to be published.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Its full name.
    pub name: &'a str,
    /// What it is to point at.
    pub new: &'a CommitId,
    /// What it is known to point at; `None` when it is known not to be there.
    pub old: Option<&'a CommitId>,
    /// Whether `new` may leave out what `old` holds. Otherwise it has to be a descendant.
    pub replace: bool,
    /// How long it may take.
    pub patience: Duration,
}

/// What became of an update.
#[derive(Debug)]
pub enum Published {
    /// It stands.
    Landed,
    /// The ref points elsewhere than was thought.
    Moved,
    /// The other side does not want it, in its words.
    Refused(String),
    /// It may or may not have happened.
    Unknown(PortError),
}

impl Store {
    /// Fetches `branch` (a full name) and whatever matches `others` (a name with a `*`) to local refs:
    /// the branch to `branch_to`, the others to `others_to`, which no longer holds what the remote does
    /// not hold. Whether the branch exists there. Does nothing without a remote.
    ///
    /// # Errors
    /// When the remote cannot be reached or says no.
    pub fn fetch(&self, branch: (&str, &str), others: (&str, &str)) -> Result<bool, PortError> {
        let Some(remote) = self.remote() else {
            return Ok(true);
        };
        let doing = format!("fetching {} from {remote}", branch.0);
        let branch = format!("+{}:{}", branch.0, branch.1);
        let others = format!("+{}:{}", others.0, others.1);
        let mut wanted: &[&str] = &[&branch, &others];
        for left in (0..TRIES).rev() {
            let mut command = self.command_to_fetch();
            command
                .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"])
                .args(["-c", &format!("remote.{remote}.followRemoteHEAD=never")])
                .args([
                    "fetch",
                    "--quiet",
                    "--prune",
                    "--no-tags",
                    "--no-write-fetch-head",
                ])
                // No --depth: it would cut off the history of the whole repository. No filter: in a partial
                // clone every record would be a request of its own.
                .args(["--no-filter", "--no-recurse-submodules", "--no-auto-maintenance"])
                .args(["--no-show-forced-updates", "--no-write-commit-graph"])
                // Nothing but what is named here: not to the refs that the user's configuration maps to.
                .arg("--refmap=")
                .args(["--end-of-options", remote])
                .args(wanted);
            let output = process::run(command, FETCH).map_err(|error| not_run(&doing, &error))?;
            if output.code == Some(0) {
                return Ok(wanted.len() == 2);
            }
            let said = &output.stderr;
            if said.contains("couldn't find remote ref") && wanted.len() == 2 {
                wanted = &wanted[1..];
            } else if left == 0
                || !(said.contains("cannot lock ref") || said.contains("unable to update local ref"))
            {
                return Err(unreachable(&doing, remote, &output));
            }
        }
        let message = "other processes fetch into this repository all the time";
        Err(PortError::new(ErrorKind::Transient, doing, message))
    }

    /// Publishes a ref: of several that try, exactly one succeeds.
    pub fn publish(&self, update: &Update<'_>) -> Published {
        match self.remote() {
            Some(remote) => self.push(remote, update, &[]),
            None => match self.move_ref(update.name, update.new, update.old) {
                Ok(true) => Published::Landed,
                Ok(false) => Published::Moved,
                Err(error) => match error.kind {
                    ErrorKind::Transient | ErrorKind::Ambiguous => Published::Unknown(error),
                    _ => Published::Refused(error.why.to_string()),
                },
            },
        }
    }

    /// What would become of a ref `name` if it were published; it is not. Where there is no remote nothing
    /// is tried.
    pub fn try_publish(&self, name: &str, new: &CommitId) -> Published {
        let update = Update {
            name,
            new,
            old: None,
            replace: false,
            patience: Duration::from_secs(30),
        };
        match self.remote() {
            Some(remote) => self.push(remote, &update, &["--dry-run"]),
            None => Published::Landed,
        }
    }

    fn push(&self, remote: &str, update: &Update<'_>, flags: &[&str]) -> Published {
        let doing = format!("pushing {} to {remote}", update.name);
        let mut command = self.command_to_push();
        command
            .args(["-c", "push.pushOption="])
            .args([
                "push",
                "--porcelain",
                "--no-verify",
                "--no-follow-tags",
                "--no-signed",
            ])
            .arg("--recurse-submodules=no")
            .args(flags);
        if update.replace {
            let old = update.old.map_or("", CommitId::as_str);
            command.arg(format!("--force-with-lease={}:{old}", update.name));
        }
        command
            .args(["--end-of-options", NAMELESS])
            .arg(format!("{}:{}", update.new, update.name));
        let limits = Limits {
            timeout: update.patience,
            bytes: 1 << 20,
        };
        let output = match process::run(command, limits) {
            Ok(output) => output,
            Err(error) => return Published::Unknown(not_run(&doing, &error)),
        };
        if let Some(published) = verdict(&output.text(), update.name, &output.stderr) {
            return published;
        }
        // The other side was not reached, or let nobody in.
        match words::kind(&output.stderr) {
            ErrorKind::Denied | ErrorKind::Missing => Published::Refused(words::shown(&output.stderr)),
            _ => Published::Unknown(unreachable(&doing, remote, &output)),
        }
    }
}

/// What git says became of the ref `name` (git-push(1), "Output"); `None` when it says nothing of it.
fn verdict(porcelain: &str, name: &str, stderr: &str) -> Option<Published> {
    let line = porcelain.lines().find_map(|line| {
        let mut fields = line.splitn(3, '\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        (refs.rsplit_once(':')?.1 == name).then_some((flag, summary))
    });
    let (flag, summary) = line?;
    if flag != "!" {
        return Some(Published::Landed);
    }
    let moved = [
        "fetch first",
        "non-fast-forward",
        "stale info",
        "cannot lock ref",
        "failed to lock",
        "failed to update ref",
        "incorrect old value",
        "reference already exists",
        "needs force",
        "remote ref updated since checkout",
    ];
    if moved.iter().any(|word| summary.contains(word)) {
        return Some(Published::Moved);
    }
    // `[remote failure]`: the other side said nothing of it.
    if !summary.contains("rejected]") {
        let message = words::shown(&format!("{summary}\n{stderr}"));
        let error = PortError::new(ErrorKind::Transient, format!("pushing {name}"), message);
        return Some(Published::Unknown(error));
    }
    Some(Published::Refused(words::shown(&format!("{stderr}\n{summary}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_push_is_read_from_its_report() {
        let of = |line: &str| {
            let text = format!("To /srv/r.git\n{line}\nDone");
            let published = verdict(
                &text,
                "refs/heads/l",
                "remote: not you\nerror: failed to push some refs to 'x'",
            );
            match published {
                None => "nothing".to_owned(),
                Some(Published::Landed) => "landed".to_owned(),
                Some(Published::Moved) => "moved".to_owned(),
                Some(Published::Refused(words)) => words,
                Some(Published::Unknown(error)) => error.why.to_string(),
            }
        };
        for (line, expected) in [
            ("*\tabc:refs/heads/l\t[new branch]", "landed"),
            (" \tabc:refs/heads/l\t1..2", "landed"),
            ("=\tabc:refs/heads/l\t[up to date]", "landed"),
            ("!\tabc:refs/heads/l\t[rejected] (fetch first)", "moved"),
            (
                "!\tabc:refs/heads/l\t[remote rejected] (failed to update ref)",
                "moved",
            ),
            (
                "!\tabc:refs/heads/l\t[remote rejected] (cannot lock ref 'x': is at 1 but expected 2)",
                "moved",
            ),
            (
                "!\tabc:refs/heads/l\t[remote rejected] (pre-receive hook declined)",
                "not you; !\tabc",
            ),
            (
                "!\tabc:refs/heads/l\t[remote failure] (remote failed to report status)",
                "not you; [remote",
            ),
            ("*\tabc:refs/heads/other\t[new branch]", "nothing"),
            ("", "nothing"),
        ] {
            let found = of(line);
            let expected = expected.replace("!\tabc", "[remote rejected] (pre-receive hook declined)");
            assert!(found.starts_with(&expected), "{line}: {found}");
        }
    }
}
